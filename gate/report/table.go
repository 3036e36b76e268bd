package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// What the table shows of one image at the most; the other formats have all.
const (
	mostFixes    = 10 // upgrades
	mostFindings = 5  // of one upgrade, or of one exception
	mostExcuses  = 10 // exceptions
)

// inColumns writes verdicts for people.
func inColumns(o Options) Format {
	return func(w io.Writer, verdicts []gate.Verdict) error {
		t := table{columns: newColumns(o.Width), colour: o.Colour}
		for _, v := range verdicts {
			t.verdict(v)
		}
		t.exceptions(gate.MergeReports(verdicts))
		t.put(0, 0, tally(verdicts))
		_, err := io.WriteString(w, t.b.String())
		return err
	}
}

type table struct {
	*columns
	colour bool
}

// The colours of outcomes: red, yellow, yellow, green.
var colours = map[gate.Outcome]string{gate.Denied: "31", gate.Unavailable: "33", gate.Pending: "33", gate.Allowed: "32"}

// outcomeWidth holds the longest outcome and the gap after it.
const outcomeWidth = len("Unavailable  ")

func (t *table) paint(o gate.Outcome, text string) string {
	if !t.colour {
		return text
	}
	return "\x1b[1;" + cmp.Or(colours[o], colours[gate.Denied]) + "m" + text + "\x1b[0m"
}

// bold is for the lines that people look for first.
func (t *table) bold(text string) string {
	if !t.colour {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

func (t *table) verdict(v gate.Verdict) {
	label := v.Outcome.String()
	gap := strings.Repeat(" ", outcomeWidth-len(label))
	t.after(t.paint(v.Outcome, label)+gap, outcomeWidth, outcomeWidth, gate.Clean(v.Reason))
	if next := gate.Clean(v.Next); next != "" && !strings.HasSuffix(v.Reason, v.Next) {
		t.put(2, 4, "next: "+next)
	}
	if v.Err != nil {
		t.put(2, 4, "underneath: "+brief(v.Err.Error(), 1000))
	}
	t.limits(v)
	t.fixes(fixesOf(v), len(v.Manifests))
	t.excepted(excusedOf(v))
	t.comparison(v.Comparison)
	for _, l := range v.Lapsed {
		t.put(2, 4, "expired: the exception for "+brief(l.ID, longestID)+" ("+bygone(l.ExceptionNote)+")")
	}
	for _, w := range v.Warnings {
		t.put(2, 4, "warning: "+brief(w, 500))
	}
	t.evidence(v)
	t.blank()
}

// limits has one line for each platform, for each has the limits to itself.
func (t *table) limits(v gate.Verdict) {
	name := "policy"
	if policy := brief(v.Policy, 40); policy != "" {
		name += " " + policy
	}
	for _, m := range v.Manifests {
		what := name + ": "
		if len(v.Manifests) > 1 {
			what = platformName(m) + " " + m.Outcome.String() + ": "
		}
		if parts := limits(v, m); parts != nil {
			t.put(2, 4, what+strings.Join(glued(parts), ", "))
		} else if len(v.Manifests) > 1 {
			t.put(2, 4, what+"findings not looked at ("+brief(string(m.Cause), 40)+")")
		}
	}
	if skipped := v.Skipped.String(); skipped != "" {
		t.put(2, 4, "not counted: "+skipped)
	}
}

func (t *table) fixes(fixes []fix, platforms int) {
	for i, f := range fixes {
		if i == mostFixes {
			left := 0
			for _, f := range fixes[i:] {
				left += len(f.Findings)
			}
			t.put(2, 4, fmt.Sprintf("and %s in %s; -o json lists all", plural(left, "finding"), plural(len(fixes)-i, "more group")))
			return
		}
		verb, rest, _ := strings.Cut(f.heading(platforms), " ")
		t.after("  "+t.bold(verb)+" ", len(verb)+3, 4, rest)
		t.findings(f.Findings)
	}
}

func (t *table) findings(findings []gate.Finding) {
	shown := findings[:min(len(findings), mostFindings)]
	width := 0
	for _, f := range shown {
		width = max(width, len(f.Severity.String()))
	}
	for _, f := range shown {
		start := fmt.Sprintf("    %-*s  ", width, f.Severity)
		t.after(start, len(start), len(start), label(f)+remark(f))
	}
	if more := len(findings) - len(shown); more > 0 {
		t.put(4, 4, fmt.Sprintf("and %d more", more))
	}
}

func (t *table) excepted(groups []excused) {
	for i, e := range groups {
		if i == mostExcuses {
			t.put(2, 4, fmt.Sprintf("and findings excepted by %s more; -o json lists all", plural(len(groups)-i, "exception")))
			return
		}
		for _, f := range e.findings[:min(len(e.findings), mostFindings)] {
			t.put(2, 4, "excepted: "+f.Line())
		}
		if more := len(e.findings) - mostFindings; more > 0 {
			t.put(2, 4, fmt.Sprintf("excepted: and %d more", more))
		}
		for _, n := range e.by {
			t.put(4, 6, "by "+provenance(n))
			if reason := brief(n.Statement, longestReason); reason != "" {
				t.put(4, 6, "reason: "+reason)
			}
		}
	}
}

// evidence ends an image's part: what the verdict rests on.
func (t *table) evidence(v gate.Verdict) {
	if v.Digest != "" {
		t.put(2, 4, "digest "+gate.Clean(v.Digest))
	}
	if text := baseline(v); text != "" {
		t.put(2, 4, text)
	}
	for _, m := range v.Manifests {
		name := "evidence: "
		if len(v.Manifests) > 1 {
			name = "evidence " + platformName(m) + " " + gate.ShortDigest(gate.Clean(m.Digest)) + ": "
		}
		t.put(2, 4, name+evidence(m))
	}
}

func (t *table) exceptions(reports []gate.ExceptionReport) {
	for _, e := range reports {
		t.put(0, 2, complaint(e))
	}
}

// tally counts the images by outcome, the worst first.
func tally(verdicts []gate.Verdict) string {
	if len(verdicts) == 0 {
		return "no image was judged"
	}
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
	return plural(len(verdicts), "image") + ": " + strings.Join(parts, ", ")
}
