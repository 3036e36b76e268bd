package report

import (
	"fmt"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// mostCompared is how many new findings, and how many gone ones, are listed.
const mostCompared = 10

// change is one list of a comparison.
type change struct {
	word     string
	findings []gate.Finding
	more     int // that are not listed
}

// changesOf are what somebody wants to see of a comparison: what stayed is among the
// findings anyhow.
func changesOf(c *gate.Comparison) []change {
	var changes []change
	for _, of := range []change{{word: "new", findings: c.New}, {word: "gone", findings: c.Gone}} {
		if len(of.findings) == 0 {
			continue
		}
		listed := min(len(of.findings), mostCompared)
		changes = append(changes, change{of.word, of.findings[:listed], len(of.findings) - listed})
	}
	return changes
}

func (t *table) comparison(c *gate.Comparison) {
	if c == nil {
		return
	}
	t.put(2, 4, brief(c.Summary(), 300))
	for _, of := range changesOf(c) {
		for _, f := range of.findings {
			t.put(4, 6, of.word+": "+brief(f.Line(), 300))
		}
		if of.more > 0 {
			t.put(4, 6, fmt.Sprintf("%s: and %d more", of.word, of.more))
		}
	}
	for _, w := range c.Warnings {
		t.put(4, 6, "warning: "+brief(w, 500))
	}
}

// comparisonList is a comparison in Markdown; nil: there is none.
func comparisonList(c *gate.Comparison) []string {
	if c == nil {
		return nil
	}
	var b strings.Builder
	b.WriteString(prose(brief(c.Summary(), 300)) + "\n\n")
	for _, of := range changesOf(c) {
		for _, f := range of.findings {
			b.WriteString("- " + of.word + ": " + prose(brief(f.Line(), 300)) + "\n")
		}
		if of.more > 0 {
			fmt.Fprintf(&b, "- %s: and %d more\n", of.word, of.more)
		}
	}
	return []string{strings.TrimRight(b.String(), "\n") + "\n\n"}
}

// comparisonView is a comparison on the page.
type comparisonView struct {
	Summary string
	Lines   []string
}

func newComparisonView(c *gate.Comparison) *comparisonView {
	if c == nil {
		return nil
	}
	view := &comparisonView{Summary: shown(c.Summary(), longestReason)}
	for _, of := range changesOf(c) {
		for _, f := range of.findings {
			view.Lines = append(view.Lines, of.word+": "+shown(f.Line(), longestReason))
		}
		if of.more > 0 {
			view.Lines = append(view.Lines, fmt.Sprintf("%s: and %d more", of.word, of.more))
		}
	}
	return view
}
