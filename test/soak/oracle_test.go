package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/test/process"
)

// An oracle that approves of everything proves nothing: of each truth, what it takes
// and what it does not.
func TestOracle(t *testing.T) {
	c, err := newClock(filepath.Join(t.TempDir(), "clock"))
	if err != nil {
		t.Fatal(err)
	}
	now, right := c.now(), c
	image := func(spans ...any) *picture {
		p := &picture{kind: "test", digest: "sha256:0"}
		for i := 0; i < len(spans); i += 2 {
			at := now.Add(-spans[i+1].(time.Duration))
			p.fates.begin(spans[i].(fate), at, at)
		}
		return p
	}
	named := func(pictures ...any) []*reference {
		r := &reference{name: "host/soak/a-1:1", repository: "soak/a-1"}
		for i := 0; i < len(pictures); i += 2 {
			at := now.Add(-pictures[i+1].(time.Duration))
			r.points.begin(pictures[i].(*picture), at, at)
		}
		return []*reference{r}
	}
	const ever = 100 * time.Hour
	clean, bad := image(admit, ever), image(deny, ever)
	exact := image(admit, ever, deny, 5*time.Second)
	exact.exact = true
	allowed := process.Answer{Allowed: true}
	stale := process.Answer{Allowed: true, Warnings: []string{"c0: ECR did not answer: judged by what it said before"}}
	refused := func(first string) process.Answer { return process.Answer{Message: first + "\nmore"} }
	over, unready := refused("image not allowed: soak/a-1:1 has 1 CRITICAL"), refused("image not ready: soak/a-1:1 has no scan yet")
	for name, c := range map[string]struct {
		refs   []*reference
		answer process.Answer
		wrong  bool
	}{
		"clean, allowed":                     {named(clean, ever), allowed, false},
		"clean, refused":                     {named(clean, ever), over, true},
		"clean, not ready":                   {named(clean, ever), unready, true},
		"clean, no answer from AWS":          {named(clean, ever), refused("could not check: soak/a-1:1: ECR did not answer in time; try again"), false},
		"clean, could not check":             {named(clean, ever), refused("could not check: soak/a-1:1: AWS refused access"), true},
		"clean, refused without a reason":    {named(clean, ever), refused("no"), true},
		"clean, refused for another":         {named(clean, ever), refused("image not allowed: soak/a-12:1 has 1 CRITICAL"), true},
		"vulnerable, refused":                {named(bad, ever), over, false},
		"vulnerable, allowed":                {named(bad, ever), allowed, true},
		"both, allowed":                      {append(named(clean, ever), named(bad, ever)...), allowed, true},
		"moved a moment ago, allowed":        {named(clean, ever, bad, 5*time.Second), allowed, false},
		"moved a moment ago, refused":        {named(clean, ever, bad, 5*time.Second), over, false},
		"moved a while ago, allowed":         {named(clean, ever, bad, 20*time.Second), allowed, true},
		"moved a while ago, stale":           {named(clean, ever, bad, 20*time.Second), stale, false},
		"moved long ago, stale":              {named(clean, ever, bad, 3*time.Minute), stale, true},
		"moved back long ago, refused":       {named(bad, ever, clean, 20*time.Second), over, true},
		"grew lately, allowed":               {named(image(admit, ever, deny, 9*time.Minute), ever), allowed, false},
		"grew long ago, allowed":             {named(image(admit, ever, deny, 11*time.Minute), ever), allowed, true},
		"mended lately, refused":             {named(image(deny, ever, admit, 9*time.Minute), ever), over, false},
		"scanned lately, not ready":          {named(image(wait, ever, admit, 15*time.Second), ever), unready, false},
		"scanned a while ago, not ready":     {named(image(wait, ever, admit, 25*time.Second), ever), unready, true},
		"not scanned, allowed":               {named(image(wait, ever), ever), allowed, true},
		"policy changed, allowed":            {named(exact, ever), allowed, true},
		"deleted, could not check":           {named(image(admit, ever, fail, time.Second), ever), refused("could not check: soak/a-1:1: ECR knows no such image"), false},
		"deleted long ago, allowed":          {named(image(admit, ever, fail, 11*time.Minute), ever), allowed, true},
		"an answer that says it is not sure": {named(bad, ever), refused("could not check: soak/a-1:1: ECR is throttling our requests"), false},
	} {
		if got := review(right, c.refs, now, now.Add(time.Millisecond), c.answer); (got.violation != "") != c.wrong {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, j := range map[string]struct {
		refs          []*reference
		failure, text string
		wrong         bool
	}{
		"clean, succeeded":                {named(clean, ever), "", "allowed", false},
		"clean, failed":                   {named(clean, ever), "JobFailed", "image not allowed", true},
		"vulnerable, failed":              {named(bad, ever), "JobFailed", "image not allowed", false},
		"vulnerable, succeeded":           {named(bad, ever), "", "allowed", true},
		"vulnerable, revision":            {named(bad, ever), "RevisionUnavailable", "", true},
		"clean, no answer until the end":  {named(clean, ever), "SystemUnavailable", "", false},
		"clean, a mistake of the owner's": {named(clean, ever), "ConfigurationError", "", true},
	} {
		if got := job(c, j.refs, now, now.Add(time.Second), j.failure, j.text); (got.violation != "") != j.wrong {
			t.Errorf("job: %s: %+v", name, got)
		}
	}
	// An image whose fate goes by the time of day may be judged wrongly by a wrong
	// clock, and by a right one not.
	aged := image(deny|wait, ever)
	aged.aged = true
	if got := review(c, named(aged, ever), now, now, allowed); got.violation == "" {
		t.Error("an unsettled image is admitted, and the oracle approves")
	}
	c.wrong.begin(time.Hour, now.Add(-time.Second), now.Add(-time.Second))
	if got := review(c, named(aged, ever), now, now, allowed); got.violation != "" {
		t.Error(got.violation)
	}
}

// What the log says and how often a job was reported is held too.
func TestLedgers(t *testing.T) {
	s := &soak{tally: newTally(), jobs: newJobs()}
	s.jobs.reports["a"], s.jobs.reports["b"], s.jobs.lost["b"] = 2, 2, 1
	s.reportedOnce()
	if s.tally.wrong != 1 || !strings.Contains(s.tally.violations[0], "job a was reported 2 times") {
		t.Errorf("%q", s.tally.violations)
	}
	s = &soak{tally: newTally(), first: quiet{goroutines: 40, resident: 60 << 20, files: 20}}
	s.last = s.first
	if s.compare(); s.tally.wrong != 0 {
		t.Errorf("%q", s.tally.violations)
	}
	s.last = quiet{goroutines: 140, resident: 160 << 20, files: 90}
	if s.compare(); s.tally.wrong != 3 {
		t.Errorf("growth of three things: %q", s.tally.violations)
	}
	for line, wrong := range map[string]bool{
		`{"time":"now","level":"INFO","msg":"verdict"}`: false,
		`panic: runtime error`:                          true,
		`{"level":"ERROR","msg":"panic while judging"}`: true,
		`{"msg":"no level"}`:                            true,
	} {
		s := &soak{tally: newTally()}
		if s.readLine(line); (s.tally.wrong > 0) != wrong {
			t.Errorf("%s: %q", line, s.tally.violations)
		}
	}
}
