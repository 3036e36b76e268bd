package gate

// fate is what becomes of a finding. The zero value counts it.
type fate uint8

// The rules, in the order in which they are asked: the first that applies decides.
const (
	counted fate = iota // no rule applies
	isClosed
	isBlocked
	isSuppressed
	isExcepted
	isExploited
	isUnfixable
	isInGrace
	isKnown // to the baseline
)

// counts reports whether the finding counts against the limits, or denies by itself.
func (f fate) counts() bool { return f == counted || f == isBlocked || f == isExploited }

// decision is what becomes of one finding on one platform.
type decision struct {
	fate   fate
	weight Severity // what it counts as
	used   []int    // the exceptions that let it pass
	lapsed []int    // those that would have, had they not expired
}

// decide asks the rules. It is all there is to what a policy makes of a finding:
// what counts and how that is explained both go by it.
func (r *rules) decide(manifest string, f *Finding, base *since) decision {
	d := decision{weight: r.policy.weigh(f.Severity)}
	switch {
	case f.Status == Closed:
		d.fate = isClosed
		return d
	case r.isBlocked(f):
		d.fate = isBlocked
		return d
	case f.Status == Suppressed && r.policy.IgnoreSuppressed:
		d.fate = isSuppressed
		return d
	}
	d.used, d.lapsed = r.exceptionsFor(manifest, *f, d.weight)
	switch {
	case d.used != nil:
		d.fate = isExcepted
	case f.Exploit && !r.policy.IgnoreExploits:
		d.fate = isExploited
	case r.policy.FixableOnly && !f.Fixable():
		d.fate = isUnfixable
	case r.inGrace(f, d.weight):
		d.fate = isInGrace
	// An exception that has ended must not go on by way of the image it let through.
	case len(d.lapsed) == 0 && base.knows(f):
		d.fate = isKnown
	}
	return d
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
