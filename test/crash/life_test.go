package crash_test

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/process"
)

// The calls of worker and function, as awslocal names them.
const (
	poll        = "codepipeline.PollForJobs"
	acknowledge = "codepipeline.AcknowledgeJob"
	succeed     = "codepipeline.PutJobSuccessResult"
	fail        = "codepipeline.PutJobFailureResult"
	head        = "s3.HeadObject"
	get         = "s3.GetObject"
	put         = "s3.PutObject"
	manifest    = "ecr.BatchGetImage"
	findings    = "ecr.DescribeImageScanFindings"
	startScan   = "ecr.StartImageScan"
)

// life is a course that a job takes: every call made for it, in order.
type life struct {
	name  string
	image string
	calls []string
}

var lives = []life{
	{"handed back", slowImage, []string{poll, acknowledge, head, get, manifest, findings, startScan, succeed}},
	{"succeeds", cleanImage, []string{poll, acknowledge, head, get, manifest, findings, put, succeed}},
	overPolicy,
}

var overPolicy = life{"fails", deniedImage, []string{poll, acknowledge, head, get, manifest, findings, put, fail}}

// worker is the job worker alone, which needs no port.
var worker = process.Options{
	Config: heading + jobs + policy, Args: []string{"--metrics-bind-address", "0", "--health-probe-bind-address", "0"},
}

// A call that is made and not listed would never be tested.
func TestLives(t *testing.T) {
	for _, l := range lives {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			s := openSite(t)
			calls := s.callsUntilReported()
			id := s.AddJob(s.job(l.image))
			s.start(worker)
			await(t, "the first report", func() bool { j, _ := s.JobState(id); return over(j) })
			if got, want := fmt.Sprint(calls()), fmt.Sprint(l.calls); got != want {
				t.Errorf("the worker calls\n%s, want\n%s", got, want)
			}
		})
	}
}

// callsUntilReported collects the calls up to the first report.
func (s *site) callsUntilReported() (calls func() []string) {
	var mu sync.Mutex
	var list []string
	s.Before("*", func(r awslocal.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if n := len(list); n == 0 || list[n-1] != succeed && list[n-1] != fail {
			list = append(list, r.Operation)
		}
		return true
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}
}

// end is what became of a job whose worker was killed.
type end string

const (
	again     end = "the next poll gets the job"
	continued end = "the next poll gets its continuation"
	reported  end = "it is reported"
	hangs     end = "**it hangs**"
)

// around says where a process is killed: at a call, before it took effect or after.
type around struct {
	call  string
	after bool
}

// kill starts a process, kills it there, and returns when it is dead. The call gets
// no answer either way.
func (s *site) kill(where around, o process.Options) (at time.Time) {
	s.t.Helper()
	var victim *process.Process
	started, dead := make(chan struct{}), make(chan time.Time, 1)
	kill := sync.OnceFunc(func() {
		<-started
		_ = victim.Signal(syscall.SIGKILL) // Ended tells
		<-victim.Ended()
		dead <- time.Now()
	})
	install := s.Before
	if where.after {
		install = s.After
	}
	remove := install(where.call, func(awslocal.Request) bool { kill(); return false })
	defer remove()
	victim = s.start(o)
	close(started)
	select {
	case at = <-dead:
	case <-time.After(patience):
		s.t.Fatalf("%s is never called", where.call)
	}
	return at
}

// crash kills a worker in the middle of a job, starts another one, and tells what
// became of the job, and how long after the kill.
func crash(t *testing.T, l life, where around, deliveries int) (end, time.Duration) {
	t.Helper()
	s := openSite(t)
	spec := s.job(l.image)
	spec.Deliveries = deliveries
	id := s.AddJob(spec)
	killed := s.kill(where, worker)
	found := s.found(id, deliveries)
	s.start(worker)
	var took time.Duration
	if found == again || found == continued {
		s.ended(id)
		took = time.Since(killed)
	}
	// Then a person tries the stage again. Once the new job has ended, the worker has
	// polled and seen what there is of the old one.
	retried := s.AddJob(s.job(l.image))
	s.ended(retried)
	if left := s.last(id); found == hangs && over(left) {
		t.Errorf("the job has ended though no worker has it: %+v", left)
	}
	s.wantRight()
	return found, took
}

// found is what the next worker finds of a job.
func (s *site) found(id string, deliveries int) end {
	first, _ := s.JobState(id)
	switch now := s.last(id); {
	case over(now):
		return reported
	case first.Successor != "":
		return continued
	case now.Status == "Queued", now.Status == "Dispatched" && deliveries > 1:
		return again
	}
	return hangs
}
