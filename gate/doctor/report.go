package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// document is what machines read.
type document struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Items      []Result `json:"items"`
}

// JSON writes one DoctorReport document.
func JSON(w io.Writer, results []Result) error {
	if results == nil {
		results = []Result{}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document{APIVersion: "ecr-gate.dev/v1alpha1", Kind: "DoctorReport", Items: results})
}

// Text writes results for people, each subject's under its name, in colour if
// asked.
func Text(w io.Writer, results []Result, colour bool) error {
	var b strings.Builder
	for i, r := range results {
		if i == 0 || r.Subject != results[i-1].Subject {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(r.Subject + "\n")
		}
		fmt.Fprintf(&b, "  %s  %s: %s\n", paint(r.State, fmt.Sprintf("%-7s", r.State), colour), r.Check, r.Found)
		mend(&b, r.Mend)
	}
	b.WriteString("\n" + summary(results) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// mend writes what to do below what was found, so that each line can be copied by
// itself.
func mend(b *strings.Builder, text string) {
	const indent = "           "
	if text == "" {
		return
	}
	first, rest, more := strings.Cut(text, "\n")
	b.WriteString(indent + "mend: " + first + "\n")
	if more {
		b.WriteString(indent + "  " + strings.ReplaceAll(rest, "\n", "\n"+indent+"  ") + "\n")
	}
}

// The colours of states: yellow, red, yellow, green.
var colours = [...]string{Unknown: "33", Fault: "31", Warning: "33", OK: "32"}

func paint(s State, text string, colour bool) string {
	if !colour || int(s) >= len(colours) {
		return text
	}
	return "\x1b[1;" + colours[s] + "m" + text + "\x1b[0m"
}

// summary counts the states, the worst first.
func summary(results []Result) string {
	n := map[State]int{}
	for _, r := range results {
		n[r.State]++
	}
	var parts []string
	for _, s := range []State{Fault, Unknown, Warning, OK} {
		if n[s] > 0 {
			parts = append(parts, counted(n[s], s.String(), s == Fault || s == Warning))
		}
	}
	return counted(len(results), "check", true) + ": " + strings.Join(parts, ", ")
}

func counted(n int, noun string, plural bool) string {
	if plural && n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
