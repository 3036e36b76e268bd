package crash_test

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/process"
)

// gracePeriod is what Kubernetes gives a pod, unless it is told otherwise.
const gracePeriod = 30 * time.Second

// A worker and webhook that is told to stop, with reviews and jobs in hand and more
// reviews on their way, drops none of them; what replaces it finishes the jobs.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	p := s.ready(process.Options{Config: both})
	const jobs, reviews = 3, 20
	release, held := s.holdFindings()
	for range jobs {
		s.AddJob(s.job(deniedImage))
	}
	var waiting sync.WaitGroup
	for range reviews {
		waiting.Go(func() {
			if a, err := p.Review(t.Context(), s.uri(cleanImage)); err != nil || !a.Allowed {
				t.Errorf("a review in hand at the end: %+v, %v", a, err)
			}
		})
	}
	apiserver := newCaller(p)
	steady := push(t, 4, apiserver.asking("docker.io/library/nginx:1"), wantAllowed)
	await(t, "jobs and reviews in hand", func() bool {
		m, err := p.Metrics(t.Context())
		return err == nil && m.Sum("controller_runtime_webhook_requests_in_flight") >= reviews && s.Calls()[acknowledge] == jobs
	})
	steady.more(t, 50)

	apiserver.stopped.Store(true)
	began := time.Now()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await(t, "jobs handed back, though nobody answers", func() bool { return s.Calls()[succeed] == jobs })
	note("jobs handed back after SIGTERM, with AWS hanging", time.Since(began))
	release()
	if held() == 0 {
		t.Error("nothing was held: the reviews were not in hand")
	}
	waiting.Wait()
	s.wantExit(p)
	note("SIGTERM to exit, under load", time.Since(began))
	steady.wantRight(t)

	s.start(worker)
	for _, j := range s.Jobs() {
		if got := s.ended(j.ID); got.Result.FailureType != "JobFailed" {
			t.Errorf("after the restart: %+v", got)
		}
	}
	s.wantRight()
}

// holdFindings has all questions for findings wait until they are released.
func (s *site) holdFindings() (release func(), held func() int) {
	gate := make(chan struct{})
	var mu sync.Mutex
	n := 0
	s.Before(findings, func(awslocal.Request) bool {
		mu.Lock()
		n++
		mu.Unlock()
		<-gate
		return true
	})
	release = sync.OnceFunc(func() { close(gate) })
	s.t.Cleanup(release)
	return release, func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}
