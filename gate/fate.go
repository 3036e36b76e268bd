package gate

import "strings"

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
	_, blocked := r.blockedAs(f)
	switch {
	case f.Status == Closed:
		d.fate = isClosed
		return d
	case blocked:
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

// blockedAs is the name under which the policy blocks the finding. It is generous
// where an exception is strict: any related ID will do.
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
