package report_test

import (
	"bytes"
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

// FuzzFormats puts any text into every place of a verdict that has one.
func FuzzFormats(f *testing.F) {
	f.Add(nasty, "CVE-2026-1", "1.2.3")
	f.Add("", "\xff\xfe", "1:~")
	f.Add("|||", "`", "1.2.3-4")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if len(a)+len(b)+len(c) > 2000 {
			return // longer ones only take longer
		}
		finding := gate.Finding{ID: a, Severity: gate.Critical, Title: b, URL: c, Related: []string{b}, Packages: []gate.Package{
			{Name: b, Version: c, FixedIn: a, Path: a, PURL: c}, {Name: a, Version: b, FixedIn: c},
		}}
		other := gate.Finding{ID: b, Packages: []gate.Package{{Name: b, Version: c, FixedIn: b}}}
		note := gate.ExceptionNote{Source: c, Statement: a, Owner: b, Ticket: c}
		v := gate.Verdict{
			Image: a, Digest: b, Reason: a, Policy: b, Next: c, Warnings: []string{a, b, c}, Err: errors.New(a),
			Findings: []gate.Finding{finding, other}, Excepted: []gate.ExceptedFinding{{Finding: finding, Exceptions: []gate.ExceptionNote{note}}},
			Exceptions: []gate.ExceptionReport{{State: gate.ExceptionUnused, IDs: []string{a, b}, ExceptionNote: note}},
			Lapsed:     []gate.LapsedException{{ID: c, ExceptionNote: note}},
			Manifests:  []gate.ManifestVerdict{{Platform: a, Digest: c, Status: gate.Status(b), ScanType: gate.ScanType(a), Cause: gate.WithinPolicy, Findings: []int{0, 1}}, {Platform: b}},
		}
		for _, format := range report.Formats() {
			var text bytes.Buffer
			write, _ := report.Named(format, options)
			if err := write(&text, []gate.Verdict{v, v}); err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			wantHarmless(t, text.String())
			wantWellFormed(t, format, text.String())
		}
	})
}
