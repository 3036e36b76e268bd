package report_test

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

var update = flag.Bool("update", false, "rewrite testdata")

// options are those of all tests: at noon, for a pipe.
var options = report.Options{Now: func() time.Time { return noon }, Version: "1.2.3"}

func render(t testing.TB, format string, verdicts ...gate.Verdict) string {
	t.Helper()
	return renderWith(t, options, format, verdicts...)
}

func renderWith(t testing.TB, o report.Options, format string, verdicts ...gate.Verdict) string {
	t.Helper()
	write, ok := report.Named(format, o)
	if !ok {
		t.Fatalf("there is no format %q", format)
	}
	var b bytes.Buffer
	if err := write(&b, verdicts); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}

// golden holds a text against a file of testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = "testdata/" + file
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s changed; read it, then run with -update (-want +got):\n%s", file, diff)
	}
}

// endings are the golden files' names, by format; HTML has golden files of its own.
var endings = map[string]string{
	"table": "txt", "json": "json", "sarif": "sarif.json", "junit": "xml", "markdown": "md", "openvex": "openvex.json",
}

func TestGolden(t *testing.T) {
	for format, ending := range endings {
		for _, c := range cases {
			t.Run(format+"/"+c.name, func(t *testing.T) {
				golden(t, c.name+"."+ending, render(t, format, c.verdicts()...))
			})
		}
	}
}

// What an image is measured by is part of the evidence.
func TestBaseline(t *testing.T) {
	policy := dev()
	policy.Baseline = "prod"
	scan := func(digit string, list ...gate.Finding) gate.Scan { return enhanced("", digit, list...) }
	c := gate.Case{Policy: policy, Image: image(registry+"/shop/web:1.4", "1"), Scans: []gate.Scan{scan("1", findings()...)}, Now: noon}
	c.Baseline = &gate.Baseline{
		Digest: "sha256:" + strings.Repeat("9", 64), Manifests: []gate.Manifest{{Digest: "sha256:" + strings.Repeat("9", 64)}},
		Scans: []gate.Scan{scan("9", findings()[:3]...)},
	}
	v := c.Verdict()
	if v.Skipped.Baseline != 3 {
		t.Fatalf("%+v", v.Skipped)
	}
	for _, format := range []string{"table", "sarif", "junit", "markdown"} {
		text := oneLine(render(t, format, v))
		for _, want := range []string{"baseline prod " + c.Baseline.Digest, "baseline prod, which was not resolved"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %s", format, want, text)
			}
			v.Baseline.Digest = ""
			text = oneLine(render(t, format, v))
		}
		v.Baseline.Digest = c.Baseline.Digest
	}
	if text := oneLine(render(t, "table", v)); !strings.Contains(text, "not counted: 3 in the baseline too") || !strings.Contains(text, "measured by sha256:999999999999") {
		t.Error(text)
	}
}

// oneLine takes the line breaks out that the table makes.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestNamed(t *testing.T) {
	want := []string{"table", "json", "sarif", "junit", "markdown", "openvex", "html"}
	if got := report.Formats(); !slices.Equal(got, want) {
		t.Errorf("formats are %q", got)
	}
	for _, name := range want {
		if format, ok := report.Named(name, report.Options{}); !ok || format == nil {
			t.Errorf("there is no %s", name)
		}
	}
	for _, name := range []string{"", "Table", "csv"} {
		if _, ok := report.Named(name, report.Options{}); ok {
			t.Errorf("%q is a format", name)
		}
	}
}
