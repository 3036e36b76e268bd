package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// How many reviews may be refused because AWS gave no answer: of images that nobody
// has asked about yet, nothing earlier can stand in. One call that hangs may be waited
// for by several, so a few are nothing to go by.
const (
	fewUnanswered  = 10
	mostUnanswered = 0.02 // of all, besides
)

// enough wants something to have happened: where nothing did, nothing was wrong, and
// that says nothing. And it wants most reviews to have been answered.
func (s *soak) enough() {
	t := s.tally
	if len(t.faults) == 0 {
		t.violate("no fault was injected")
	}
	if s.main == 0 {
		t.violate("no review was asked in the main phase")
	}
	reports := 0
	for what, n := range t.jobs {
		if what != handedBack {
			reports += n
		}
	}
	if reports == 0 {
		t.violate("no job was reported")
	}
	if float64(t.unanswered) > fewUnanswered+mostUnanswered*float64(t.reviews) {
		t.violate("%d of %d reviews were refused for lack of an answer from AWS, more than %d and %.0f %%", t.unanswered, t.reviews, fewUnanswered, mostUnanswered*100)
	}
}

// report prints what happened as Markdown; how says until when.
func (s *soak) report(out io.Writer, how string) {
	_, _ = fmt.Fprint(out, "# Soak\n\n| | |\n|---|---|\n")
	for _, row := range s.rows() {
		if row[1] != "" {
			_, _ = fmt.Fprintf(out, "| %s | %s |\n", row[0], cell(row[1]))
		}
	}
	t := s.tally
	if t.wrong > 0 {
		_, _ = fmt.Fprintf(out, "\n## Violations: %d of %d\n\n", len(t.violations), t.wrong)
		for _, v := range t.violations {
			_, _ = fmt.Fprintf(out, "- %s\n", cell(v))
		}
	}
	_, _ = fmt.Fprintf(out, "\n%d violations in %d images %s", t.wrong, t.images, how)
	if t.wrong == 0 {
		_, _ = fmt.Fprint(out, ": no answer was wrong")
	}
	_, _ = fmt.Fprintln(out)
}

// rows are the table's; one without a value has nothing to tell.
func (s *soak) rows() [][2]string {
	t := s.tally
	ecr := 0
	for operation, n := range s.calls {
		if strings.HasPrefix(operation, "ecr.") {
			ecr += n
		}
	}
	rows := [][2]string{
		{"length, and of it warming up", s.lengths()},
		{"seed", fmt.Sprint(s.seed)},
		{"time that passed for gate and AWS", s.world.now().Sub(s.began).Round(time.Minute).String()},
		{"reviews (images)", fmt.Sprintf("%d (%d)", t.reviews, t.images)},
		{"allowed / not allowed / not ready / could not check", fmt.Sprintf("%d / %d / %d / %d", t.answers[admit], t.answers[deny], t.answers[wait], t.answers[fail])},
		{"refused for lack of an answer from AWS", fmt.Sprintf("%d (%.2f %%)", t.unanswered, 100*float64(t.unanswered)/float64(max(1, t.reviews)))},
		{"in these words", counts(t.silences)},
		{"answered by what AWS said before", fmt.Sprint(t.stale)},
		{"p50 / p99 / slowest", fmt.Sprintf("%s / %s / %s", shortly(t.percentile(.5)), shortly(t.percentile(.99)), shortly(t.percentile(1)))},
		{"calls to ECR, and per review", fmt.Sprintf("%d, %.2f", ecr, float64(ecr)/float64(max(1, t.reviews)))},
		{"jobs", counts(t.jobs)},
		{"faults", counts(t.faults)},
		{"lines in the log", counts(t.lines)},
		{"ERROR says", counts(t.errors)},
	}
	if s.last == (quiet{}) {
		return rows
	}
	return append(rows, [][2]string{
		{"goroutines, first / last quiet moment", fmt.Sprintf("%d / %d", s.first.goroutines, s.last.goroutines)},
		{"resident memory, MiB", fmt.Sprintf("%d / %d", s.first.resident>>20, s.last.resident>>20)},
		{"open files", fmt.Sprintf("%d / %d", s.first.files, s.last.files)},
	}...)
}

func (s *soak) lengths() string {
	whole := s.ended.Sub(s.began).Round(time.Second).String()
	if s.warm.IsZero() {
		return whole + ", all of it"
	}
	return whole + ", " + s.warm.Sub(s.began).Round(time.Second).String()
}

// cell is a text that stays within a cell of the table, and does to a terminal
// nothing but show.
func cell(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '|':
			return '/'
		case !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, text)
}

func shortly(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }

func counts(m map[string]int) string {
	parts := make([]string, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%d %s", m[name], name))
	}
	return strings.Join(parts, ", ")
}
