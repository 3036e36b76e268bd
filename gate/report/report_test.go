package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

var update = flag.Bool("update", false, "rewrite testdata")

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func judged(name string, severities ...gate.Severity) gate.Verdict {
	img, err := gate.ParseImage("111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/" + name + ":1")
	if err != nil {
		panic(err)
	}
	img.Digest = "sha256:" + strings.Repeat("1", 64)
	scan := gate.Scan{Platform: "linux/amd64", Digest: img.Digest, Type: gate.Enhanced, Status: gate.StatusActive, CompletedAt: noon.Add(-time.Hour)}
	for i, s := range severities {
		scan.Findings = append(scan.Findings, gate.Finding{
			ID: "CVE-2026-" + string(rune('1'+i)), Severity: s, Fix: gate.FixYes,
			Packages: []gate.Package{{Name: "open\x1b[31mssl", Version: "3.0.7", FixedIn: "3.0.15"}, {Name: "libssl"}},
		})
	}
	arm := gate.Scan{Platform: "linux/arm64", Digest: "sha256:" + strings.Repeat("2", 64), Type: gate.Enhanced, Status: gate.StatusActive, CompletedAt: noon.Add(-time.Hour)}
	exceptions := []gate.Exception{
		{IDs: []string{"CVE-2026-1"}, Repositories: []string{"shop/legacy"}, Source: "exceptions.yaml: vulnerabilities[0]", ExpiresAt: noon.Add(24 * time.Hour)},
		{IDs: []string{"CVE-2000-1"}, Source: "exceptions.yaml: vulnerabilities[1]"},
	}
	return gate.Evaluate(gate.Default(), exceptions, img, []gate.Scan{scan, arm}, noon)
}

func all() []gate.Verdict {
	many := make([]gate.Severity, 25)
	for i := range many {
		many[i] = gate.Medium
	}
	waiting := gate.Unjudged("built-in", gate.Image{Written: "x/y:1"}, &gate.Trouble{Cause: gate.NoScan, Passing: true, Text: "ECR knows of no scan"})
	return []gate.Verdict{judged("web", gate.Critical, gate.Low), judged("legacy", gate.High), judged("api", many...), waiting}
}

func TestTable(t *testing.T) {
	var got bytes.Buffer
	if err := report.Table(false)(&got, all()); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/table.txt"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the table changed; read it, then run with -update:\n%s", got.String())
	}
	if strings.Contains(got.String(), "\x1b") {
		t.Error("an escape sequence of a package's name reaches the terminal")
	}
}

func TestColour(t *testing.T) {
	var got bytes.Buffer
	if err := report.Table(true)(&got, all()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x1b[1;31mDenied", "\x1b[1;32mAllowed", "\x1b[1;33mPending"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("no %q", want)
		}
	}
}

// The members that DESIGN promises, by their names.
func TestJSON(t *testing.T) {
	var got bytes.Buffer
	if err := report.JSON(&got, all()); err != nil {
		t.Fatal(err)
	}
	var list struct {
		APIVersion, Kind string
		Items            []map[string]any
	}
	if err := json.Unmarshal(got.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if list.APIVersion != "ecr-gate.dev/v1alpha1" || list.Kind != "VerdictList" || len(list.Items) != 4 {
		t.Errorf("%s %s, %d items", list.APIVersion, list.Kind, len(list.Items))
	}
	for _, member := range []string{"image", "digest", "outcome", "reason", "policy", "counts", "findings", "excepted", "manifests"} {
		if _, ok := list.Items[0][member]; !ok {
			t.Errorf("no %s", member)
		}
	}
	manifest, _ := list.Items[0]["manifests"].([]any)[0].(map[string]any)
	for _, member := range []string{"platform", "digest", "status", "scanType", "completedAt", "counts"} {
		if _, ok := manifest[member]; !ok {
			t.Errorf("a manifest has no %s", member)
		}
	}
	got.Reset()
	if err := report.JSON(&got, nil); err != nil || !strings.Contains(got.String(), `"items": []`) {
		t.Errorf("of no verdict: %v %s", err, got.String())
	}
}
