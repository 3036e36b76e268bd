// Mutate changes a package bit by bit and sees whether its tests notice: a limit that
// is off by one, a condition the other way round, an early return that is gone.
//
//	go run -C tools/mutate . -root ../.. ./gate
//
// All mutants of a package are compiled into one test binary, each behind a switch, and
// the environment turns one on: a mutant costs a run of the tests and no build.
// docs/mutations.md says what came of it, and why no ready tool does the job.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// beside are files that say nothing of a verdict: texts, doctor and certificates.
const beside = `^(doc|brief|detail|next|compare|trace|text|explain.*|examine.*|door|ready|rotation|certificate|server|counted)\.go$`

// unfit are tests of seconds that no mutant is left to, and those that count
// allocations, of which the switches make some.
const unfit = `^(TestCacheHolds10000Images|TestExamination|TestDoorOf|TestRotation|TestServer|TestCertificate)|Allocations`

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
}

func run(out io.Writer, args []string) error {
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	root := flags.String("root", ".", "folder of the module")
	not := flags.String("not", beside, "files that are not mutated, as a regular expression")
	skip := flags.String("skip", unfit, "tests that are not run, as go test has it")
	workers := flags.Int("workers", 2, "mutants at a time")
	timeout := flags.Duration("timeout", 30*time.Second, "how long the tests of a mutant may take: then it is killed, for it hangs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("name a package: go run -C tools/mutate . -root ../.. ./gate")
	}
	leftOut, err := regexp.Compile(*not)
	if err != nil {
		return fmt.Errorf("-not: %w", err)
	}
	if err := os.Chdir(*root); err != nil {
		return err
	}
	for _, dir := range flags.Args() {
		if err := check(out, dir, leftOut, trials{skip: *skip, workers: *workers, timeout: *timeout}); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}

// check shows what the tests of a package do not notice, and the score.
func check(out io.Writer, dir string, not *regexp.Regexp, t trials) error {
	folder, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	p, err := load(dir)
	if err != nil {
		return err
	}
	if err := p.writeMutants(folder, not); err != nil {
		return err
	}
	t.dir, t.binary = dir, filepath.Join(folder, "mutants.test")
	if err := t.build(filepath.Join(folder, "overlay.json")); err != nil {
		return err
	}
	began := time.Now()
	results, err := t.run(p.mutants, filepath.Join(folder, "reached"))
	if err != nil {
		return err
	}
	return show(out, dir, results, time.Since(began))
}

func show(out io.Writer, dir string, results []result, took time.Duration) error {
	slices.SortFunc(results, func(a, b result) int {
		return cmp.Or(strings.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.id, b.id))
	})
	count := map[string]int{}
	for _, r := range results {
		count[r.fate]++
		if r.fate == lived || r.fate == notReached {
			_, _ = fmt.Fprintf(out, "%-11s %s:%d:%d %s: %s\n", r.fate, filepath.Join(dir, r.file), r.line, r.column, r.kind, r.code)
		}
	}
	caught := count[killed] + count[hung]
	_, err := fmt.Fprintf(out, "%s: %d mutants in %s: %d killed, %d hung, %d lived, %d not reached; %.1f %% noticed\n",
		dir, len(results), took.Round(time.Second), count[killed], count[hung], count[lived], count[notReached],
		100*float64(caught)/float64(max(len(results), 1)))
	return err
}
