package pipeline_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// A report that AWS does not take is sent five times; what is not tried again does
// not say that it will be. One that AWS refuses for good is sent once.
func TestReportThatAWSDoesNotTake(t *testing.T) {
	for name, tc := range map[string]struct {
		fault awslocal.Fault
		again int // how often it is tried again
	}{
		"AWS is down": {awslocal.Fault{Status: 500, Code: "ServiceUnavailable"}, 4},
		"no access":   {awslocal.Fault{Code: "AccessDeniedException"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			results := make(chan pipeline.Result, 1)
			var lines bytes.Buffer // read after the worker has ended
			s := open(t, counted(results), func(w *pipeline.Worker) { w.Log = slog.New(slog.NewTextHandler(&lines, nil)) })
			tc.fault.Operation = "codepipeline.PutJobFailureResult"
			s.Inject(tc.fault)
			s.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "not a reference"}})
			if got := <-results; got != pipeline.Unreported {
				t.Errorf("result %s", got)
			}
			s.stop()
			if again := strings.Count(lines.String(), "cannot report; trying again"); again != tc.again {
				t.Errorf("tried again %d times, want %d:\n%s", again, tc.again, lines.String())
			}
			if !strings.Contains(lines.String(), "the job stays unreported and will time out") {
				t.Errorf("not said:\n%s", lines.String())
			}
		})
	}
}

// Our own report took effect and its answer was lost: the next attempt hears that the job
// is over, and the metric says what became of it. Where no answer can have been lost, it
// was stopped.
func TestReportWithoutAnswer(t *testing.T) {
	const report = "codepipeline.PutJobFailureResult"
	over := awslocal.Fault{Operation: report, Code: "InvalidJobStateException"}
	for name, tc := range map[string]struct {
		meets func(*awslocal.Server)
		want  pipeline.Result
	}{
		"to an attempt of the SDK": {func(s *awslocal.Server) {
			var sent atomic.Int32
			s.After(report, func(awslocal.Request) bool { return sent.Add(1) > 1 })
		}, pipeline.Failed},
		"to an attempt of ours": {func(s *awslocal.Server) {
			s.Inject(awslocal.Fault{Operation: report, Times: 1, Code: "NotNow"}) // which the SDK takes for final
			s.Inject(over)
		}, pipeline.Failed},
		"throttled": {func(s *awslocal.Server) {
			s.Inject(awslocal.Fault{Operation: report, Times: 1, Code: "ThrottlingException"})
			s.Inject(over)
		}, pipeline.NotOurs},
	} {
		t.Run(name, func(t *testing.T) {
			g := found(t)
			tc.meets(g.Server)
			g.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "not a reference"}})
			results := make(chan pipeline.Result, 1)
			s := g.open(t, counted(results))
			if got := <-results; got != tc.want {
				t.Errorf("result %s, want %s", got, tc.want)
			}
			s.stop()
			if n := len(s.Requests(report)); n != 2 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

// SIGTERM comes in the minute's pause before a report is sent again. It is sent at once
// then, and, if need be, again and again after short pauses: a process that is killed
// in its pause leaves the job hanging, though CodePipeline may be well.
func TestStopIsNotSleptOver(t *testing.T) {
	t.Parallel() // seconds of pauses
	for name, times := range map[string]int{"well again": 1, "well again in a moment": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := found(t)
			g.Inject(awslocal.Fault{Operation: "codepipeline.PutJobFailureResult", Times: times, Code: "NotNow"})
			job := g.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "not a reference"}})
			pausing := make(chan struct{}, times)
			s := g.open(t, func(w *pipeline.Worker) {
				w.PollInterval = time.Hour
				w.Log = slog.New(told{"cannot report; trying again", pausing})
			})
			<-pausing
			stopped := make(chan struct{})
			go func() { s.stop(); close(stopped) }()
			select {
			case <-stopped:
			case <-time.After(20 * time.Second): // the pause is 48 s at least
				t.Fatal("slept over")
			}
			if state, _ := s.JobState(job); state.Status != "Failed" {
				t.Errorf("the job is %s", state.Status)
			}
		})
	}
}

// A worker that is to end does not try for ever.
func TestStopEndsThoughAWSTakesNoReport(t *testing.T) {
	t.Parallel() // seconds of pauses
	g := found(t)
	g.Inject(awslocal.Fault{Operation: "codepipeline.PutJobFailureResult", Code: "NotNow"})
	g.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "not a reference"}})
	pausing, results := make(chan struct{}, 10), make(chan pipeline.Result, 1)
	s := g.open(t, counted(results), func(w *pipeline.Worker) {
		w.PollInterval, w.StopWithin = time.Hour, 2500*time.Millisecond
		w.Log = slog.New(told{"cannot report; trying again", pausing})
	})
	<-pausing
	s.stop()
	if got := <-results; got != pipeline.Unreported {
		t.Errorf("result %s", got)
	}
	// One attempt before, one at once, and the others with a second's pause, jittered.
	if n := s.Calls()["codepipeline.PutJobFailureResult"]; n < 1+1+1 || n > 1+1+4 {
		t.Errorf("sent %d times", n)
	}
}

// told is a log that tells each time a message comes.
type told struct {
	message string
	came    chan<- struct{}
}

func (told) Enabled(context.Context, slog.Level) bool { return true }
func (h told) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h told) WithGroup(string) slog.Handler          { return h }

func (h told) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.came <- struct{}{}
	}
	return nil
}
