package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ecr-gate/ecr-gate/gate"
)

// FuzzParse: a file is a configuration that the gate can be run with, or faults of
// one clean line each, and never both.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatalf("no seeds in %s: %v", pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path) //nolint:gosec // of this folder
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte("a: &a [*a]\nb: \x00"))
	f.Add([]byte("\xff\xfe\x00policies: !!binary x"))
	f.Add([]byte(header + "\"\u009b31m\": 1\npolicies: [{name: \"\u202e\", maxFindings: {\"\u0085\": 1}}]\nwebhook: {enforce: \"\u001b[2J\"}\n"))
	for _, policy := range []string{`name: "\u202e"`, "name: a, maxScanAge: -1h", "name: a, untriagedAs: UNTRIAGED", "name: a, gracePeriod: {HIGH: -1h}"} {
		f.Add([]byte(header + "policies: [{maxFindings: {HIGH: 0}, " + policy + "}]\n"))
	}
	f.Add([]byte(header + "webhook: {}\npipeline: {maxWait: -1m, concurrency: 0, pollInterval: 0s}\n"))
	f.Add([]byte(header + "policies: [{name: a, maxFindings: {HIGH: 0}, match: {images: ['{,a}{,a}{,a}{,a}{,a}{,a}{,a}{,a}{,a}{,a}{,a}{,a}']}}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("c.yaml", data)
		if (c == nil) == (err == nil) {
			t.Fatalf("got %v and %v", c, err)
		}
		if err != nil {
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			for _, fault := range faults {
				wantLine(t, fault.Error())
			}
			return
		}
		for _, warning := range c.Warnings {
			wantLine(t, warning)
		}
		for _, p := range c.GatePolicies() {
			wantUsable(t, p)
		}
		if w := c.Webhook; w != nil && (w.Enforce == "" || w.Warn == "" || w.Audit == "" || w.NonECRImages == "" || w.OnUnavailable == "") {
			t.Errorf("a setting without a value: %+v", w)
		}
		if p := c.Pipeline; p != nil && (p.MaxWait < 0 || p.PollInterval <= 0 || p.Concurrency <= 0) {
			t.Errorf("a worker that cannot work: %+v", p)
		}
	})
}

func wantLine(t *testing.T, line string) {
	t.Helper()
	line = strings.ReplaceAll(line, "\ufffd", "") // bytes that are no text are shown as that
	if line == "" || gate.Clean(line) != line || !utf8.ValidString(line) {
		t.Errorf("no clean line: %q", line)
	}
}

func wantUsable(t *testing.T, p gate.Policy) {
	t.Helper()
	if !nameForm.MatchString(p.Name) || len(p.Limits) == 0 || p.UntriagedAs == gate.Untriaged || p.MaxScanAge < 0 {
		t.Errorf("a policy that should be a fault: %+v", p)
	}
	for severity, limit := range p.Limits {
		if limit < 0 || severity == gate.Untriaged {
			t.Errorf("%s is limited to %d", severity, limit)
		}
	}
	for severity, grace := range p.Grace {
		if grace < 0 {
			t.Errorf("%s has a grace of %s", severity, grace)
		}
	}
	for _, glob := range p.Images {
		if err := gate.ValidateGlob(glob); err != nil {
			t.Errorf("%q %v", glob, err)
		}
	}
}
