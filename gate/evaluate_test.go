package gate

import (
	"errors"
	"testing"
	"time"
)

func TestStatus(t *testing.T) {
	tests := []struct {
		status      Status
		description string
		unfinished  bool // no time of completion
		outcome     Outcome
		cause       Cause
		passing     bool
	}{
		{status: StatusComplete, outcome: Allowed, cause: WithinPolicy},
		{status: StatusActive, outcome: Allowed, cause: WithinPolicy},
		{status: StatusComplete, unfinished: true, outcome: Pending, cause: NotFinished, passing: true},
		{status: StatusActive, unfinished: true, outcome: Pending, cause: NotFinished, passing: true},
		{status: StatusInProgress, outcome: Pending, cause: NotFinished, passing: true},
		{status: StatusPending, outcome: Pending, cause: NotFinished, passing: true},
		{status: StatusFailed, description: "UnsupportedImageError: the operating system is not supported", outcome: Denied, cause: Unscannable},
		{status: StatusFailed, description: "InternalError", outcome: Unavailable, cause: ScanFailed},
		{status: StatusFailed, outcome: Unavailable, cause: ScanFailed},
		{status: StatusUnsupported, outcome: Denied, cause: Unscannable},
		{status: StatusExpired, outcome: Unavailable, cause: Expired},
		{status: StatusArchived, outcome: Unavailable, cause: Archived},
		{status: StatusFindingsUnavailable, outcome: Unavailable, cause: NotReadable, passing: true},
		{status: StatusLimitExceeded, outcome: Unavailable, cause: NotReadable, passing: true},
		{status: "", outcome: Unavailable, cause: UnknownStatus, passing: true},
		{status: "complete", outcome: Unavailable, cause: UnknownStatus, passing: true},
		{status: "SCANNED_BY_MAGIC", outcome: Unavailable, cause: UnknownStatus, passing: true},
	}
	for _, test := range tests {
		for _, scanType := range []ScanType{Basic, Enhanced, ""} {
			name := string(test.status) + " " + test.description + " " + string(scanType)
			t.Run(name, func(t *testing.T) {
				s := basic()
				s.Type, s.Status, s.Description = scanType, test.status, test.description
				if test.unfinished {
					s.CompletedAt = time.Time{}
				}
				v := judge(dev(), nil, s)
				wantVerdict(t, v, test.outcome, test.cause)
				if v.Passing != test.passing {
					t.Errorf("passing is %t", v.Passing)
				}
				if v.WantsScan {
					t.Error("wants a scan, which the policy does not allow")
				}
			})
		}
	}
}

// A status that is not that of a finished scan refuses whatever the list holds,
// and however tolerant the policy is.
func TestNothingButFinishedScansPass(t *testing.T) {
	tolerant := Policy{Limits: map[Severity]int{Critical: 1000}, UntriagedAs: Low, StartScan: true}
	for _, status := range []Status{"", "NEW", StatusInProgress, StatusPending, StatusFailed, StatusUnsupported, StatusExpired,
		StatusFindingsUnavailable, StatusLimitExceeded, StatusArchived} {
		s := basic(finding("CVE-2024-1", Low))
		s.Status = status
		if v := judge(tolerant, nil, s); v.Outcome == Allowed {
			t.Errorf("%q is allowed: %s", status, v.Reason)
		}
	}
}

func TestTrouble(t *testing.T) {
	tests := []struct {
		name    string
		trouble Trouble
		outcome Outcome
		passing bool
	}{
		{"no scan is worth waiting for", Trouble{Cause: NoScan}, Pending, true},
		{"throttled", Trouble{Cause: NotReadable, Passing: true, Text: "throttled"}, Unavailable, true},
		{"no access", Trouble{Cause: NoAccess, Text: "refused"}, Unavailable, false},
		{"trouble of no kind", Trouble{}, Unavailable, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := basic() // a perfect scan beside the trouble does not count
			s.Trouble = &test.trouble
			v := judge(dev(), nil, s)
			wantVerdict(t, v, test.outcome, test.trouble.Cause)
			wantEqual(t, "passing", v.Passing, test.passing)
		})
	}
}

func TestNoScans(t *testing.T) {
	v := judge(dev(), nil)
	wantVerdict(t, v, Unavailable, BadImage)
	wantEqual(t, "passing", v.Passing, false)

	wantVerdict(t, judge(dev(), nil, Scan{}), Unavailable, UnknownStatus)
	wantVerdict(t, Unjudged("dev", shop(), nil), Unavailable, UnknownStatus)
}

func TestUnscannable(t *testing.T) {
	tests := []struct {
		policy   Unscannables
		outcome  Outcome
		warnings int
	}{
		{DenyUnscannable, Denied, 0},
		{WarnUnscannable, Allowed, 1},
		{AllowUnscannable, Allowed, 0},
		{Unscannables(9), Denied, 0},
	}
	for _, test := range tests {
		p := dev()
		p.Unscannable = test.policy
		s := basic()
		s.Status, s.CompletedAt = StatusUnsupported, time.Time{}
		v := judge(p, nil, s)
		wantVerdict(t, v, test.outcome, Unscannable)
		wantEqual(t, "warnings", len(v.Warnings), test.warnings)

		v = judge(p, nil, on("linux/amd64", amdDigest, s), on("linux/arm64", armDigest, s))
		wantEqual(t, "warnings of two platforms", len(v.Warnings), test.warnings)
	}
}

// What excuses a scan that FAILED excuses no other: whoever builds the image may
// have a say in the words beside the status.
func TestOnlyAFailedScanIsUnscannableByItsWords(t *testing.T) {
	lax := with(dev(), func(p *Policy) { p.Unscannable = AllowUnscannable })
	for status, want := range map[Status]Cause{
		StatusFailed: Unscannable, StatusUnsupported: Unscannable,
		StatusComplete: OverPolicy, StatusActive: OverPolicy, StatusPending: NotFinished, StatusExpired: Expired, "": UnknownStatus,
	} {
		s := basic(finding("CVE-2024-1", Critical))
		s.Status, s.Description = status, "UnsupportedImageError: no"
		if v := judge(lax, nil, s); v.Cause != want {
			t.Errorf("%q: %s, want %s", status, v.Cause, want)
		}
	}
}

func TestMaxScanAge(t *testing.T) {
	tests := []struct {
		name      string
		scanType  ScanType
		startScan bool
		maxAge    time.Duration
		age       time.Duration
		outcome   Outcome
		cause     Cause
		passing   bool
		wantsScan bool
	}{
		{"any age", Basic, true, 0, 1e5 * time.Hour, Allowed, WithinPolicy, false, false},
		{"any age, dated in the future", Basic, true, 0, -time.Hour, Allowed, WithinPolicy, false, false},
		{"young", Basic, true, 24 * time.Hour, time.Hour, Allowed, WithinPolicy, false, false},
		{"exactly at the border", Basic, true, 24 * time.Hour, 24 * time.Hour, Allowed, WithinPolicy, false, false},
		{"old, can be renewed", Basic, true, 24 * time.Hour, 24*time.Hour + 1, Pending, TooOld, true, true},
		{"old, must not be renewed", Basic, false, 24 * time.Hour, 24*time.Hour + 1, Unavailable, TooOld, false, false},
		{"old, enhanced cannot be renewed", Enhanced, true, 24 * time.Hour, 25 * time.Hour, Unavailable, TooOld, false, false},
		{"old, of unknown type", "", true, 24 * time.Hour, 25 * time.Hour, Unavailable, TooOld, false, false},
		{"clock a little behind", Basic, true, 24 * time.Hour, -clockSkew, Allowed, WithinPolicy, false, false},
		{"dated in the future", Basic, true, 24 * time.Hour, -clockSkew - 1, Unavailable, TooOld, true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := dev()
			p.MaxScanAge, p.StartScan = test.maxAge, test.startScan
			s := basic()
			s.Type, s.CompletedAt = test.scanType, now.Add(-test.age)
			v := judge(p, nil, s)
			wantVerdict(t, v, test.outcome, test.cause)
			wantEqual(t, "passing", v.Passing, test.passing)
			wantEqual(t, "wants scan", v.WantsScan, test.wantsScan)
		})
	}
}

func TestNoScanWantsOne(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		p := dev()
		p.StartScan = allowed
		v := judge(p, nil, Scan{Digest: indexDigest, Trouble: &Trouble{Cause: NoScan, Passing: true}})
		wantVerdict(t, v, Pending, NoScan)
		wantEqual(t, "wants scan", v.WantsScan, allowed)
	}
}

// One platform without a scan is reason enough to ask for one, wherever in the
// index it stands.
func TestAnyPlatformWantsAScan(t *testing.T) {
	p := with(dev(), func(p *Policy) { p.StartScan = true })
	missing := on("linux/amd64", amdDigest, Scan{Trouble: &Trouble{Cause: NoScan, Passing: true}})
	clean := on("linux/arm64", armDigest, basic())
	for _, scans := range [][]Scan{{missing, clean}, {clean, missing}} {
		wantEqual(t, "wants scan", judge(p, nil, scans...).WantsScan, true)
	}
	wantEqual(t, "of none without", judge(p, nil, clean, clean).WantsScan, false)
}

// What lies beneath a verdict that could not be had is kept for the log.
func TestVerdictKeepsTheError(t *testing.T) {
	beneath := errors.New("connection reset")
	v := judge(dev(), nil, Scan{Trouble: &Trouble{Cause: NotReadable, Text: "ECR could not be reached", Err: beneath}})
	if !errors.Is(v.Err, beneath) {
		t.Errorf("the log would say %v", v.Err)
	}
	if v := judge(dev(), nil, basic(finding("CVE-2024-1", Critical))); v.Err != nil {
		t.Errorf("a verdict that was had has the error %v", v.Err)
	}
}

func TestCountsCrossCheck(t *testing.T) {
	tests := []struct {
		name    string
		counts  map[Severity]int
		list    []Finding
		outcome Outcome
		cause   Cause
	}{
		{"AWS gives none", nil, nil, Allowed, WithinPolicy},
		{"AWS counts nothing", map[Severity]int{}, nil, Allowed, WithinPolicy},
		{"equal", map[Severity]int{High: 1}, []Finding{finding("CVE-2024-1", High)}, Allowed, WithinPolicy},
		{"more of a limited severity", map[Severity]int{High: 1}, nil, Unavailable, CountsDisagree},
		{"more, even within the limit", map[Severity]int{Medium: 2}, []Finding{finding("CVE-2024-1", Medium)}, Unavailable, CountsDisagree},
		{"more of an unlimited severity", map[Severity]int{Low: 50, Informational: 3}, nil, Allowed, WithinPolicy},
		{"fewer than listed", map[Severity]int{High: 0}, []Finding{finding("CVE-2024-1", High)}, Allowed, WithinPolicy},
		{"untriaged weighs as HIGH", map[Severity]int{Untriaged: 1}, nil, Unavailable, CountsDisagree},
		{"what is skipped was listed", map[Severity]int{High: 1}, []Finding{{ID: "CVE-2024-1", Severity: High, Status: Closed}}, Allowed, WithinPolicy},
		{"over policy is said rather", map[Severity]int{Critical: 2}, []Finding{finding("CVE-2024-1", Critical)}, Denied, OverPolicy},
		{"a negative count hides none", map[Severity]int{High: 1, Untriaged: -1}, nil, Unavailable, CountsDisagree},
		{"a severity of no name", map[Severity]int{Severity(77): 1}, nil, Unavailable, CountsDisagree},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := basic(test.list...)
			s.Counts = test.counts
			v := judge(dev(), nil, s)
			wantVerdict(t, v, test.outcome, test.cause)
			wantEqual(t, "passing", v.Passing, test.cause == CountsDisagree)
		})
	}
}

func TestFindingStatus(t *testing.T) {
	strange := Finding{ID: "CVE-2024-1", Severity: Low, Status: StatusUnknown}
	excepted := []Exception{{IDs: []string{"CVE-2024-1"}}}

	wantVerdict(t, judge(dev(), nil, enhanced(strange)), Unavailable, UnknownStatus)
	wantVerdict(t, judge(dev(), excepted, enhanced(strange)), Unavailable, UnknownStatus)
	wantVerdict(t, judge(dev(), nil, enhanced(with(strange, func(f *Finding) { f.Status = 200 }))), Unavailable, UnknownStatus)
	wantVerdict(t, judge(dev(), nil, enhanced(strange, finding("CVE-2024-2", Critical))), Denied, OverPolicy)

	unfixable := with(strange, func(f *Finding) { f.Fix = FixNo })
	wantVerdict(t, judge(with(dev(), func(p *Policy) { p.FixableOnly = true }), nil, enhanced(unfixable)), Unavailable, UnknownStatus)
}

func TestIndex(t *testing.T) {
	amd := func(s Scan) Scan { return on("linux/amd64", amdDigest, s) }
	arm := func(s Scan) Scan { return on("linux/arm64", armDigest, s) }
	high := func(id string) Finding { return finding(id, High, openssl()) }
	pending := with(basic(), func(s *Scan) { s.Status = StatusPending })
	throttled := Scan{Trouble: &Trouble{Cause: NotReadable, Passing: true}}
	expired := with(basic(), func(s *Scan) { s.Status = StatusExpired })
	unknown := with(basic(), func(s *Scan) { s.Status = "NEW" })

	tests := []struct {
		name    string
		scans   []Scan
		outcome Outcome
		cause   Cause
		passing bool
		counts  map[Severity]int
	}{
		{"clean on both", []Scan{amd(basic()), arm(basic())}, Allowed, WithinPolicy, false, map[Severity]int{}},
		{"within the limit on each", []Scan{amd(basic(high("CVE-2024-1"))), arm(basic(high("CVE-2024-2")))},
			Allowed, WithinPolicy, false, map[Severity]int{High: 2}},
		{"the same finding on both", []Scan{amd(basic(high("CVE-2024-1"))), arm(basic(high("CVE-2024-1")))},
			Allowed, WithinPolicy, false, map[Severity]int{High: 1}},
		{"over on the second", []Scan{amd(basic()), arm(basic(high("CVE-2024-1"), high("CVE-2024-2")))},
			Denied, OverPolicy, false, map[Severity]int{High: 2}},
		{"pending on the second", []Scan{amd(basic()), arm(pending)}, Pending, NotFinished, true, map[Severity]int{}},
		{"unavailable over pending", []Scan{amd(pending), arm(throttled)}, Unavailable, NotReadable, true, map[Severity]int{}},
		{"what will not pass speaks", []Scan{amd(throttled), arm(expired)}, Unavailable, Expired, false, map[Severity]int{}},
		{"of equals the first speaks", []Scan{amd(throttled), arm(unknown)}, Unavailable, NotReadable, true, map[Severity]int{}},
		{"of equals the first speaks, the other way round", []Scan{amd(unknown), arm(throttled)}, Unavailable, UnknownStatus, true, map[Severity]int{}},
		{"denied over unavailable", []Scan{amd(throttled), arm(basic(finding("CVE-2024-1", Critical)))},
			Denied, OverPolicy, false, map[Severity]int{Critical: 1}},
		{"trouble with one", []Scan{amd(basic()), arm(throttled)}, Unavailable, NotReadable, true, map[Severity]int{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := judge(dev(), nil, test.scans...)
			wantVerdict(t, v, test.outcome, test.cause)
			wantEqual(t, "passing", v.Passing, test.passing)
			wantEqual(t, "counts", counts(v), test.counts)
			wantEqual(t, "manifests", len(v.Manifests), len(test.scans))
		})
	}
}

// What two platforms share is one and the same vulnerability in the same version of
// the same package, and nothing less.
func TestIndexTellsFindingsApart(t *testing.T) {
	a := finding("CVE-1", Medium, Package{Name: "2", Version: "1"})
	for what, test := range map[string]struct {
		other Finding
		found int
	}{
		"the same":           {a, 1},
		"another severity":   {with(a, func(f *Finding) { f.Severity = Low }), 1},
		"another package":    {finding("CVE-1", Medium, Package{Name: "3", Version: "1"}), 2},
		"another version":    {finding("CVE-1", Medium, Package{Name: "2", Version: "2"}), 2},
		"another name":       {finding("CVE-2", Medium, Package{Name: "2", Version: "1"}), 2},
		"alike run together": {finding("CVE-12", Medium, Package{Version: "1"}), 2},
		"one more package":   {finding("CVE-1", Medium, Package{Name: "2", Version: "1"}, openssl()), 2},
	} {
		v := judge(dev(), nil, on("linux/amd64", amdDigest, basic(a)), on("linux/arm64", armDigest, basic(test.other)))
		wantEqual(t, what, len(v.Findings), test.found)
	}
}

// The same finding, worse on one platform, is listed as the worse.
func TestIndexListsTheWorse(t *testing.T) {
	f := finding("CVE-2024-1", Untriaged, openssl())
	g := with(f, func(f *Finding) { f.Severity = Critical })
	v := judge(dev(), nil, on("linux/amd64", amdDigest, basic(f)), on("linux/arm64", armDigest, basic(g)))
	wantVerdict(t, v, Denied, OverPolicy)
	wantEqual(t, "counts", counts(v), map[Severity]int{Critical: 1})
}

func TestManifestVerdicts(t *testing.T) {
	v := judge(dev(), nil,
		on("linux/amd64", amdDigest, basic(finding("CVE-2024-1", Critical))),
		on("linux/arm64", armDigest, enhanced()))
	at := now.Add(-time.Hour)
	zero := all(perSeverity{})
	one := all(perSeverity{Critical: 1})
	want := []ManifestVerdict{
		{Platform: "linux/amd64", Digest: amdDigest, Outcome: Denied, Cause: OverPolicy, Status: StatusComplete, ScanType: Basic, CompletedAt: at, Counts: one},
		{Platform: "linux/arm64", Digest: armDigest, Outcome: Allowed, Cause: WithinPolicy, Status: StatusActive, ScanType: Enhanced, CompletedAt: at, Counts: zero},
	}
	for i, m := range v.Manifests {
		m.reading = Reading{}
		if got, want := m, want[i]; got.Platform != want.Platform || got.Digest != want.Digest || got.Outcome != want.Outcome ||
			got.Cause != want.Cause || got.Status != want.Status || got.ScanType != want.ScanType || !got.CompletedAt.Equal(want.CompletedAt) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		wantEqual(t, "counts", m.Counts, want[i].Counts)
	}
}
