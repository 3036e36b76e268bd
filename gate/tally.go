package gate

import (
	"cmp"
	"slices"
	"strings"
)

// perSeverity is a number for each severity.
type perSeverity [Critical + 1]int

// tally is what one scan's list comes to under a policy.
type tally struct {
	counts      perSeverity // by the finding's own severity
	weighed     perSeverity // by what it counts as
	counted     []Finding
	blocked     []Finding
	exploitable []Finding
	excepted    []excepted
	lapsed      []lapsed
	skipped     Skipped
	strange     int // findings of unknown status, excepted or not
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
func (r *rules) count(s Scan, base *since) tally {
	t := tally{counted: make([]Finding, 0, len(s.Findings))}
	for i := range s.Findings {
		f := &s.Findings[i] // it is large to move about
		if f.Status >= StatusUnknown {
			t.strange++
		}
		d := r.decide(s.Digest, f, base)
		t.take(f, d)
		if r.trace != nil {
			r.trace.finding(s, *f, d, *base)
		}
	}
	return t
}

func (t *tally) add(f *Finding, weight Severity) {
	t.counts[f.Severity.known()]++
	t.weighed[weight]++
	t.counted = append(t.counted, *f)
}

// isBlocked is generous where an exception is strict: any related ID will do.
func (r *rules) isBlocked(f *Finding) bool {
	_, blocked := r.blockedAs(f)
	return blocked
}

// blockedAs is the name under which the policy blocks the finding.
func (r *rules) blockedAs(f *Finding) (id string, blocked bool) {
	if len(r.blocked) == 0 {
		return "", false
	}
	if r.blocked[strings.ToUpper(f.ID)] {
		return f.ID, true
	}
	for _, id := range f.Related {
		if r.blocked[strings.ToUpper(id)] {
			return id, true
		}
	}
	return "", false
}

// inGrace reports whether the finding is too young to count. One that says no
// time (every basic finding), or one from the future, counts.
func (r *rules) inGrace(f *Finding, weight Severity) bool {
	grace := r.policy.Grace[weight]
	if grace <= 0 || f.FirstObserved.IsZero() || f.FirstObserved.After(r.now.Add(clockSkew)) {
		return false
	}
	return r.now.Sub(f.FirstObserved) < grace
}

// exceptionsFor returns the exceptions that together cover every package of the
// finding, nil if any package is left, and then the expired ones that would have
// made up for it.
func (r *rules) exceptionsFor(manifest string, f Finding, weight Severity) (used, old []int) {
	named := r.naming(f)
	if len(named) == 0 && len(r.byPackage) == 0 {
		return nil, nil
	}
	packages := f.Packages
	if len(packages) == 0 {
		packages = []Package{{}} // a finding about the image itself
	}
	whole, wasWhole := true, true
	for _, p := range packages {
		in := installed{Package: p}
		if len(named) > 0 || r.purlAlone {
			in.purl = p.parsePURL()
		}
		live, expired := r.covering(r.candidates(named, in), manifest, f, in, weight)
		switch {
		case live >= 0:
			used = appendNew(used, live)
		case len(expired) > 0:
			whole, old = false, appendNew(old, expired...)
		default:
			whole, wasWhole = false, false
		}
	}
	switch {
	case whole:
		return used, nil
	case wasWhole:
		return nil, old
	default:
		return nil, nil
	}
}

func appendNew(list []int, numbers ...int) []int {
	for _, n := range numbers {
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// naming are the exceptions that name the vulnerability.
func (r *rules) naming(f Finding) []int {
	list := r.byID[f.ID]
	if len(f.Related) == 1 {
		list = append(slices.Clip(list), r.byID[f.Related[0]]...)
	}
	return list
}

// candidates adds to them those that name no vulnerability, but could mean this
// package.
func (r *rules) candidates(named []int, p installed) []int {
	list := append(slices.Clip(named), r.byPackage[p.Name]...)
	if p.purl.Name != p.Name {
		list = append(slices.Clip(list), r.byPackage[p.purl.Name]...)
	}
	return list
}

// covering is the first exception in force that covers the package, -1 if none
// does, and then the expired ones that would.
func (r *rules) covering(candidates []int, manifest string, f Finding, p installed, weight Severity) (live int, expired []int) {
	for _, i := range candidates {
		e := r.exceptions[i]
		switch {
		case !e.covers(r.img, manifest, f, p, weight):
		case e.Lapsed(r.now):
			expired = append(expired, i)
		default:
			return i, nil
		}
	}
	return -1, expired
}

// merge fills in the verdict's own lists: each finding once, however many
// platforms share it, and as the worst of them have it.
func (r *rules) merge(v *Verdict, judged []judgement) {
	v.mergeCounted(judged)
	var passed []excepted
	var old []lapsed
	for _, j := range judged {
		passed = append(passed, j.tally.excepted...)
		old = append(old, j.tally.lapsed...)
		v.Skipped = v.Skipped.plus(j.tally.skipped)
	}
	slices.SortFunc(passed, excepted.compare)
	for _, x := range passed {
		v.Used = append(v.Used, x.exceptions...)
	}
	if len(judged) > 1 {
		passed = distinct(passed, func(x excepted) string { return x.finding.key() })
	}
	for _, x := range passed {
		v.Excepted = append(v.Excepted, r.exceptedFinding(x))
	}
	slices.SortFunc(old, lapsed.compare)
	for _, l := range slices.Compact(old) {
		v.Lapsed = append(v.Lapsed, LapsedException{l.id, r.exceptions[l.exception].note()})
	}
	slices.Sort(v.Used)
	v.Used = slices.Compact(v.Used)
}

// mergeCounted fills in what was counted and, of an index, on which platform.
func (v *Verdict) mergeCounted(judged []judgement) {
	type on struct {
		finding  *Finding // it is large to move about
		manifest int
	}
	var counted []on
	for m := range judged {
		findings := judged[m].tally.counted
		counted = slices.Grow(counted, len(findings))
		for i := range findings {
			counted = append(counted, on{&findings[i], m})
		}
	}
	slices.SortFunc(counted, func(a, b on) int { return worstFirst(a.finding, b.finding) })
	v.Findings = make([]Finding, 0, len(counted))
	var counts perSeverity
	places := map[string]int{} // in v.Findings
	for _, c := range counted {
		known := false
		if len(judged) > 1 {
			var place int
			key := c.finding.key()
			if place, known = places[key]; !known {
				place = len(v.Findings)
				places[key] = place
			}
			m := &v.Manifests[c.manifest]
			m.Findings = append(m.Findings, place)
		}
		if !known {
			v.Findings = append(v.Findings, *c.finding)
			counts[c.finding.Severity.known()]++
		}
	}
	for i := range v.Manifests {
		m := &v.Manifests[i]
		slices.Sort(m.Findings)
		m.Findings = slices.Compact(m.Findings)
	}
	v.Counts = all(counts)
}

// distinct keeps the first of each key.
func distinct[T any](list []T, key func(T) string) []T {
	seen := make(map[string]bool, len(list))
	return slices.DeleteFunc(list, func(x T) bool {
		k := key(x)
		was := seen[k]
		seen[k] = true
		return was
	})
}

func (x excepted) compare(y excepted) int {
	if c := worstFirst(&x.finding, &y.finding); c != 0 {
		return c
	}
	return slices.Compare(x.exceptions, y.exceptions)
}

func (l lapsed) compare(m lapsed) int {
	return cmp.Or(cmp.Compare(l.id, m.id), cmp.Compare(l.exception, m.exception))
}

func (r *rules) exceptedFinding(x excepted) ExceptedFinding {
	notes := make([]ExceptionNote, len(x.exceptions))
	for i, e := range x.exceptions {
		notes[i] = r.exceptions[e].note()
	}
	return ExceptedFinding{x.finding, notes}
}

func (s Skipped) plus(t Skipped) Skipped {
	return Skipped{s.Closed + t.Closed, s.Suppressed + t.Suppressed, s.Unfixable + t.Unfixable, s.InGrace + t.InGrace, s.Baseline + t.Baseline}
}

// worstFirst orders findings for people: by severity, then what is exploited,
// then what can be mended, then by name. Only findings alike in every member are
// equal, so the order does not depend on the one AWS lists them in.
func worstFirst(a, b *Finding) int {
	if c := cmp.Or(cmp.Compare(b.Severity, a.Severity), compareBool(b.Exploit, a.Exploit)); c != 0 {
		return c // mostly, and cheaply
	}
	if c := cmp.Or(compareBool(b.hasFixedVersion(), a.hasFixedVersion()), cmp.Compare(a.ID, b.ID)); c != 0 {
		return c
	}
	if c := slices.CompareFunc(a.Packages, b.Packages, Package.compare); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(a.Fix, b.Fix),
		cmp.Compare(a.Status, b.Status),
		slices.Compare(a.Related, b.Related),
		cmp.Compare(a.Title, b.Title),
		cmp.Compare(a.URL, b.URL),
		a.FirstObserved.Compare(b.FirstObserved),
	)
}

func (p Package) compare(q Package) int {
	return cmp.Or(
		cmp.Compare(p.Name, q.Name),
		cmp.Compare(p.Version, q.Version),
		cmp.Compare(p.FixedIn, q.FixedIn),
		cmp.Compare(p.Path, q.Path),
		cmp.Compare(p.PURL, q.PURL),
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
