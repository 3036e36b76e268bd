package gate

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// The zero values refuse.
func TestZeroValues(t *testing.T) {
	wantEqual(t, "outcome", Outcome(0), Denied)
	wantEqual(t, "verdict", Verdict{}.Outcome, Denied)
	wantEqual(t, "an outcome of no name", Outcome(9).String(), "Denied")
	wantEqual(t, "severity", Severity(0), Untriaged)
	wantEqual(t, "unscannable", Unscannables(0), DenyUnscannable)
	wantEqual(t, "fix", Fix(0), FixUnknown)
	if !(Finding{}).Fixable() {
		t.Error("a finding that says nothing of a fix does not count")
	}
}

func TestWorst(t *testing.T) {
	order := []Outcome{Denied, Unavailable, Pending, Allowed}
	for i, worse := range order {
		for j, better := range order {
			a, b := Verdict{Image: "a", Outcome: better}, Verdict{Image: "b", Outcome: worse}
			if i > j {
				continue
			}
			want := "b"
			if i == j {
				want = "a" // the first of equals
			}
			got, ok := Worst([]Verdict{a, b})
			if !ok || got.Image != want {
				t.Errorf("of %s and %s: got %s", better, worse, got.Image)
			}
		}
	}
	none, ok := Worst(nil)
	if ok || none.Outcome == Allowed {
		t.Errorf("of none: %s, %t", none.Outcome, ok)
	}
}

func TestVerdictJSON(t *testing.T) {
	list := []Verdict{
		judge(dev(), nil, basic(finding("CVE-2024-1", Critical, openssl()))),
		Unjudged("dev", Image{Written: "nginx"}, &Trouble{Cause: NotECR, Text: "it is not in ECR"}),
	}
	raw, err := json.Marshal(List(list))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"apiVersion":"ecr-gate.dev/v1alpha1","kind":"VerdictList","items":[`,
		`"outcome":"Denied"`, `"outcome":"Unavailable"`, `"cause":"NotECR"`, `"digest":"` + indexDigest + `"`,
		`"counts":{"CRITICAL":1,"HIGH":0,"INFORMATIONAL":0,"LOW":0,"MEDIUM":0,"UNTRIAGED":0}`,
		`"findings":[{"id":"CVE-2024-1","severity":"CRITICAL","packages":[{"name":"openssl"`,
		`"findings":[]`, `"excepted":[]`, `"manifests":[]`, `"fix":"UNKNOWN"`, `"status":"ACTIVE"`,
	} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
	raw, _ = json.Marshal(List(nil))
	wantEqual(t, "of none", string(raw), `{"apiVersion":"ecr-gate.dev/v1alpha1","kind":"VerdictList","items":[]}`)
}

func TestTroubleIsAnError(t *testing.T) {
	beneath := errors.New("beneath")
	trouble := &Trouble{Text: "no access", Err: beneath}
	wantEqual(t, "text", trouble.Error(), "no access: beneath")
	wantEqual(t, "text alone", (&Trouble{Text: "no access"}).Error(), "no access")
	if !errors.Is(trouble, beneath) {
		t.Error("does not unwrap")
	}
}

func TestSeverityText(t *testing.T) {
	for _, s := range WorstFirst() {
		text, _ := s.MarshalText()
		var got Severity
		if err := got.UnmarshalText(text); err != nil || got != s {
			t.Errorf("%s became %s, %v", s, got, err)
		}
	}
	for _, word := range []string{"", "UNDEFINED", "HGIH", "5"} {
		s := Critical
		if err := s.UnmarshalText([]byte(word)); err == nil || s != Critical {
			t.Errorf("%q was read as %s", word, s)
		}
	}
	wantEqual(t, "a severity of no name", Severity(77).String(), "Severity(77)")
	wantEqual(t, "the first of no name", (Critical + 1).String(), "Severity(6)")
}

func TestParseFindingStatus(t *testing.T) {
	for word, want := range map[string]FindingStatus{
		"": Active, "ACTIVE": Active, "active": Active, "SUPPRESSED": Suppressed, "CLOSED": Closed,
		"UNKNOWN": StatusUnknown, "OPEN": StatusUnknown, " CLOSED": StatusUnknown,
	} {
		if got := ParseFindingStatus(word); got != want {
			t.Errorf("%q is %s, want %s", word, got, want)
		}
	}
	wantEqual(t, "a status of no name", FindingStatus(9).String(), "UNKNOWN")
	wantEqual(t, "a fix of no name", Fix(9).String(), "UNKNOWN")
	wantEqual(t, "the first status of no name", (StatusUnknown + 1).String(), "UNKNOWN")
	wantEqual(t, "the first fix of no name", (FixYes + 1).String(), "UNKNOWN")
}

// Bugs seen in other gates, by their number in our own research, that would
// live in this package. None may ever be Allowed.
func TestBugsOfOthers(t *testing.T) {
	critical := finding("CVE-2024-1234", Critical, openssl())
	ignoring := func(ids ...string) []Exception { return []Exception{{IDs: ids}} }
	status := func(s Status) Scan { return with(basic(), func(x *Scan) { x.Status = s }) }
	tests := []struct {
		bug        string
		exceptions []Exception
		scans      []Scan
		outcome    Outcome
	}{
		{"1 enhanced findings are not read", nil, []Scan{enhanced(critical)}, Denied},
		{"2 one platform failed, the other is clean", nil, []Scan{basic(), status(StatusFailed)}, Unavailable},
		{"3 an error passes", nil, []Scan{{Trouble: &Trouble{Cause: NoAccess}}}, Unavailable},
		{"4 FAILED is taken for done", nil, []Scan{status(StatusFailed)}, Unavailable},
		{"5 missing counts are clean", nil, []Scan{{Status: StatusComplete}}, Pending},
		{"6 running is taken for done", nil, []Scan{status(StatusInProgress)}, Pending},
		{"7 ACTIVE at once", nil, []Scan{with(enhanced(), func(s *Scan) { s.CompletedAt = now })}, Pending},
		{"7 two empty reads agree", nil, []Scan{with(enhanced(), func(s *Scan) {
			s.CompletedAt = now.Add(-time.Minute)
			r := s.Reading()
			r.At = r.At.Add(-time.Minute)
			s.Previous = &r
		})}, Pending},
		{"8 counts say less than the list", nil, []Scan{with(basic(critical), func(s *Scan) { s.Counts = map[Severity]int{} })}, Denied},
		{"9 counts say more than the list", nil, []Scan{with(basic(), func(s *Scan) { s.Counts = map[Severity]int{Critical: 1} })}, Unavailable},
		{"10 an empty ignore", ignoring(""), []Scan{basic(critical)}, Denied},
		{"10 an ignore by part of a name", ignoring("CVE-2024-1"), []Scan{basic(critical)}, Denied},
		{"11 a severity nobody counts", nil, []Scan{basic(finding("CVE-1", ParseSeverity("UNDEFINED")))}, Denied},
		{"12, 22 no scan", nil, []Scan{{Trouble: &Trouble{Cause: NoScan}}}, Pending},
		{"13 an index without a platform", nil, nil, Unavailable},
		{"13 what cannot be scanned is skipped", nil, []Scan{status(StatusUnsupported)}, Denied},
		{"15 an old scan", nil, []Scan{with(basic(), func(s *Scan) { s.CompletedAt = now.Add(-9e3 * time.Hour) })}, Unavailable},
		{"16 a purl matches what has none", []Exception{{IDs: []string{"CVE-1"}, PURLs: purls(t, "pkg:npm/x")}},
			[]Scan{basic(finding("CVE-1", Critical, zlib()))}, Denied},
		{"16 an entry that names nothing", []Exception{{}}, []Scan{basic(critical)}, Denied},
		{"17 a part of the result", nil, []Scan{basic(), status(StatusPending)}, Pending},
		{"18, 19 an ignore takes off one of two", ignoring("CVE-1"),
			[]Scan{basic(finding("CVE-1", Critical, openssl()), finding("CVE-1", Critical, zlib()), critical)}, Denied},
		{"22 no counts, no list, no status", nil, []Scan{{}}, Unavailable},
	}
	p := with(Default(), func(p *Policy) { p.MaxScanAge = 720 * time.Hour })
	for _, test := range tests {
		t.Run(test.bug, func(t *testing.T) {
			if v := judge(p, test.exceptions, test.scans...); v.Outcome != test.outcome {
				t.Errorf("got %s, want %s: %s", v.Outcome, test.outcome, v.Reason)
			}
		})
	}

	// 19, the other way round: one exception covers the name in every package.
	v := judge(p, ignoring("CVE-1"), basic(finding("CVE-1", Critical, openssl()), finding("CVE-1", Critical, zlib())))
	wantVerdict(t, v, Allowed, WithinPolicy)
	// 20: severities are ordered by how bad they are, not by name.
	v = judge(Policy{Limits: map[Severity]int{Medium: 0, High: 0, Critical: 0}}, nil, basic(finding("CVE-1", Informational), finding("CVE-2", Low)))
	wantVerdict(t, v, Allowed, WithinPolicy)
	// 20: nothing found is not a crash.
	v = judge(p, nil, with(basic(), func(s *Scan) { s.Findings, s.Counts = nil, nil }))
	wantVerdict(t, v, Allowed, WithinPolicy)
}
