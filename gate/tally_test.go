package gate

import (
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	of := func(severities ...Severity) []Finding {
		var list []Finding
		for i, s := range severities {
			list = append(list, finding("CVE-2024-"+string(rune('a'+i)), s))
		}
		return list
	}
	only := func(limits map[Severity]int) Policy { return Policy{Limits: limits, UntriagedAs: High} }
	tests := []struct {
		name     string
		policy   Policy
		findings []Finding
		outcome  Outcome
	}{
		{"nothing found", only(map[Severity]int{Critical: 0}), nil, Allowed},
		{"0 tolerates none", only(map[Severity]int{Critical: 0}), of(Critical), Denied},
		{"n tolerates n", only(map[Severity]int{Medium: 2}), of(Medium, Medium), Allowed},
		{"n tolerates no more", only(map[Severity]int{Medium: 2}), of(Medium, Medium, Medium), Denied},
		{"a severity left out is not limited", only(map[Severity]int{Critical: 0}), of(High, Medium, Low), Allowed},
		{"limits do not add up", only(map[Severity]int{High: 1, Medium: 1}), of(High, Medium), Allowed},
		{"no limits tolerate nothing", Policy{Limits: map[Severity]int{}, UntriagedAs: Low}, of(Informational), Denied},
		{"the zero policy: CRITICAL", Policy{}, of(Critical), Denied},
		{"the zero policy: INFORMATIONAL", Policy{}, of(Informational), Denied},
		{"the zero policy: UNTRIAGED", Policy{}, of(Untriaged), Denied},
		{"the zero policy: nothing", Policy{}, nil, Allowed},
		{"a negative limit refuses", only(map[Severity]int{Low: -1}), nil, Denied},
		{"the default: CRITICAL", Default(), of(Critical), Denied},
		{"the default: HIGH", Default(), of(High), Denied},
		{"the default: MEDIUM", Default(), of(Medium, Medium, Medium), Allowed},
		{"the default: UNTRIAGED", Default(), of(Untriaged), Denied},
		{"untriaged as HIGH", only(map[Severity]int{High: 1}), of(Untriaged, High), Denied},
		{"untriaged as HIGH within the limit", only(map[Severity]int{High: 1}), of(Untriaged), Allowed},
		{"untriaged as unlimited", only(map[Severity]int{Critical: 0}), of(Untriaged, Untriaged), Allowed},
		{"untriaged as nothing is never tolerated", Policy{Limits: map[Severity]int{Critical: 9, Untriaged: 9}}, of(Untriaged), Denied},
		{"a severity of no name is untriaged", only(map[Severity]int{High: 0}), of(Severity(77)), Denied},
		{"untriaged as no severity", Policy{Limits: map[Severity]int{Critical: 9}, UntriagedAs: 77}, of(Untriaged), Denied},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := judge(test.policy, nil, basic(test.findings...))
			cause := WithinPolicy
			if test.outcome == Denied {
				cause = OverPolicy
			}
			wantVerdict(t, v, test.outcome, cause)
			wantEqual(t, "findings", len(v.Findings), len(test.findings))
		})
	}
}

func TestEverySeverityWordIsCounted(t *testing.T) {
	for _, word := range []string{"UNDEFINED", "UNTRIAGED", "", "critical ", "SEVERE", "None"} {
		v := judge(Default(), nil, basic(finding("CVE-2024-1", ParseSeverity(word))))
		wantVerdict(t, v, Denied, OverPolicy)
		wantEqual(t, "counts of "+word, counts(v), map[Severity]int{Untriaged: 1})
	}
	for _, word := range []string{"CRITICAL", "critical", "High"} {
		wantVerdict(t, judge(Default(), nil, basic(finding("CVE-2024-1", ParseSeverity(word)))), Denied, OverPolicy)
	}
}

func TestPassedOver(t *testing.T) {
	base := finding("CVE-2024-1", Critical, openssl())
	day := 24 * time.Hour
	set := func(change func(*Finding)) Finding { return with(base, change) }
	fixable := Policy{Limits: map[Severity]int{Critical: 0}, FixableOnly: true}
	grace := Policy{Limits: map[Severity]int{Critical: 0}, Grace: map[Severity]time.Duration{Critical: day}, UntriagedAs: Critical}
	observed := func(age time.Duration) Finding {
		return set(func(f *Finding) { f.FirstObserved = now.Add(-age) })
	}
	tests := []struct {
		name    string
		policy  Policy
		finding Finding
		outcome Outcome
		skipped Skipped
	}{
		{"fixable only: YES", fixable, set(func(f *Finding) { f.Fix = FixYes }), Denied, Skipped{}},
		{"fixable only: PARTIAL counts", fixable, set(func(f *Finding) { f.Fix = FixPartial }), Denied, Skipped{}},
		{"fixable only: unknown counts", fixable, base, Denied, Skipped{}},
		{"fixable only: NO", fixable, set(func(f *Finding) { f.Fix = FixNo }), Allowed, Skipped{Unfixable: 1}},
		{"fixable only: NO with a fixed version counts", fixable,
			set(func(f *Finding) { f.Fix = FixNo; f.Packages = []Package{zlib(), fixed(openssl(), "3.0.13")} }), Denied, Skipped{}},
		{"not fixable only: NO", Policy{}, set(func(f *Finding) { f.Fix = FixNo }), Denied, Skipped{}},

		{"grace: young", grace, observed(time.Hour), Allowed, Skipped{InGrace: 1}},
		{"grace: just inside", grace, observed(day - 1), Allowed, Skipped{InGrace: 1}},
		{"grace: exactly at the border", grace, observed(day), Denied, Skipped{}},
		{"grace: old", grace, observed(day + 1), Denied, Skipped{}},
		{"grace: no time", grace, base, Denied, Skipped{}},
		{"grace: the future", grace, observed(-time.Hour), Denied, Skipped{}},
		{"grace: another severity's", with(grace, func(p *Policy) { p.Grace = map[Severity]time.Duration{High: day} }), observed(time.Hour), Denied, Skipped{}},
		{"grace: of no length", with(grace, func(p *Policy) { p.Grace = map[Severity]time.Duration{Critical: 0} }), observed(-time.Second), Denied, Skipped{}},
		{"grace: untriaged by what it counts as", grace,
			with(observed(time.Hour), func(f *Finding) { f.Severity = Untriaged }), Allowed, Skipped{InGrace: 1}},

		{"suppressed counts", Policy{}, set(func(f *Finding) { f.Status = Suppressed }), Denied, Skipped{}},
		{"suppressed ignored", Policy{IgnoreSuppressed: true}, set(func(f *Finding) { f.Status = Suppressed }), Allowed, Skipped{Suppressed: 1}},
		{"closed", Policy{}, set(func(f *Finding) { f.Status = Closed }), Allowed, Skipped{Closed: 1}},
		{"active", Policy{IgnoreSuppressed: true}, base, Denied, Skipped{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := judge(test.policy, nil, enhanced(test.finding))
			if v.Outcome != test.outcome {
				t.Errorf("got %s: %s", v.Outcome, v.Reason)
			}
			wantEqual(t, "skipped", v.Skipped, test.skipped)
		})
	}
}

func TestExploitable(t *testing.T) {
	low := with(finding("CVE-2024-1", Low), func(f *Finding) { f.Exploit = true })
	lenient := Policy{Limits: map[Severity]int{Critical: 0}, FixableOnly: true, Grace: map[Severity]time.Duration{Low: time.Hour}}
	hidden := with(low, func(f *Finding) { f.Fix = FixNo; f.FirstObserved = now })

	v := judge(lenient, nil, enhanced(low))
	wantVerdict(t, v, Denied, Exploitable)
	wantEqual(t, "counts", counts(v), map[Severity]int{Low: 1})
	wantVerdict(t, judge(lenient, nil, enhanced(hidden)), Denied, Exploitable)
	wantVerdict(t, judge(with(lenient, func(p *Policy) { p.IgnoreExploits = true }), nil, enhanced(low)), Allowed, WithinPolicy)
	wantVerdict(t, judge(lenient, []Exception{{IDs: []string{"CVE-2024-1"}}}, enhanced(low)), Allowed, WithinPolicy)
	closed := with(low, func(f *Finding) { f.Status = Closed })
	wantVerdict(t, judge(lenient, nil, enhanced(closed)), Allowed, WithinPolicy)
}

func TestBlocked(t *testing.T) {
	p := Policy{
		Limits:  map[Severity]int{Critical: 9},
		Blocked: []string{"cve-2021-44228 "}, // spelled as people do
		Grace:   map[Severity]time.Duration{Low: time.Hour}, IgnoreSuppressed: true, FixableOnly: true,
	}
	shellshock := finding("CVE-2021-44228", Low, openssl())
	tests := []struct {
		name       string
		finding    Finding
		exceptions []Exception
		outcome    Outcome
	}{
		{"by name", shellshock, nil, Denied},
		{"in another case", with(shellshock, func(f *Finding) { f.ID = "CvE-2021-44228" }), nil, Denied},
		{"beats an exception", shellshock, []Exception{{IDs: []string{"CVE-2021-44228"}}}, Denied},
		{"beats suppression", with(shellshock, func(f *Finding) { f.Status = Suppressed }), nil, Denied},
		{"beats grace", with(shellshock, func(f *Finding) { f.FirstObserved = now }), nil, Denied},
		{"beats fixable only", with(shellshock, func(f *Finding) { f.Fix = FixNo }), nil, Denied},
		{"by the only related name", with(shellshock, func(f *Finding) { f.ID, f.Related = "GHSA-jfh8", []string{"CVE-2021-44228"} }), nil, Denied},
		{"by any related name", with(shellshock, func(f *Finding) {
			f.ID, f.Related = "GHSA-jfh8", []string{"CVE-1", "Cve-2021-44228", "CVE-3"}
		}), nil, Denied},
		{"but not by what others are related to", with(shellshock, func(f *Finding) {
			f.ID, f.Related = "GHSA-jfh8", []string{"CVE-1", "CVE-3"}
		}), nil, Allowed},
		{"nor what is closed", with(shellshock, func(f *Finding) { f.Status = Closed }), nil, Allowed},
		{"nor a name that starts alike", with(shellshock, func(f *Finding) { f.ID = "CVE-2021-442281" }), nil, Allowed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := judge(p, test.exceptions, enhanced(test.finding))
			if v.Outcome != test.outcome || test.outcome == Denied && v.Cause != Blocked {
				t.Errorf("got %s (%s): %s", v.Outcome, v.Cause, v.Reason)
			}
			if test.outcome == Denied && len(v.Used) > 0 {
				t.Error("an exception was used")
			}
		})
	}
}

// What is blocked is said before what is exploited, and that before the limits.
func TestWhatIsSaidFirst(t *testing.T) {
	p := Policy{Limits: map[Severity]int{Critical: 0}, Blocked: []string{"CVE-3"}}
	over := finding("CVE-1", Critical)
	exploited := with(finding("CVE-2", Low), func(f *Finding) { f.Exploit = true })
	blocked := finding("CVE-3", Low)
	wantVerdict(t, judge(p, nil, enhanced(over)), Denied, OverPolicy)
	wantVerdict(t, judge(p, nil, enhanced(over, exploited)), Denied, Exploitable)
	wantVerdict(t, judge(p, nil, enhanced(over, exploited, blocked)), Denied, Blocked)
}
