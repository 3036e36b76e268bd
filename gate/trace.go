package gate

import "strings"

// trace is what the rules made of one vulnerability, for those who ask why.
type trace struct {
	id    string
	found []traced
	ids   map[string]bool // of everything that the scans list
}

// traced is one finding and what was decided of it.
type traced struct {
	scan     Scan // without its findings
	finding  Finding
	decision decision
	since    since
}

// finding keeps what was decided of a finding, if it is the one asked about.
func (t *trace) finding(s Scan, f Finding, d decision, base since) {
	t.ids[f.ID] = true
	if !f.isCalled(t.id) {
		return
	}
	s.Findings = nil
	t.found = append(t.found, traced{s, f, d, base})
}

// isCalled is generous, for people ask: any related ID will do, in any letters.
func (f Finding) isCalled(id string) bool {
	if strings.EqualFold(f.ID, id) {
		return true
	}
	for _, related := range f.Related {
		if strings.EqualFold(related, id) {
			return true
		}
	}
	return false
}

// saw reports whether it was found on a platform.
func (t *trace) saw(manifest string) bool {
	for i := range t.found {
		if t.found[i].scan.Digest == manifest {
			return true
		}
	}
	return false
}
