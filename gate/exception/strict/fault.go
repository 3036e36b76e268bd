package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Fault is one thing wrong with a file, and its mend, in one sentence.
type Fault struct {
	File string
	Line int    // counted from 1; 0: the file as a whole, or something it lacks
	Path string // of the key, as policies[0].maxFindings; empty: the file as a whole
	Text string

	column int // for the order on one line
}

// Error is the fault on one clean line, whatever the file's name and the words of
// the libraries that read it:
//
//	ecr-gate.yaml:12: policies[0].maxFinding: unknown key; did you mean maxFindings?
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if f.Path != "" {
		b.WriteString(": " + f.Path)
	}
	b.WriteString(": " + f.Text)
	return gate.Clean(b.String())
}

// Faults is everything wrong with one or more files. An empty list is no error:
// return [Faults.Err], not the list itself.
type Faults []Fault

// Error lists the faults, one on a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns the faults as an error, and nil if there are none.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// inFileOrder sorts by line; what concerns the whole file comes first.
func (f Faults) inFileOrder() Faults {
	sorted := slices.Clone(f)
	slices.SortStableFunc(sorted, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.column, b.column))
	})
	return sorted
}

// Quote shows what somebody wrote, safely and not at any length.
func Quote(written string) string {
	const most = 60
	if runes := []rune(written); len(runes) > most {
		written = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", written)
}
