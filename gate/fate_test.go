package gate

import (
	"testing"
	"time"
)

// The rules are asked in the order of their names: of a finding to which all apply,
// the first decides, and once it does not apply, the next one.
func TestRulesInOrder(t *testing.T) {
	p := Policy{
		Name: "dev", Limits: map[Severity]int{Critical: 0}, Blocked: []string{"CVE-1"}, IgnoreSuppressed: true, FixableOnly: true,
		Grace: map[Severity]time.Duration{Critical: 72 * time.Hour}, Baseline: "prod",
	}
	f := finding("CVE-1", Critical, openssl())
	f.Fix, f.Exploit, f.FirstObserved = FixNo, true, now.Add(-time.Hour)
	c := Case{Policy: p, Image: shop(), Exceptions: []Exception{{IDs: []string{"CVE-1"}}}, Baseline: prod(enhanced(f)), Now: now}
	closed := func(s FindingStatus) func() { return func() { f.Status = s } }
	for _, step := range []struct {
		fate   fate
		counts bool
		next   func() // so that this rule applies no more
	}{
		{isClosed, false, closed(Suppressed)},
		{isBlocked, true, func() { c.Policy.Blocked = nil }},
		{isSuppressed, false, closed(Active)},
		{isExcepted, false, func() { c.Exceptions = nil }},
		{isExploited, true, func() { f.Exploit = false }},
		{isUnfixable, false, func() { f.Fix = FixYes }},
		{isInGrace, false, func() { f.FirstObserved = now.Add(-100 * time.Hour) }},
		{isKnown, false, func() { c.Baseline = prod(enhanced()) }},
		{counted, true, func() {}},
	} {
		if step.fate == isClosed {
			f.Status = Closed
		}
		c.Scans = []Scan{enhanced(f)}
		r := c.rules()
		base := r.sinceBaseline(c.Scans[0])
		got := r.decide(indexDigest, &f, &base)
		if got.fate != step.fate || got.fate.counts() != step.counts {
			t.Fatalf("rule %d decided, want %d", got.fate, step.fate)
		}
		v := c.Verdict()
		wantEqual(t, "counted", len(v.Findings) > 0, step.counts)
		wantEqual(t, "denied", v.Outcome == Denied, step.counts)

		// The explanation ends with the rule that decided, and names it.
		e := c.Explain("CVE-1")
		steps := e.Found[0].Steps
		want := map[fate]string{isExcepted: "exceptions", counted: "maxFindings"}[step.fate]
		if want == "" {
			want = ruleNames[step.fate]
		}
		wantEqual(t, "last rule", steps[len(steps)-1].Rule, want)
		wantEqual(t, "counts", e.Found[0].Counts, step.counts)
		step.next()
	}
}
