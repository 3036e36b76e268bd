package exception

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate"
)

func remarks(exceptions []gate.Exception) []string {
	var lines []string
	for _, r := range Lint(exceptions, now, gate.SoonExpiring) {
		lines = append(lines, r.String())
	}
	return lines
}

func TestLint(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"nothing": {"vulnerabilities: [{id: CVE-1}, {id: CVE-2, expired_at: 2027-01-01}]", nil},
		"empty":   {"", nil},
		"expired": {"vulnerabilities: [{id: CVE-1, expired_at: 2026-11-01}]",
			[]string{"e.yaml: vulnerabilities[0]: CVE-1: expired at 2026-11-01T00:00:00Z"}},
		"expiring": {"vulnerabilities: [{id: CVE-1, expired_at: 2026-11-15}, {id: CVE-2, expired_at: 2026-11-16}]",
			[]string{"e.yaml: vulnerabilities[0]: CVE-1: expires soon, at 2026-11-15T00:00:00Z"}},
		"duplicate": {"vulnerabilities: [{id: CVE-1, packages: [a]}, {id: CVE-1, packages: [a], statement: again}]",
			[]string{"e.yaml: vulnerabilities[1]: CVE-1: is the same as e.yaml: vulnerabilities[0]"}},
		"shadowed": {"vulnerabilities: [{id: CVE-1}, {id: CVE-1, repositories: [shop/web]}]",
			[]string{"e.yaml: vulnerabilities[1]: CVE-1: is covered by e.yaml: vulnerabilities[0], an earlier entry"}},
		"shadowed by one for a whole package": {"vulnerabilities: [{packages: [a]}, {id: CVE-1, packages: [a]}]",
			[]string{"e.yaml: vulnerabilities[1]: CVE-1: is covered by e.yaml: vulnerabilities[0], an earlier entry"}},
		"the later one is wider":            {"vulnerabilities: [{id: CVE-1, repositories: [shop/web]}, {id: CVE-1}]", nil},
		"the later one lasts longer":        {"vulnerabilities: [{id: CVE-1, expired_at: 2027-01-01}, {id: CVE-1, expired_at: 2027-01-02}]", nil},
		"what expired covers nothing":       {"vulnerabilities: [{id: CVE-1, expired_at: 2026-01-01}, {id: CVE-1, repositories: [a], expired_at: 2027-01-01}]", []string{"e.yaml: vulnerabilities[0]: CVE-1: expired at 2026-01-01T00:00:00Z"}},
		"expired is said before duplicate":  {"vulnerabilities: [{id: CVE-1}, {id: CVE-1, expired_at: 2026-01-01}]", []string{"e.yaml: vulnerabilities[1]: CVE-1: expired at 2026-01-01T00:00:00Z"}},
		"a package without an ID is named":  {"vulnerabilities: [{packages: [a, b@1], expired_at: 2026-01-01}]", []string{"e.yaml: vulnerabilities[0]: a, b: expired at 2026-01-01T00:00:00Z"}},
		"so is a package URL":               {"vulnerabilities: [{purls: [pkg:npm/x], expired_at: 2026-01-01}]", []string{"e.yaml: vulnerabilities[0]: x: expired at 2026-01-01T00:00:00Z"}},
		"hostile texts":                     {"vulnerabilities: [{packages: [\"a\\e[31m\\u202eb\"], expired_at: 2026-01-01}]", []string{"e.yaml: vulnerabilities[0]: a[31mb: expired at 2026-01-01T00:00:00Z"}},
		"every covered one names the first": {"vulnerabilities: [{id: CVE-1}, {id: CVE-1, packages: [a]}, {id: CVE-1, packages: [a]}]", []string{"e.yaml: vulnerabilities[1]: CVE-1: is covered by e.yaml: vulnerabilities[0], an earlier entry", "e.yaml: vulnerabilities[2]: CVE-1: is covered by e.yaml: vulnerabilities[0], an earlier entry"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, remarks(mustParse(t, "e.yaml", test.text, Rules{}))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An entry of a document with several names is covered by all its names.
func TestLintOpenVEX(t *testing.T) {
	one := gate.Exception{IDs: []string{"CVE-1"}, Source: "a"}
	two := gate.Exception{IDs: []string{"CVE-1", "GHSA-1"}, Source: "b"}
	if got := remarks([]gate.Exception{one, two}); got != nil {
		t.Errorf("wider by a name: %q", got)
	}
	if got := remarks([]gate.Exception{two, one}); len(got) != 1 {
		t.Errorf("one name of two: %q", got)
	}
}

// Thirty thousand entries are gone through at once, not each beside each, which would be
// half a billion comparisons.
func TestLintManyEntries(t *testing.T) {
	list := make([]gate.Exception, 30_000)
	for i := range list {
		list[i] = gate.Exception{IDs: []string{fmt.Sprint("CVE-", i)}}
	}
	start := time.Now()
	if got := Lint(list, now, 0); got != nil {
		t.Error(len(got))
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestLoadEach(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"good.yaml": "vulnerabilities: [{id: CVE-1}]", "bad.yaml": "vulnerabilities: [{id: CVE-2, expird_at: 1}]", ".trivyignore": "CVE-3\nCVE-4 exp:soon\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"good.yaml", "bad.yaml", "none.yaml", ".trivyignore"}
	good, faults := LoadEach(dir, files, Rules{}, now)
	if len(good) != 1 || good[0].IDs[0] != "CVE-1" || len(faults) != 3 {
		t.Errorf("%v\n%v", good, faults)
	}
	if all, err := Load(dir, files, Rules{}, now); all != nil || err == nil || !strings.Contains(err.Error(), "paths are relative to the configuration file") {
		t.Errorf("%v, %v", all, err)
	}
	if _, faults := LoadEach("", []string{filepath.Join(dir, "none.yaml")}, Rules{}, now); len(faults) != 1 || faults[0].Text != "no such file" {
		t.Error(faults)
	}
}
