package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// As many jobs wait for their scans as there are slots. They fill every poll, which does
// not mean that there are more: they are looked at once an interval, as fewer would be.
func TestWaitingJobsAreNotPolledFaster(t *testing.T) {
	const slots, interval = 2, 100 * time.Millisecond
	looks := make(chan time.Time, 1000)
	g := found(t)
	for range slots {
		g.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "x/y:1"}})
	}
	s := g.open(t, judgedBy(func(_ context.Context, r gate.Request) gate.Verdict {
		looks <- time.Now()
		return gate.Unjudged("p", gate.Image{Written: r.Image}, &gate.Trouble{Cause: gate.NotFinished, Passing: true, Text: "the scan runs"})
	}), func(w *pipeline.Worker) { w.Concurrency, w.PollInterval = slots, interval })
	for range slots {
		<-looks // the jobs are fresh, so the next poll is soon
	}
	const rounds = 5
	var first, last time.Time
	for range rounds * slots {
		last = <-looks
		if first.IsZero() {
			first = last
		}
	}
	s.stop()
	// Ten times as fast would be a tenth of this.
	if took, least := last.Sub(first), (rounds-1)*interval/2; took < least {
		t.Errorf("%d looks at each job took %s, want %s at least", rounds, took, least)
	}
}

// Where every slot is filled and some of the jobs are fresh, there is a queue to be
// emptied, whether or not a job that waits is always among them.
func TestFreshJobsArePolledFaster(t *testing.T) {
	const interval, fresh = 5 * time.Second, 4
	g := found(t)
	g.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "x/y:1"}})
	for range fresh {
		g.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "not a reference"}})
	}
	began := time.Now()
	ended := make(chan pipeline.Result, 100)
	g.open(t, judgedBy(func(_ context.Context, r gate.Request) gate.Verdict {
		if r.Image == "x/y:1" {
			return gate.Unjudged("p", gate.Image{Written: r.Image}, &gate.Trouble{Cause: gate.NotFinished, Passing: true, Text: "the scan runs"})
		}
		return gate.Unjudged("p", gate.Image{Written: r.Image}, &gate.Trouble{Cause: gate.BadReference, Text: "it is none"})
	}), func(w *pipeline.Worker) {
		w.Concurrency, w.PollInterval = 3, interval
		w.Counts = func(r pipeline.Result) { ended <- r }
	})
	for failed := 0; failed < fresh; {
		if r := <-ended; r != pipeline.HandedBack {
			failed++
		}
	}
	if took := time.Since(began); took >= interval*4/5 {
		t.Errorf("the last job came after %s, a whole interval", took)
	}
}
