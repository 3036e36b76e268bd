package exception

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// errEmpty keeps an empty item from matching everything, or nothing, unnoticed.
var errEmpty = errors.New("is empty; fill it in or take it out")

func readPURL(written string, x *gate.Exception) error {
	purl, err := packageurl.FromString(written)
	if err != nil {
		return fmt.Errorf("%s is no package URL (%w); write it as pkg:deb/debian/openssl", strict.Quote(written), err)
	}
	if open := openEnd(written); open != "" {
		return fmt.Errorf("%s has nothing after its %s; fill it in or take it out", strict.Quote(written), open)
	}
	x.PURLs = append(x.PURLs, purl)
	return nil
}

// openEnd finds a separator with nothing behind it. The parser drops it, and the
// purl would cover more than whoever left it unfinished meant.
func openEnd(purl string) string {
	for _, end := range []string{"@?", "@#", "?#", "=&", "=#"} {
		if strings.Contains(purl, end) {
			return end[:1]
		}
	}
	for _, end := range []string{"@", "?", "#", "="} {
		if strings.HasSuffix(purl, end) {
			return end
		}
	}
	return ""
}

// readPackage splits NAME@VERSION at the last @ that does not open the name, as
// that of an npm scope does.
func readPackage(written string, x *gate.Exception) error {
	p := gate.PackageName{Name: written}
	if at := strings.LastIndexByte(written, '@'); at > 0 {
		p.Name, p.Version = written[:at], written[at+1:]
		if p.Version == "" {
			return fmt.Errorf("%s has no version after its @; write NAME or NAME@VERSION", strict.Quote(written))
		}
	}
	if strings.TrimSpace(p.Name) == "" {
		return errEmpty
	}
	x.Packages = append(x.Packages, p)
	return nil
}

func readGlob(written string, globs *[]string) error {
	if strings.TrimSpace(written) == "" {
		return errEmpty
	}
	if err := gate.ValidateGlob(written); err != nil {
		return fmt.Errorf("%s %w", strict.Quote(written), err)
	}
	*globs = append(*globs, written)
	return nil
}

func readDigest(written string, x *gate.Exception) error {
	if !digestForm.MatchString(written) {
		return fmt.Errorf("%s is no digest; write sha256: and 64 digits, 0-9 and a-f", strict.Quote(written))
	}
	x.Digests = append(x.Digests, written)
	return nil
}

// tidy makes one line of a text that may have been folded over several, so that
// it stands well in reports.
func tidy(t text) string { return strings.Join(strings.Fields(string(t)), " ") }
