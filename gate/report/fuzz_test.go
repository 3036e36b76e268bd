package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

// FuzzFormats puts any text into every place of a verdict that has one. No report
// breaks its own grammar, has anything in it that a terminal or a browser obeys, or
// has other rows than that of a verdict with harmless texts.
func FuzzFormats(f *testing.F) {
	f.Add(nasty, "CVE-2026-1", "1.2.3")
	f.Add("", "\xff\xfe", "1:~")
	f.Add("|||", "`", "1.2.3-4")
	f.Add("</script><img src=x onerror=alert(1)>", "javascript:alert(1)", "https://x/\"onmouseover=\"y")
	f.Add("]]>", "&#x1b;[2J", "--> <!--")
	f.Add("a\u2028b\u0085c", "::error::x", "| a | b |\n|---|---|")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if len(a)+len(b)+len(c) > 2000 {
			return // longer ones only take longer
		}
		verdicts := []gate.Verdict{worded(a, b, c), worded(a, b, c)}
		for _, format := range report.Formats() {
			var text bytes.Buffer
			write, ok := report.Named(format, options)
			if !ok {
				t.Fatalf("no format %s", format)
			}
			if err := write(&text, verdicts); err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			wantHarmless(t, text.String())
			wantWellFormed(t, format, text.String())
			switch format {
			case "html":
				wantNoHandler(t, text.String())
			case "json":
				wantSameVerdicts(t, text.Bytes(), verdicts)
			}
		}
	})
}

func worded(a, b, c string) gate.Verdict {
	finding := gate.Finding{ID: a, Severity: gate.Critical, Title: b, URL: c, Related: []string{b}, Packages: []gate.Package{
		{Name: b, Version: c, FixedIn: a, Path: a, PURL: c}, {Name: a, Version: b, FixedIn: c},
	}}
	other := gate.Finding{ID: b, Packages: []gate.Package{{Name: b, Version: c, FixedIn: b}}}
	note := gate.ExceptionNote{Source: c, Statement: a, Owner: b, Ticket: c}
	return gate.Verdict{
		Image: a, Digest: b, Reason: a, Policy: b, Next: c, Warnings: []string{a, b, c}, Err: errors.New(a),
		Findings: []gate.Finding{finding, other}, Excepted: []gate.ExceptedFinding{{Finding: finding, Exceptions: []gate.ExceptionNote{note}}},
		Exceptions: []gate.ExceptionReport{{State: gate.ExceptionUnused, IDs: []string{a, b}, ExceptionNote: note}},
		Lapsed:     []gate.LapsedException{{ID: c, ExceptionNote: note}},
		Manifests:  []gate.ManifestVerdict{{Platform: a, Digest: c, Status: gate.Status(b), ScanType: gate.ScanType(a), Cause: gate.WithinPolicy, Findings: []int{0, 1}}, {Platform: b}},
	}
}

var (
	tags     = regexp.MustCompile(`<[^>]*>`)
	handlers = regexp.MustCompile(`(?i)\s(on[a-z]+\s*=|srcdoc\s*=|(href|src|action)\s*=\s*["']?\s*(javascript|vbscript):)`)
)

// wantNoHandler looks for what runs, in the tags of a page; what is quoted there is
// taken out of it first.
func wantNoHandler(t *testing.T, page string) {
	t.Helper()
	quoted := regexp.MustCompile(`(title|aria-label|data-[a-z-]+|value|content|id|class)="[^"]*"`)
	for _, tag := range tags.FindAllString(page, -1) {
		if handlers.MatchString(quoted.ReplaceAllString(tag, "")) {
			t.Errorf("the page runs what it was given: %s", tag)
		}
	}
	if n := strings.Count(strings.ToLower(page), "</script"); n != strings.Count(strings.ToLower(page), "<script") {
		t.Errorf("%d ends of scripts", n)
	}
}

// wantSameVerdicts reads the document back: nothing was added or lost.
func wantSameVerdicts(t *testing.T, document []byte, want []gate.Verdict) {
	t.Helper()
	var list struct {
		Items []struct {
			Outcome  string
			Findings []struct{ Severity string }
			Excepted []struct{ Severity string }
		}
	}
	if err := json.Unmarshal(document, &list); err != nil || len(list.Items) != len(want) {
		t.Fatalf("%d of %d verdicts: %v", len(list.Items), len(want), err)
	}
	for i, item := range list.Items {
		if item.Outcome != want[i].Outcome.String() || len(item.Findings) != len(want[i].Findings) || len(item.Excepted) != len(want[i].Excepted) {
			t.Errorf("%+v is not verdict %d", item, i)
		}
	}
}
