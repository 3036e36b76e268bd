// Package report writes verdicts for people and programs. It decides nothing and
// words nothing: sentences come from the gate.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Format writes all verdicts of one run.
type Format func(w io.Writer, verdicts []gate.Verdict) error

// JSON writes one VerdictList document.
func JSON(w io.Writer, verdicts []gate.Verdict) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(gate.List(verdicts))
}

// maxRows is how many findings of one image the table shows; JSON has them all.
const maxRows = 20

// Table writes verdicts for a terminal, in colour if asked.
func Table(colour bool) Format {
	return func(w io.Writer, verdicts []gate.Verdict) error {
		t := table{colour: colour}
		for _, v := range verdicts {
			t.verdict(v)
		}
		t.exceptions(gate.MergeReports(verdicts))
		t.summary(verdicts)
		_, err := io.WriteString(w, t.b.String())
		return err
	}
}

type table struct {
	b      strings.Builder
	colour bool
}

// The colours of outcomes: red, yellow, yellow, green.
var colours = map[gate.Outcome]string{gate.Denied: "31", gate.Unavailable: "33", gate.Pending: "33", gate.Allowed: "32"}

func (t *table) paint(o gate.Outcome, text string) string {
	if !t.colour {
		return text
	}
	return "\x1b[1;" + colours[o] + "m" + text + "\x1b[0m"
}

func (t *table) verdict(v gate.Verdict) {
	fmt.Fprintf(&t.b, "%s  %s\n", t.paint(v.Outcome, fmt.Sprintf("%-11s", v.Outcome)), v.Reason)
	if v.Next != "" && !strings.HasSuffix(v.Reason, v.Next) {
		t.line("next: " + v.Next)
	}
	if v.Err != nil {
		t.line("underneath: " + printable(v.Err.Error()))
	}
	if len(v.Manifests) > 1 {
		t.platforms(v)
	}
	t.findings(v.Findings)
	for _, x := range v.Excepted {
		t.line("excepted: " + x.Line() + by(x.Exceptions))
	}
	for _, l := range v.Lapsed {
		t.line("expired: the exception for " + printable(l.ID) + by([]gate.ExceptionNote{l.ExceptionNote}))
	}
	for _, w := range v.Warnings {
		t.line("warning: " + w)
	}
	t.b.WriteByte('\n')
}

func (t *table) line(text string) { t.b.WriteString("  " + text + "\n") }

func (t *table) platforms(v gate.Verdict) {
	t.rows("  PLATFORM\tOUTCOME\tSCAN\tCRITICAL\tHIGH\tMEDIUM\tLOW", len(v.Manifests), func(i int) string {
		m := v.Manifests[i]
		return fmt.Sprintf("  %s\t%s\t%s\t%d\t%d\t%d\t%d", printable(or(m.Platform, gate.ShortDigest(m.Digest))), m.Outcome, printable(or(string(m.Status), "-")),
			m.Counts[gate.Critical], m.Counts[gate.High], m.Counts[gate.Medium], m.Counts[gate.Low])
	})
}

func (t *table) findings(findings []gate.Finding) {
	if len(findings) == 0 {
		return
	}
	t.rows("  SEVERITY\tVULNERABILITY\tPACKAGE\tINSTALLED\tFIXED IN", min(len(findings), maxRows), func(i int) string {
		return "  " + row(findings[i])
	})
	if more := len(findings) - maxRows; more > 0 {
		t.line(fmt.Sprintf("and %d more; -o json lists all", more))
	}
}

// row is one finding; of several packages the first stands for all.
func row(f gate.Finding) string {
	var p gate.Package
	if len(f.Packages) > 0 {
		p = f.Packages[0]
	}
	fixed := or(p.FixedIn, "-")
	if p.FixedIn == "" && f.Fix == gate.FixNo {
		fixed = "no fix"
	}
	name := or(p.Name, "-")
	if more := len(f.Packages) - 1; more > 0 {
		name += fmt.Sprintf(" (+%d)", more)
	}
	severity := f.Severity.String()
	if f.Exploit {
		severity += " (exploit)"
	}
	return strings.Join([]string{severity, printable(f.ID), printable(name), printable(or(p.Version, "-")), printable(fixed)}, "\t")
}

func (t *table) rows(header string, n int, row func(i int) string) {
	w := tabwriter.NewWriter(&t.b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, header)
	for i := range n {
		_, _ = fmt.Fprintln(w, row(i))
	}
	_ = w.Flush() // into memory
}

func (t *table) exceptions(reports []gate.ExceptionReport) {
	for _, e := range reports {
		ids := printable(strings.Join(e.IDs, ", "))
		switch e.State {
		case gate.ExceptionExpired:
			fmt.Fprintf(&t.b, "exception expired: %s%s\n", ids, by([]gate.ExceptionNote{e.ExceptionNote}))
		case gate.ExceptionExpiring:
			fmt.Fprintf(&t.b, "exception expires soon: %s%s\n", ids, by([]gate.ExceptionNote{e.ExceptionNote}))
		case gate.ExceptionUnused:
			fmt.Fprintf(&t.b, "exception matched nothing: %s%s\n", ids, by([]gate.ExceptionNote{e.ExceptionNote}))
		}
	}
}

func by(notes []gate.ExceptionNote) string {
	parts := make([]string, len(notes))
	for i, n := range notes {
		parts[i] = printable(n.Source)
		if !n.ExpiresAt.IsZero() {
			parts[i] += " until " + n.ExpiresAt.UTC().Format(time.RFC3339)
		}
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func (t *table) summary(verdicts []gate.Verdict) {
	n := map[gate.Outcome]int{}
	for _, v := range verdicts {
		n[v.Outcome]++
	}
	outcomes := []gate.Outcome{gate.Denied, gate.Unavailable, gate.Pending, gate.Allowed}
	outcomes = slices.DeleteFunc(outcomes, func(o gate.Outcome) bool { return n[o] == 0 })
	parts := make([]string, len(outcomes))
	for i, o := range outcomes {
		parts[i] = fmt.Sprintf("%d %s", n[o], o)
	}
	images := "images"
	if len(verdicts) == 1 {
		images = "image"
	}
	fmt.Fprintf(&t.b, "%d %s: %s\n", len(verdicts), images, strings.Join(parts, ", "))
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// printable drops what could steer a terminal: these texts come from images.
func printable(text string) string { return gate.Clean(text) }
