package gate

// perSeverity is a number for each severity.
type perSeverity [Critical + 1]int

// tally is what one scan's list comes to under a policy.
type tally struct {
	counts      perSeverity // by the finding's own severity
	weighed     perSeverity // by what it counts as
	counted     []*Finding  // of the scan's own list
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
	t := tally{counted: make([]*Finding, 0, len(s.Findings))}
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
	t.counted = append(t.counted, f)
}

// take counts a finding as was decided.
func (t *tally) take(f *Finding, d decision) {
	switch d.fate {
	case isClosed:
		t.skipped.Closed++
	case isSuppressed:
		t.skipped.Suppressed++
	case isUnfixable:
		t.skipped.Unfixable++
	case isInGrace:
		t.skipped.InGrace++
	case isKnown:
		t.skipped.Baseline++
	case isExcepted:
		t.excepted = append(t.excepted, excepted{*f, d.used})
	case isBlocked:
		t.blocked = append(t.blocked, *f)
		t.add(f, d.weight)
	case isExploited:
		t.exploitable = append(t.exploitable, *f)
		t.add(f, d.weight)
	default:
		t.add(f, d.weight)
	}
	for _, i := range d.lapsed {
		t.lapsed = append(t.lapsed, lapsed{f.ID, i})
	}
}
