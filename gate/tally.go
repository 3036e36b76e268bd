package gate

import (
	"cmp"
	"slices"
	"strings"
)

// tally is what one scan's list comes to under a policy.
type tally struct {
	counts      map[Severity]int // by the finding's own severity
	weighed     map[Severity]int // by what it counts as
	counted     []Finding
	blocked     []Finding
	exploitable []Finding
	excepted    []excepted
	lapsed      []lapsed
	skipped     Skipped
	strange     int // findings of unknown status that count
}

type excepted struct {
	finding    Finding
	exceptions []int
}

type lapsed struct {
	id        string
	exception int
}

// count sorts every finding into what counts and what is passed over.
func (r rules) count(s Scan) tally {
	t := tally{counts: map[Severity]int{}, weighed: map[Severity]int{}}
	for _, f := range s.Findings {
		switch {
		case f.Status == Closed:
			t.skipped.Closed++
		case r.isBlocked(f):
			t.blocked = append(t.blocked, f)
			t.add(f, r.policy.weigh(f.Severity))
		case f.Status == Suppressed && r.policy.IgnoreSuppressed:
			t.skipped.Suppressed++
		default:
			r.countOpen(&t, s.Digest, f)
		}
	}
	return t
}

// countOpen counts a finding that is neither closed, blocked nor suppressed.
func (r rules) countOpen(t *tally, manifest string, f Finding) {
	weight := r.policy.weigh(f.Severity)
	used, old := r.exceptionsFor(manifest, f, weight)
	if used != nil {
		t.excepted = append(t.excepted, excepted{f, used})
		return
	}
	for _, i := range old {
		t.lapsed = append(t.lapsed, lapsed{f.ID, i})
	}
	if f.Status == StatusUnknown {
		t.strange++
	}
	switch {
	case f.Exploit && !r.policy.IgnoreExploits:
		t.exploitable = append(t.exploitable, f)
		t.add(f, weight)
	case r.policy.FixableOnly && !f.Fixable():
		t.skipped.Unfixable++
	case r.inGrace(f, weight):
		t.skipped.InGrace++
	default:
		t.add(f, weight)
	}
}

func (t *tally) add(f Finding, weight Severity) {
	t.counts[f.Severity]++
	t.weighed[weight]++
	t.counted = append(t.counted, f)
}

// isBlocked is generous where an exception is strict: any related ID will do.
func (r rules) isBlocked(f Finding) bool {
	if len(r.blocked) == 0 {
		return false
	}
	return r.blocked[strings.ToUpper(f.ID)] ||
		slices.ContainsFunc(f.Related, func(id string) bool { return r.blocked[strings.ToUpper(id)] })
}

// inGrace reports whether the finding is too young to count. One that says no
// time (every basic finding), or one from the future, counts.
func (r rules) inGrace(f Finding, weight Severity) bool {
	grace, ok := r.policy.Grace[weight]
	if !ok || f.FirstObserved.IsZero() || f.FirstObserved.After(r.now.Add(clockSkew)) {
		return false
	}
	return r.now.Sub(f.FirstObserved) < grace
}

// exceptionsFor returns the exceptions that together cover every package of the
// finding, nil if any package is left, and the expired ones that would have
// helped.
func (r rules) exceptionsFor(manifest string, f Finding, weight Severity) (used, old []int) {
	candidates := r.candidates(f)
	if len(candidates) == 0 {
		return nil, nil
	}
	packages := f.Packages
	if len(packages) == 0 {
		packages = []Package{{}} // a finding about the image itself
	}
	whole := true
	for _, p := range packages {
		i, found := r.covering(candidates, manifest, f, p, weight, &old)
		if found && !slices.Contains(used, i) {
			used = append(used, i)
		}
		whole = whole && found
	}
	if !whole {
		return nil, old
	}
	return used, nil
}

// candidates are the exceptions that could name the finding at all.
func (r rules) candidates(f Finding) []int {
	ids := r.byID[f.ID]
	if len(f.Related) == 1 {
		ids = append(slices.Clip(ids), r.byID[f.Related[0]]...)
	}
	if len(r.anyID) == 0 {
		return ids
	}
	return append(slices.Clip(ids), r.anyID...)
}

func (r rules) covering(candidates []int, manifest string, f Finding, p Package, weight Severity, old *[]int) (int, bool) {
	for _, i := range candidates {
		e := r.exceptions[i]
		if !e.covers(r.img, manifest, f, p, weight) {
			continue
		}
		if !e.Lapsed(r.now) {
			return i, true
		}
		if !slices.Contains(*old, i) {
			*old = append(*old, i)
		}
	}
	return 0, false
}

// merge fills in the verdict's own lists: each finding once, however many
// platforms share it.
func (r rules) merge(v *Verdict, judged []judgement) {
	counts := map[Severity]int{}
	seen := map[string]bool{}
	several := len(judged) > 1
	fresh := func(kind, key string) bool {
		key = kind + key
		was := seen[key]
		seen[key] = true
		return !was
	}
	for _, j := range judged {
		for _, f := range j.tally.counted {
			if !several || fresh("counted", f.key()) {
				v.Findings = append(v.Findings, f)
				counts[f.Severity]++
			}
		}
		for _, x := range j.tally.excepted {
			v.Used = append(v.Used, x.exceptions...)
			if !several || fresh("excepted", x.finding.key()) {
				v.Excepted = append(v.Excepted, r.exceptedFinding(x))
			}
		}
		for _, l := range j.tally.lapsed {
			if note := r.exceptions[l.exception].note(); fresh("lapsed", l.id+"\x00"+note.Source) {
				v.Lapsed = append(v.Lapsed, LapsedException{l.id, note})
			}
		}
		v.Skipped = v.Skipped.plus(j.tally.skipped)
	}
	v.Counts = all(counts)
	slices.Sort(v.Used)
	v.Used = slices.Compact(v.Used)
	slices.SortStableFunc(v.Findings, worstFirst)
	slices.SortStableFunc(v.Excepted, func(a, b ExceptedFinding) int { return worstFirst(a.Finding, b.Finding) })
}

func (r rules) exceptedFinding(x excepted) ExceptedFinding {
	notes := make([]ExceptionNote, len(x.exceptions))
	for i, e := range x.exceptions {
		notes[i] = r.exceptions[e].note()
	}
	return ExceptedFinding{x.finding, notes}
}

func (s Skipped) plus(t Skipped) Skipped {
	return Skipped{s.Closed + t.Closed, s.Suppressed + t.Suppressed, s.Unfixable + t.Unfixable, s.InGrace + t.InGrace}
}

// worstFirst orders findings for people: by severity, then what is exploited,
// then what can be mended, then by name, so that the order is stable.
func worstFirst(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity),
		compareBool(b.Exploit, a.Exploit),
		compareBool(b.hasFixedVersion(), a.hasFixedVersion()),
		cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.key(), b.key()),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}
