package report_test

import (
	"encoding/json"
	"path"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/ecr-gate/ecr-gate/gate"
)

// parseSARIF holds a log against the official schema, which go-sarif carries.
func parseSARIF(t *testing.T, text string) *sarif.Run {
	t.Helper()
	log, err := sarif.FromString(text, sarif.WithStrictValidation())
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(log.Runs) != 1 {
		t.Fatalf("%d runs, and GitHub takes one of a tool", len(log.Runs))
	}
	return log.Runs[0]
}

func TestSARIFIsValid(t *testing.T) {
	for name, verdicts := range odd() {
		t.Run(name, func(t *testing.T) { parseSARIF(t, render(t, "sarif", verdicts...)) })
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { parseSARIF(t, render(t, "sarif", c.verdicts()...)) })
	}
	log, err := sarif.FromString(strings.Replace(render(t, "sarif", web()), `"level":"error"`, `"level":"awful"`, 1))
	if err != nil {
		t.Fatal(err)
	}
	if log.Validate() == nil {
		t.Error("a level that is none is valid, so the schema is of no use")
	}
}

func TestSARIFResults(t *testing.T) {
	v := web()
	run := parseSARIF(t, render(t, "sarif", v))
	if len(run.Results) != len(v.Findings)+len(v.Excepted) {
		t.Errorf("%d results of %d findings and %d excepted", len(run.Results), len(v.Findings), len(v.Excepted))
	}
	levels := map[string]string{"CVE-2026-1001": "error", "CVE-2026-1002": "error", "CVE-2026-1003": "warning", "CVE-2026-5005": "note", "CVE-2026-7001": "warning"}
	suppressed := map[string]bool{}
	for _, r := range run.Results {
		id := *r.RuleID
		if want := levels[id]; want != "" && r.Level != want {
			t.Errorf("%s is a %s", id, r.Level)
		}
		if rule := run.Tool.Driver.Rules[r.RuleIndex]; *rule.ID != id {
			t.Errorf("%s points to the rule %s", id, *rule.ID)
		}
		place := r.Locations[0].PhysicalLocation.ArtifactLocation
		if *place.URI != registry+"/shop/web" || path.IsAbs(*place.URI) || *run.Artifacts[place.Index].Location.URI != *place.URI {
			t.Errorf("%s is at %s", id, *place.URI)
		}
		if len(r.Locations[0].LogicalLocations) == 0 {
			t.Errorf("%s is in no package", id)
		}
		for _, s := range r.Suppressions {
			suppressed[id] = *s.Kind == "external" && *s.Status == "accepted" && *s.Justification != ""
		}
	}
	for _, x := range v.Excepted {
		if !suppressed[x.ID] {
			t.Errorf("%s is excepted and not suppressed", x.ID)
		}
		delete(suppressed, x.ID)
	}
	if len(suppressed) > 0 {
		t.Errorf("suppressed without an exception: %v", suppressed)
	}
}

// The next build has the same findings: not new ones, and not other ones.
func TestSARIFFingerprints(t *testing.T) {
	prints := func(v gate.Verdict) map[string]string {
		ids := map[string]string{}
		for _, r := range parseSARIF(t, render(t, "sarif", v)).Results {
			hash := r.PartialFingerprints["ecrGateFinding/v1"]
			if other, known := ids[hash]; known {
				t.Errorf("%s and %s have the same fingerprint", other, *r.RuleID)
			}
			if r.PartialFingerprints["primaryLocationLineHash"] != hash+":1" {
				t.Errorf("GitHub goes by %s", r.PartialFingerprints["primaryLocationLineHash"])
			}
			ids[hash] = *r.RuleID
		}
		return ids
	}
	judge := func(tag, digit string, list []gate.Finding) gate.Verdict {
		return gate.Evaluate(dev(), nil, image(registry+"/shop/web:"+tag, digit), []gate.Scan{enhanced("", digit, list...)}, noon)
	}
	upgraded := findings()
	for i := range upgraded {
		for j := range upgraded[i].Packages {
			p := &upgraded[i].Packages[j]
			p.PURL = strings.Replace(p.PURL, "@"+p.Version, "@9", 1)
			p.Version, p.FixedIn = "9", "10"
		}
	}
	first, second := prints(judge("1", "1", findings())), prints(judge("2", "2", upgraded))
	for hash, id := range first {
		if second[hash] != id {
			t.Errorf("%s is another finding in the next build", id)
		}
	}
	if len(first) != len(findings()) {
		t.Errorf("%d fingerprints of %d findings", len(first), len(findings()))
	}
}

// A log without results says that all is well: an image that was not judged needs one.
func TestSARIFOfUnjudged(t *testing.T) {
	run := parseSARIF(t, render(t, "sarif", several()...))
	refusals := map[string]bool{}
	for _, r := range run.Results {
		if *r.RuleID == "ecr-gate/not-allowed" {
			refusals[*r.Locations[0].PhysicalLocation.ArtifactLocation.URI] = r.Level == "error"
		}
	}
	if len(refusals) != 2 || !refusals[registry+"/shop/new"] || !refusals[registry+"/bank/vault"] {
		t.Errorf("refused without findings: %v", refusals)
	}
	for i, successful := range []bool{true, true, false, false} {
		if got := *run.Invocations[i].ExecutionSuccessful; got != successful {
			t.Errorf("invocation %d was successful: %t", i, got)
		}
	}
	outcome := run.Invocations[0].Properties.Properties["outcome"]
	if outcome != "Denied" {
		t.Errorf("the first outcome is %v", outcome)
	}
}

// GitHub shows the severity of the rule: the worst that any image has.
func TestSARIFSeverities(t *testing.T) {
	low := gate.Verdict{Image: "a/b", Findings: []gate.Finding{{ID: "CVE-1", Severity: gate.Low}}}
	high := gate.Verdict{Image: "a/c", Findings: []gate.Finding{{ID: "CVE-1", Severity: gate.High}}}
	for _, verdicts := range [][]gate.Verdict{{low, high}, {high, low}} {
		rules := parseSARIF(t, render(t, "sarif", verdicts...)).Tool.Driver.Rules
		if len(rules) != 1 || rules[0].Properties.Properties["security-severity"] != "8.0" || rules[0].DefaultConfiguration.Level != "error" {
			text, _ := json.Marshal(rules)
			t.Errorf("%s", text)
		}
	}
}

// In a message [text](target) is a link, and {0} is filled in.
func TestSARIFMessagesAreText(t *testing.T) {
	for _, r := range parseSARIF(t, render(t, "sarif", hostile())).Results {
		text := *r.Message.Text
		for _, escaped := range []string{`\\`, `\[`, `\]`, "{{", "}}"} {
			text = strings.ReplaceAll(text, escaped, "")
		}
		if strings.ContainsAny(text, `\[]{}`) {
			t.Errorf("%q", *r.Message.Text)
		}
	}
}
