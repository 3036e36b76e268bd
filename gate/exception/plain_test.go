package exception

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate"
)

func TestPlain(t *testing.T) {
	got := mustParse(t, ".trivyignore", "\ufeff# vulnerabilities\r\n\r\nCVE-2019-0001\r\n  CVE-2019-0002 # why\n## x\nCVE-2019-0005 exp:2027-01-01", Rules{})
	want := []gate.Exception{
		{IDs: []string{"CVE-2019-0001"}, Source: ".trivyignore: line 3"},
		{IDs: []string{"CVE-2019-0002"}, Source: ".trivyignore: line 4"},
		{IDs: []string{"CVE-2019-0005"}, Source: ".trivyignore: line 6", ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := mustParse(t, "ignore.txt", "", Rules{Require: Requirable(), MaxLifetime: time.Hour}); len(got) != 0 {
		t.Errorf("empty file: got %+v", got)
	}
}

func TestPlainFaults(t *testing.T) {
	for _, tc := range []struct {
		text  string
		rules Rules
		want  string
	}{
		{"CVE-1 exp:2026-99-99", Rules{}, `i.txt:1: "2026-99-99" is no date; write YYYY-MM-DD, which is 00:00 UTC of that day, or RFC 3339 as 2026-12-31T18:00:00Z`},
		{"CVE-1 CVE-2", Rules{}, `i.txt:1: "CVE-2" after CVE-1 means nothing here; only exp:YYYY-MM-DD or a # comment may follow`},
		{"CVE-1 exp:2027-01-01 exp:2028-01-01", Rules{}, `i.txt:1: "exp:2028-01-01" after CVE-1 means nothing here; only exp:YYYY-MM-DD or a # comment may follow`},
		{"\nvulnerabilities:\n", Rules{}, `i.txt:2: "vulnerabilities:" looks like YAML; name the file .yaml`},
		{"CVE-1\x00", Rules{}, `i.txt:1: "CVE-1\x00" has blanks or hidden characters in it, so no finding is called that; write one vulnerability, as CVE-2024-3094`},
		{"CVE-1\nCVE-2", Rules{Require: []string{"statement"}}, "i.txt:1: exceptions.require asks for statement, which plain .trivyignore cannot hold; use the YAML form\n" +
			"i.txt:2: exceptions.require asks for statement, which plain .trivyignore cannot hold; use the YAML form"},
		{"CVE-1", Rules{Require: []string{"expired_at"}}, "i.txt:1: CVE-1 has no end, and exceptions.require asks for expired_at; write exp:YYYY-MM-DD after it"},
		{"CVE-1", Rules{MaxLifetime: time.Hour}, "i.txt:1: CVE-1: has no end, and maxLifetime is 1h0m0s; let it expire at 2026-11-01T13:00:00Z or before"},
		{"CVE-1 exp:2026-11-02", Rules{MaxLifetime: time.Hour}, "i.txt:1: CVE-1: 2026-11-02T00:00:00Z is farther away than maxLifetime (1h0m0s) allows; the latest is 2026-11-01T13:00:00Z"},
	} {
		_, err := Parse("i.txt", []byte(tc.text), tc.rules, now)
		if got := errorText(err); got != tc.want {
			t.Errorf("%q:\n got %s\nwant %s", tc.text, got, tc.want)
		}
	}
}
