package report_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

// wantHarmless looks for what a terminal obeys and what turns a text around.
func wantHarmless(t testing.TB, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("not valid UTF-8")
	}
	for i, c := range text {
		if c != '\n' && string(c) != "\u2060" && !unicode.IsPrint(c) {
			t.Errorf("%q at %q", c, text[max(i-20, 0):min(i+20, len(text))])
			return
		}
	}
}

// wantWellFormed parses what has a grammar.
func wantWellFormed(t testing.TB, format, text string) {
	t.Helper()
	switch format {
	case "json", "sarif", "openvex":
		if !json.Valid([]byte(text)) {
			t.Error("not JSON")
		}
	case "junit":
		decoder := xml.NewDecoder(strings.NewReader(text))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Error(err)
				return
			}
		}
	}
}

// odd are verdicts that the gate never makes, and those it makes of nothing.
func odd() map[string][]gate.Verdict {
	bare := web()
	bare.Counts, bare.Limits, bare.Findings, bare.Excepted, bare.Manifests = nil, nil, nil, nil, nil
	strange := web()
	strange.Outcome = 99
	strange.Findings = append(strange.Findings, gate.Finding{Severity: 200, Fix: 200, Status: 200, Packages: make([]gate.Package, 3)})
	strange.Excepted = append(strange.Excepted, gate.ExceptedFinding{}, gate.ExceptedFinding{Exceptions: []gate.ExceptionNote{{}, {}}})
	strange.Exceptions = []gate.ExceptionReport{{State: "?", IDs: make([]string, 50)}}
	strange.Lapsed = []gate.LapsedException{{}}
	strange.Manifests = append(strange.Manifests, gate.ManifestVerdict{Findings: []int{-1, 0, 1 << 30}, CompletedAt: time.Unix(0, 0)})
	return map[string][]gate.Verdict{
		"nil": nil, "empty": {}, "zero": {{}}, "no lists, no maps": {bare}, "what does not exist": {strange}, "hostile": {hostile()},
		"zeros among others": {web(), {}, hostile(), {}},
	}
}

func TestEveryFormatSurvives(t *testing.T) {
	for _, format := range report.Formats() {
		for name, verdicts := range odd() {
			t.Run(format+"/"+name, func(t *testing.T) {
				for _, width := range []int{-1, 0, 1, 40, 80, 500} {
					o := options
					o.Width = width
					text := renderWith(t, o, format, verdicts...)
					wantHarmless(t, text)
					wantWellFormed(t, format, text)
				}
			})
		}
	}
}

// Without a clock and without a version there is a report too.
func TestZeroOptions(t *testing.T) {
	for _, format := range report.Formats() {
		if text := renderWith(t, report.Options{}, format, web()); !strings.Contains(text, "CVE-2026-") {
			t.Errorf("%s: %s", format, text)
		}
	}
}

// A full disk is no report.
func TestWriteErrorsAreTold(t *testing.T) {
	full := errors.New("no space left on device")
	for _, name := range report.Formats() {
		format, _ := report.Named(name, options)
		if err := format(broken{full}, []gate.Verdict{web()}); !errors.Is(err, full) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }
