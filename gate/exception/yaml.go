package exception

import (
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// document is a .trivyignore.yaml. Its other sections are for Trivy's other
// scanners and passed over.
type document struct {
	Vulnerabilities   []entry        `json:"vulnerabilities"`
	Misconfigurations strict.Ignored `json:"misconfigurations"`
	Secrets           strict.Ignored `json:"secrets"`
	Licenses          strict.Ignored `json:"licenses"`
}

// entry is one exception as it is written. The first five keys are Trivy's.
type entry struct {
	ID           text      `json:"id"`
	PURLs        []text    `json:"purls"`
	Paths        []text    `json:"paths"`
	ExpiredAt    time.Time `json:"expired_at"`
	Statement    text      `json:"statement"`
	Packages     []text    `json:"packages"`
	Repositories []text    `json:"repositories"`
	Digests      []text    `json:"digests"`
	UntilFixed   bool      `json:"until_fixed"`
	Owner        text      `json:"owner"`
	Ticket       text      `json:"ticket"`
	MaxSeverity  severity  `json:"max_severity"`
}

// text takes any single value as it is written, as Trivy does: a ticket may be a
// bare number.
type text string

func (t *text) UnmarshalText(written []byte) error {
	*t = text(written)
	return nil
}

type severity gate.Severity

func (s *severity) UnmarshalText(written []byte) error {
	got := gate.Untriaged
	if err := got.UnmarshalText(written); err != nil {
		return err
	}
	if got == gate.Untriaged {
		return errors.New("UNTRIAGED is no bound; write one of CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL, or leave it out")
	}
	*s = severity(got)
	return nil
}

func parseYAML(name string, data []byte, rules Rules, now time.Time) ([]gate.Exception, strict.Faults) {
	var doc document
	file := strict.Decode(name, data, &doc)
	exceptions := make([]gate.Exception, len(doc.Vulnerabilities))
	for i, e := range doc.Vulnerabilities {
		path := strict.Item(listKey, i)
		exceptions[i] = e.exception(file, path)
		exceptions[i].Source = name + ": " + path
		enforce(rules, exceptions[i], file, path, now)
	}
	return exceptions, file.Faults()
}

// enforce reports what the rules find wrong with an entry.
func enforce(rules Rules, e gate.Exception, file *strict.File, path string, now time.Time) {
	for _, what := range rules.missing(e) {
		file.Faultf(strict.Key(path, what), "is missing, and exceptions.require asks for it; add it")
	}
	if text := rules.outlives(e, now); text != "" {
		file.Faultf(strict.Key(path, RequireExpiredAt), "%s", text)
	}
}

func (e entry) exception(file *strict.File, path string) gate.Exception {
	x := gate.Exception{
		ExpiresAt:   e.ExpiredAt,
		UntilFixed:  e.UntilFixed,
		MaxSeverity: gate.Severity(e.MaxSeverity),
		Statement:   tidy(e.Statement),
		Owner:       tidy(e.Owner),
		Ticket:      tidy(e.Ticket),
	}
	if e.ID != "" {
		x.IDs = []string{string(e.ID)}
	}
	each(file, path, "purls", e.PURLs, func(s string) error { return readPURL(s, &x) })
	each(file, path, "packages", e.Packages, func(s string) error { return readPackage(s, &x) })
	each(file, path, "paths", e.Paths, func(s string) error { return readGlob(s, &x.Paths) })
	each(file, path, "repositories", e.Repositories, func(s string) error { return readGlob(s, &x.Repositories) })
	each(file, path, "digests", e.Digests, func(s string) error { return readDigest(s, &x) })
	e.mustName(file, path)
	return x
}

// each reads the items of a list and reports those that cannot be read.
func each(file *strict.File, path, key string, items []text, read func(string) error) {
	if at := strict.Key(path, key); len(items) == 0 && file.Has(at) {
		file.Faultf(at, "is an empty list, which would leave the exception as wide as without it; fill it in or take it out")
	}
	for i, item := range items {
		if err := read(string(item)); err != nil {
			file.Faultf(strict.Item(strict.Key(path, key), i), "%v", err)
		}
	}
}

// mustName refuses an entry that is about nothing in particular, and so would
// excuse everything, and an ID that can be no finding's.
func (e entry) mustName(file *strict.File, path string) {
	id := strict.Key(path, "id")
	switch {
	case e.ID != "":
		if err := checkID(string(e.ID)); err != nil {
			file.Faultf(id, "%v", err)
		}
	case file.Has(id):
		file.Faultf(id, "is empty; name a vulnerability, or leave it out and name packages or purls")
	case len(e.Packages) == 0 && len(e.PURLs) == 0:
		file.Faultf(path, "names neither a vulnerability (id) nor a package (packages, purls), so it would excuse everything; name one")
	}
}

// checkID refuses what no finding is called: IDs have no blanks in them, and nothing
// that cannot be seen.
func checkID(id string) error {
	for _, r := range id {
		if r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r) {
			return fmt.Errorf("%s has blanks or hidden characters in it, so no finding is called that; write one vulnerability, as CVE-2024-3094", strict.Quote(id))
		}
	}
	return nil
}
