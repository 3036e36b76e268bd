package report

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ecr-gate/ecr-gate/gate"
)

// brief makes text one clean line of at most limit characters. What is too much
// is left out of the middle: both ends of a name tell things apart.
func brief(text string, limit int) string {
	return elide(gate.Clean(text), limit)
}

func elide(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	runes := []rune(text)
	tail := max(limit-1, 0) / 2
	head := max(limit-1, 0) - tail
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:])
}

// Texts of a finding are cut there: none that means anything is longer.
const (
	longestID      = 60
	longestName    = 80
	longestVersion = 60
	longestTitle   = 300
	longestReason  = 1000 // of an exception
)

// label is what a finding is called.
func label(f gate.Finding) string {
	return cmp.Or(brief(f.ID, longestID), brief(f.Title, longestID), "without a name")
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// severities writes "1 CRITICAL, 2 HIGH", and "HIGH" where all are.
func severities(counts map[gate.Severity]int) string {
	var parts []string
	for _, s := range gate.WorstFirst() {
		if n := counts[s]; n > 0 && len(counts) == 1 {
			return s.String()
		} else if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(parts, ", ")
}

// imageName is how reports call the image.
func imageName(v gate.Verdict) string {
	return cmp.Or(gate.Clean(v.Image), "an image without a name")
}

// platformName is how reports call a manifest.
func platformName(m gate.ManifestVerdict) string {
	return cmp.Or(gate.Clean(m.Platform), gate.Clean(gate.ShortDigest(m.Digest)), "image")
}

// longestAddress is more than any database of vulnerabilities has.
const longestAddress = 500

// webAddress is the address if it is one that a browser may be sent to, else nothing:
// findings bring their own.
func webAddress(address string) string {
	u, err := url.Parse(gate.Clean(address))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(address) > longestAddress {
		return ""
	}
	return u.String()
}
