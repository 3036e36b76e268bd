package awslocal_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/codepipeline"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// acknowledging starts a server with one job that was polled.
func acknowledging(t *testing.T) (s *awslocal.Server, id string, acknowledge func() error) {
	t.Helper()
	s = start(t, awslocal.Options{})
	register(t, s)
	id = s.AddJob(awslocal.Job{})
	j := poll(t, s)[0]
	client := codepipeline.NewFromConfig(s.AWSConfig(), func(o *codepipeline.Options) { o.RetryMaxAttempts = 1 })
	return s, id, func() error {
		_, err := client.AcknowledgeJob(t.Context(), &codepipeline.AcknowledgeJobInput{JobId: j.Id, Nonce: j.Nonce})
		return err
	}
}

const acknowledgement = "codepipeline.AcknowledgeJob"

// What is cut off before never happened; what is cut off after did, and the client
// does not know. Other operations, and later requests, are as ever.
func TestHookCutsOff(t *testing.T) {
	for name, c := range map[string]struct {
		after  bool
		status string // of the job then
		calls  int
	}{
		"before": {false, "Dispatched", 0},
		"after":  {true, awslocal.InProgress, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, id, acknowledge := acknowledging(t)
			install := s.Before
			if c.after {
				install = s.After
			}
			seen := make(chan awslocal.Request, 10)
			remove := install("codepipeline.Ack*", func(r awslocal.Request) bool {
				seen <- r
				return false
			})
			if err := acknowledge(); err == nil {
				t.Error("the request was answered")
			}
			poll(t, s)
			remove()
			if got, _ := s.JobState(id); got.Status != c.status || s.Calls()[acknowledgement] != c.calls {
				t.Errorf("the job is %s after %d calls, want %s after %d", got.Status, s.Calls()[acknowledgement], c.status, c.calls)
			}
			select {
			case r := <-seen:
				if r.Operation != acknowledgement || len(seen) != 0 {
					t.Errorf("the hook has seen %+v and %d more", r, len(seen))
				}
			default:
				t.Error("the hook has seen nothing")
			}
			if err := acknowledge(); c.after == (err == nil) {
				t.Errorf("then: %v", err)
			}
		})
	}
}

// A request waits for the functions, and is answered as ever if they let it.
func TestHookHoldsRequests(t *testing.T) {
	s, id, acknowledge := acknowledging(t)
	reached, goOn := make(chan string), make(chan struct{})
	wait := func(where string) func(awslocal.Request) bool {
		return func(awslocal.Request) bool { reached <- where; <-goOn; return true }
	}
	s.Before(acknowledgement, wait("before"))
	s.After(acknowledgement, wait("after"))
	done := make(chan error, 1)
	go func() { done <- acknowledge() }()
	for _, step := range []struct{ where, status string }{{"before", "Dispatched"}, {"after", awslocal.InProgress}} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		select {
		case at := <-reached:
			if got, _ := s.JobState(id); at != step.where || got.Status != step.status {
				t.Errorf("%s: the job is %s; want it %s %s", at, got.Status, step.status, step.where)
			}
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
		cancel()
		goOn <- struct{}{}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
