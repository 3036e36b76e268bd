// Package timings keeps how long each step of a run took, in a file, so that the
// processes of one run add to one table and a killed run still has its own.
package timings

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// Log is the file the steps are written to.
type Log struct {
	Path string
	Out  io.Writer // progress is told here
}

// step is one line of the file.
type step struct {
	Name    string        `json:"name"`
	Took    time.Duration `json:"took"`
	Failure string        `json:"failure,omitempty"`
}

// Do runs the step, tells when it begins and ends, and notes how long it took.
func (l Log) Do(name string, do func() error) error {
	start := time.Now()
	_, _ = fmt.Fprintf(l.Out, "e2e: %s ...\n", name)
	err := do()
	took := time.Since(start)
	outcome := ""
	if err != nil {
		outcome = "failed"
	}
	l.Note(name, took, outcome)
	_, _ = fmt.Fprintf(l.Out, "e2e: %s: %s %s\n", name, round(took), outcome)
	return err
}

// Note notes a step that was timed elsewhere. The failure is one word, or empty.
func (l Log) Note(name string, took time.Duration, failure string) {
	line, err := json.Marshal(step{Name: name, Took: took, Failure: failure})
	if err != nil {
		panic(err) // a struct of strings and a number
	}
	file, err := os.OpenFile(l.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		_, _ = fmt.Fprintln(l.Out, "e2e: timings:", err)
		return
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Write(append(line, '\n')); err != nil {
		_, _ = fmt.Fprintln(l.Out, "e2e: timings:", err)
	}
}

// Print writes the table of all steps noted so far.
func (l Log) Print() {
	file, err := os.Open(l.Path)
	if err != nil {
		return // nothing was noted
	}
	defer func() { _ = file.Close() }()
	_, _ = fmt.Fprintln(l.Out, "\ne2e: timings")
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var s step
		if json.Unmarshal(lines.Bytes(), &s) == nil {
			_, _ = fmt.Fprintf(l.Out, "  %9s  %s %s\n", round(s.Took), s.Name, s.Failure)
		}
	}
}

func round(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(10 * time.Millisecond)
}
