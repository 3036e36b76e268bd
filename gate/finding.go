package gate

import (
	"strings"
	"time"
)

// Fix says whether a finding can be mended by an upgrade. The zero value is
// FixUnknown: a basic scan has no fix data.
type Fix uint8

// What Inspector's fixAvailable says.
const (
	FixUnknown Fix = iota
	FixNo
	FixPartial
	FixYes
)

var fixNames = [...]string{"UNKNOWN", "NO", "PARTIAL", "YES"}

func (f Fix) String() string {
	if int(f) < len(fixNames) {
		return fixNames[f]
	}
	return fixNames[FixUnknown]
}

// MarshalText writes the fix state as Inspector does.
func (f Fix) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// FindingStatus is where a finding stands in Inspector. The zero value is
// Active: basic findings carry no status and count.
type FindingStatus uint8

// Inspector's words, and the one for words we do not know.
const (
	Active FindingStatus = iota
	Suppressed
	Closed
	// StatusUnknown is a word this version does not know: a scan that holds such
	// a finding is never clean.
	StatusUnknown
)

var findingStatusNames = [...]string{"ACTIVE", "SUPPRESSED", "CLOSED", "UNKNOWN"}

// ParseFindingStatus reads Inspector's word; nothing at all means Active.
func ParseFindingStatus(word string) FindingStatus {
	if word == "" {
		return Active
	}
	for i, name := range findingStatusNames[:StatusUnknown] {
		if strings.EqualFold(word, name) {
			return FindingStatus(i)
		}
	}
	return StatusUnknown
}

func (s FindingStatus) String() string {
	if int(s) < len(findingStatusNames) {
		return findingStatusNames[s]
	}
	return findingStatusNames[StatusUnknown]
}

// MarshalText writes the status as Inspector does.
func (s FindingStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Package is an installed package that a finding is about.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"` // as the package manager prints it: epoch:version-release
	FixedIn string `json:"fixedIn,omitempty"` // empty: none known
	Path    string `json:"path,omitempty"`    // file in the image, language packages only
	// PURL is the package URL without qualifiers, empty where the scan does not
	// say enough to make one (every basic finding).
	PURL string `json:"purl,omitempty"`
}

// UnversionedPURL is the package URL without its version: whichever version is
// installed. An @ in a name is escaped in a package URL.
func (p Package) UnversionedPURL() string {
	if at := strings.LastIndexByte(p.PURL, '@'); at > strings.LastIndexByte(p.PURL, '/') {
		return p.PURL[:at]
	}
	return p.PURL
}

// Finding is one entry of a scan's list. Several findings may share an ID, one
// per package (basic); one finding may name several packages (enhanced).
type Finding struct {
	ID       string        `json:"id"`
	Severity Severity      `json:"severity"`
	Related  []string      `json:"related,omitempty"` // other IDs that Inspector calls related
	Packages []Package     `json:"packages,omitempty"`
	Fix      Fix           `json:"fix"`
	Exploit  bool          `json:"exploit,omitempty"` // a known exploit exists
	Status   FindingStatus `json:"status"`
	Title    string        `json:"title,omitempty"`
	URL      string        `json:"url,omitempty"`
	// FirstObserved is zero where the scan does not say (every basic finding).
	FirstObserved time.Time `json:"firstObserved,omitzero"`
}

// Fixable reports whether an upgrade mends at least part of the finding. It is
// true for FixUnknown too: what nobody knows counts.
func (f Finding) Fixable() bool { return f.Fix != FixNo || f.hasFixedVersion() }

func (f *Finding) hasFixedVersion() bool {
	for _, p := range f.Packages {
		if p.FixedIn != "" {
			return true
		}
	}
	return false
}

// key tells findings of different platforms of one index apart: the distinct
// id + package + version is what an index counts.
func (f Finding) key() string {
	size := len(f.ID)
	for i := range f.Packages {
		size += 2 + len(f.Packages[i].Name) + len(f.Packages[i].Version)
	}
	var b strings.Builder
	b.Grow(size)
	b.WriteString(f.ID)
	for _, p := range f.Packages {
		b.WriteByte(0)
		b.WriteString(p.Name)
		b.WriteByte(0)
		b.WriteString(p.Version)
	}
	return b.String()
}
