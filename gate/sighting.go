package gate

import "strings"

// sighting is a vulnerability in a package at a place: what makes a finding of two
// images the same one. The package's version is no part of it, for one that was
// upgraded and still has the vulnerability has it as before.
type sighting struct {
	id, name string
	kind     string // the package URL without its version, empty where there is none
	place    string // the package's file, but for versions
}

// sightings are those of one or more scans.
type sightings map[sighting]struct{}

// sightingsIn are what a scan's list has. What is closed is no longer there, and
// of a finding whose status is unknown nobody can say so.
func sightingsIn(scans ...Scan) sightings {
	n := 0
	for i := range scans {
		n += len(scans[i].Findings)
	}
	found := make(sightings, n)
	for i := range scans {
		list := scans[i].Findings
		for j := range list {
			if list[j].Status < Closed {
				found.add(&list[j])
			}
		}
	}
	return found
}

func (s sightings) add(f *Finding) {
	for _, p := range f.Packages {
		if one, ok := sightingOf(f, p); ok {
			s[one] = struct{}{}
		}
	}
}

// all reports whether every package of the finding is among them. A finding that
// names no package could be any other of its name, so it never is.
func (s sightings) all(f *Finding) bool {
	for _, p := range f.Packages {
		if !s.has(f, p) {
			return false
		}
	}
	return len(f.Packages) > 0
}

// any reports whether some package of the finding is among them.
func (s sightings) any(f *Finding) bool {
	for _, p := range f.Packages {
		if s.has(f, p) {
			return true
		}
	}
	return false
}

func (s sightings) has(f *Finding, p Package) bool {
	one, ok := sightingOf(f, p)
	if !ok {
		return false
	}
	_, found := s[one]
	return found
}

// sightingOf is false for a package or a vulnerability without a name: those
// cannot be told apart.
func sightingOf(f *Finding, p Package) (one sighting, ok bool) {
	if f.ID == "" || p.Name == "" {
		return sighting{}, false
	}
	return sighting{f.ID, p.Name, p.UnversionedPURL(), unversioned(p.Path)}, true
}

// unversioned writes * for every dotted number in a path: jars, Python packages
// and their folders have their versions in their names.
func unversioned(path string) string {
	dot := strings.IndexByte(path, '.')
	if dot < 0 {
		return path
	}
	var b strings.Builder
	for len(path) > 0 {
		number := leadingNumber(path)
		switch {
		case number == 0:
			b.WriteByte(path[0])
			number = 1
		case strings.IndexByte(path[:number], '.') > 0:
			b.WriteByte('*')
		default:
			b.WriteString(path[:number])
		}
		path = path[number:]
	}
	return b.String()
}

// leadingNumber is the length of the number that a text begins with: digits, and
// dots between digits.
func leadingNumber(text string) int {
	n := 0
	for n < len(text) {
		digit := text[n] >= '0' && text[n] <= '9'
		dot := text[n] == '.' && n > 0 && n+1 < len(text) && text[n+1] >= '0' && text[n+1] <= '9'
		if !digit && !dot {
			break
		}
		n++
	}
	return n
}
