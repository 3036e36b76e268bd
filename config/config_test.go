package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate"
)

const header = "apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\n"

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// TestBadFiles holds the sentences that people read against golden files.
func TestBadFiles(t *testing.T) {
	for _, path := range glob(t, "testdata/bad/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			c, err := Load(path, now)
			if err == nil || c != nil {
				t.Fatalf("got %v, %v; want no config and faults", c, err)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".golden", []byte(err.Error()+"\n"))
		})
	}
}

func TestGoodFiles(t *testing.T) {
	for _, path := range glob(t, "testdata/good/*.yaml") {
		if _, err := Parse(path, readFile(t, path)); err != nil {
			t.Errorf("%s:\n%v", path, err)
		}
	}
}

func TestFullExample(t *testing.T) {
	c, err := Parse("full.yaml", readFile(t, "testdata/good/full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := []gate.Policy{{
		Name:        "dev",
		Images:      []string{"**/shop/**"},
		Limits:      map[gate.Severity]int{gate.Critical: 0, gate.High: 0, gate.Medium: 20},
		UntriagedAs: gate.High,
		Grace:       map[gate.Severity]time.Duration{gate.High: 72 * time.Hour},
		MaxScanAge:  720 * time.Hour,
		StartScan:   true,
		Blocked:     []string{"CVE-2021-44228"},
	}}
	if diff := cmp.Diff(want, c.GatePolicies()); diff != "" {
		t.Error(diff)
	}
	wantAWS := AWS{Region: "eu-west-1", Registries: []Registry{{
		Account: "111122223333", Regions: []string{"eu-west-1"}, AssumeRoleARN: "arn:aws:iam::111122223333:role/ecr-gate-read",
	}}}
	if diff := cmp.Diff(wantAWS, c.AWS); diff != "" {
		t.Error(diff)
	}
	wantExceptions := Exceptions{
		Files: []string{"exceptions.yaml", "product.openvex.json"}, Require: []string{"statement", "expired_at"}, MaxLifetime: 2160 * time.Hour,
	}
	if diff := cmp.Diff(wantExceptions, c.Exceptions); diff != "" {
		t.Error(diff)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %q", c.Warnings)
	}
}

func TestDefaults(t *testing.T) {
	c, err := Parse("c.yaml", []byte(header+"policies: [{name: a, maxFindings: {HIGH: 1, CRITICAL: 0}}]\nwebhook: {}\npipeline: {actionType: {version: \"2\"}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		APIVersion: APIVersion, Kind: Kind,
		Policies: []Policy{{
			Name: "a", MaxFindings: map[Severity]int{Severity(gate.High): 1, Severity(gate.Critical): 0},
			UntriagedAs: Severity(gate.High), Suppressed: "count", Exploitable: "deny", Unscannable: "deny",
		}},
		Webhook: &Webhook{Enforce: "auto", Warn: "none", Audit: "none", NonECRImages: "allow", OnUnavailable: "deny", NamespaceLabels: true},
		Pipeline: &Pipeline{
			ActionType: ActionType{Category: "Test", Provider: "EcrGate", Version: "2"},
			MaxWait:    20 * time.Minute, PollInterval: 5 * time.Second, Concurrency: 10,
		},
	}
	if diff := cmp.Diff(want, c, cmp.Comparer(func(a, b []gate.Exception) bool { return len(a) == len(b) }), cmp.AllowUnexported(Config{})); diff != "" {
		t.Error(diff)
	}
}

func TestDoorsShutWithoutTheirBlock(t *testing.T) {
	c, err := Parse("c.yaml", []byte(header))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Config{c, Default()} {
		if c.Webhook != nil || c.Pipeline != nil || len(c.GatePolicies()) > 0 || len(c.GateExceptions()) > 0 {
			t.Errorf("got %+v, want no door, policy or exception", c)
		}
	}
}

func TestUnscannableWords(t *testing.T) {
	for word, want := range map[string]gate.Unscannables{
		"deny": gate.DenyUnscannable, "warn": gate.WarnUnscannable, "allow": gate.AllowUnscannable, "": gate.DenyUnscannable,
	} {
		if got := (Policy{Unscannable: word}).gate().Unscannable; got != want {
			t.Errorf("%q: got %v, want %v", word, got, want)
		}
	}
	p := Policy{Suppressed: "ignore", Exploitable: "ignore", FixableOnly: true}.gate()
	if !p.IgnoreSuppressed || !p.IgnoreExploits || !p.FixableOnly {
		t.Errorf("got %+v, want suppressed and exploits ignored", p)
	}
}

func TestWarnings(t *testing.T) {
	for text, want := range map[string][]string{
		"{HIGH: 0, CRITICAL: 0}": nil,
		"{HIGH: 0}":              {"c.yaml: policies[0].maxFindings: policy a limits HIGH but not CRITICAL, so any number of those passes"},
		"{LOW: 0, CRITICAL: 0}":  {"c.yaml: policies[0].untriagedAs: findings that nobody has triaged count as HIGH, which policy a does not limit, so any number of them passes"},
		"{LOW: 0}": {
			"c.yaml: policies[0].maxFindings: policy a limits LOW but not CRITICAL and HIGH and MEDIUM, so any number of those passes",
			"c.yaml: policies[0].untriagedAs: findings that nobody has triaged count as HIGH, which policy a does not limit, so any number of them passes",
		},
	} {
		c, err := Parse("c.yaml", []byte(header+"policies: [{name: a, maxFindings: "+text+"}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, c.Warnings); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestLoadReadsExceptionsBesideTheFile(t *testing.T) {
	c, err := Load("testdata/good/exceptions.yaml", now)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range c.GateExceptions() {
		got = append(got, e.Source+" until "+e.ExpiresAt.Format(time.RFC3339))
	}
	want := []string{
		"../files/exceptions.yaml: vulnerabilities[0] until 2026-12-31T00:00:00Z",
		"../files/product.openvex.json: statement 1 until 2026-12-30T00:00:00Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadWithoutAFile(t *testing.T) {
	_, err := Load(filepath.Join("testdata", "none.yaml"), now)
	want := "testdata/none.yaml: no such file; say with --config where the configuration is"
	if err == nil || filepath.ToSlash(err.Error()) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFaultsNameLines(t *testing.T) {
	_, err := Parse("ecr-gate.yaml", []byte(header+"policies:\n- name: dev\n  maxFinding: {HIGH: 0}\n"))
	want := "ecr-gate.yaml:5: policies[0].maxFinding: unknown key; did you mean maxFindings?"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
