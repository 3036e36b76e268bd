package gate

import (
	"cmp"
	"slices"
)

// verdict puts the platforms' judgements together; decisive is the one that
// speaks for the image.
func (r *rules) verdict(judged []judgement, decisive int) Verdict {
	d := judged[decisive]
	v := Verdict{
		Image: r.img.Written, Digest: r.img.Digest, img: r.img,
		Outcome: d.outcome, Cause: d.cause,
		Policy: r.policy.Name, Limits: r.policy.Limits, untriagedAs: r.policy.weigh(Untriaged),
		Findings: []Finding{}, Excepted: []ExceptedFinding{},
		Manifests: make([]ManifestVerdict, len(judged)),
	}
	for i, j := range judged {
		v.Manifests[i] = j.manifest()
		v.WantsScan = v.WantsScan || j.rescan
		v.warn(j.warning)
		v.warn(j.since.warning)
		if j.scan.Stale || j.since.stale {
			v.warn(staleWarning)
		}
	}
	v.Baseline = r.baselineNote()
	v.Passing = d.passing
	if d.trouble != nil {
		v.Err = d.trouble.Err
	}
	r.merge(&v, judged)
	v.Exceptions = r.exceptionReports(v)
	v.Next = r.next(d)
	v.Reason = r.sentence(d, judged, v.Next)
	return v
}

func (j judgement) manifest() ManifestVerdict {
	m := ManifestVerdict{
		Platform: j.scan.Platform, Digest: j.scan.Digest,
		Outcome: j.outcome, Cause: j.cause,
		Status: j.scan.Status, ScanType: j.scan.Type, CompletedAt: j.scan.CompletedAt,
		Counts:   all(j.tally.counts),
		Baseline: j.since.digest,
		Pages:    j.scan.Pages, SourceAt: j.scan.SourceAt, SettledBy: j.settling,
		rescan: j.rescan,
	}
	if j.cause == NotSettled {
		m.reading = j.scan.Reading()
	}
	return m
}

// all writes out the zeros, so that a reader of JSON need not guess.
func all(counts perSeverity) map[Severity]int {
	full := make(map[Severity]int, len(counts))
	for s, n := range counts {
		full[Severity(s)] = n
	}
	return full
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
		for _, f := range findings {
			counted = append(counted, on{f, m})
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
