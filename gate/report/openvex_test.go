package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openvex/go-vex/pkg/vex"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

func parseVEX(t *testing.T, text string) *vex.VEX {
	t.Helper()
	doc, err := vex.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for i := range doc.Statements {
		if err := doc.Statements[i].Validate(); err != nil {
			t.Errorf("statement %d: %v", i+1, err)
		}
		if len(doc.Statements[i].Products) != 1 {
			t.Errorf("statement %d is about %d products", i+1, len(doc.Statements[i].Products))
		}
	}
	return doc
}

func TestOpenVEXIsValid(t *testing.T) {
	for name, verdicts := range odd() {
		t.Run(name, func(t *testing.T) { parseVEX(t, render(t, "openvex", verdicts...)) })
	}
}

// A document says not_affected only of what somebody said for good.
func TestOpenVEXStatus(t *testing.T) {
	const purl = "pkg:deb/debian/curl@7.88.1"
	curl := gate.Package{Name: "curl", Version: "7.88.1", PURL: purl}
	bare := gate.Package{Name: "curl", Version: "7.88.1"}
	forGood := gate.ExceptionNote{Source: "e.yaml", Statement: "not built in"}
	forNow := gate.ExceptionNote{Source: "e.yaml", Statement: "not built in", ExpiresAt: noon}
	unexplained := gate.ExceptionNote{Source: ".trivyignore: line 1"}
	tests := []struct {
		name       string
		pkg        gate.Package
		exceptions []gate.ExceptionNote
		counted    []gate.Finding
		want       vex.Status
	}{
		{"for good", curl, []gate.ExceptionNote{forGood}, nil, vex.StatusNotAffected},
		{"until a date", curl, []gate.ExceptionNote{forNow}, nil, vex.StatusAffected},
		{"without a reason", curl, []gate.ExceptionNote{unexplained}, nil, vex.StatusAffected},
		{"one of two until a date", curl, []gate.ExceptionNote{forGood, forNow}, nil, vex.StatusAffected},
		{"no exception", curl, nil, nil, vex.StatusAffected},
		{"a package that cannot be named", bare, []gate.ExceptionNote{forGood}, nil, vex.StatusNotAffected},
		{"a package that cannot be named, and another counts", bare, []gate.ExceptionNote{forGood}, []gate.Finding{{ID: "CVE-1"}}, vex.StatusAffected},
		{"another package counts", curl, []gate.ExceptionNote{forGood}, []gate.Finding{{ID: "CVE-1"}}, vex.StatusNotAffected},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			finding := gate.Finding{ID: "CVE-1", Packages: []gate.Package{test.pkg}}
			v := gate.Verdict{
				Image: registry + "/shop/web:1", Digest: "sha256:" + strings.Repeat("1", 64),
				Excepted: []gate.ExceptedFinding{{Finding: finding, Exceptions: test.exceptions}}, Findings: test.counted,
			}
			doc := parseVEX(t, render(t, "openvex", v))
			if got := doc.Statements[0].Status; got != test.want {
				t.Errorf("%s", got)
			}
			if got := doc.Statements[0].Justification; got != "" {
				t.Errorf("nobody said %s", got)
			}
		})
	}
}

// The gate reads its own documents as it reads others', and lets pass by them what
// was said for good, in that image, and nothing else.
func TestOpenVEXRoundTrip(t *testing.T) {
	file := filepath.Join(t.TempDir(), "product.openvex.json")
	if err := os.WriteFile(file, []byte(render(t, "openvex", web())), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := exception.Load("", []string{file}, exception.Rules{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	judge := func(digit string) []gate.ExceptedFinding {
		return gate.Evaluate(dev(), read, image(registry+"/shop/web:1.4", digit), []gate.Scan{enhanced("", digit, findings()...)}, noon).Excepted
	}
	if passed := judge("1"); len(passed) != 1 || passed[0].ID != "CVE-2026-6003" {
		t.Errorf("excepted: %+v", passed)
	}
	if passed := judge("2"); len(passed) != 0 {
		t.Errorf("excepted in another image: %+v", passed)
	}
}

// The document has a new ID when it says something new, and not when it is written
// again.
func TestOpenVEXID(t *testing.T) {
	id := func(at time.Time, verdicts ...gate.Verdict) string {
		o := report.Options{Now: func() time.Time { return at }}
		doc := parseVEX(t, renderWith(t, o, "openvex", verdicts...))
		if !doc.Timestamp.Equal(at) {
			t.Errorf("written at %s", doc.Timestamp)
		}
		return doc.ID
	}
	other := web()
	other.Excepted[0].Exceptions[0].Statement += ", really"
	if id(noon, web()) != id(noon.Add(time.Hour), web()) {
		t.Error("the same statements have another ID an hour later")
	}
	if id(noon, web()) == id(noon, other) {
		t.Error("other statements have the same ID")
	}
}

// A basic scan has a finding for each package, and OpenVEX takes no two equal
// statements.
func TestOpenVEXSaysNothingTwice(t *testing.T) {
	x := gate.ExceptedFinding{Finding: gate.Finding{ID: "CVE-1", Packages: []gate.Package{{Name: "a"}}}, Exceptions: []gate.ExceptionNote{{Statement: "because"}}}
	y := x
	y.Packages = []gate.Package{{Name: "b"}}
	v := gate.Verdict{Image: "a/b:1", Excepted: []gate.ExceptedFinding{x, y}}
	if doc := parseVEX(t, render(t, "openvex", v)); len(doc.Statements) != 1 {
		t.Errorf("%d statements", len(doc.Statements))
	}
}
