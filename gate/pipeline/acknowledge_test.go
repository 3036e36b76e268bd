package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/codepipeline"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// A job that was polled is not given up because CodePipeline is in trouble for a
// moment: it may never be handed out again.
func TestAcknowledgesThroughTrouble(t *testing.T) {
	s := open(t)
	uri, _ := s.push("shop/web", scanned())
	s.Inject(awslocal.Fault{Operation: "codepipeline.AcknowledgeJob", Times: 4, Status: http.StatusInternalServerError, Code: "InternalFailure"})
	if got := s.release(properties("Image", uri)); got.Status != awslocal.Succeeded {
		t.Errorf("%+v", got)
	}
}

// The answer to an acknowledgement is lost on its way: the job is ours, and the next
// attempt hears that its nonce is used up.
func TestAcknowledgementWithoutAnswer(t *testing.T) {
	for name, lost := range map[string]awslocal.Fault{
		"cut short": {Truncate: 1},
		"none":      {Truncate: -1},
		"garbage":   {Garbage: []byte("<html>")},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			uri, _ := s.push("shop/web", scanned())
			lost.Operation, lost.Times = "codepipeline.AcknowledgeJob", 1
			s.Inject(lost)
			if got := s.release(properties("Image", uri)); got.Status != awslocal.Succeeded {
				t.Errorf("%+v", got)
			}
		})
	}
}

// The last attempt may be the one whose answer is lost: the job is ours all the same.
func TestLastAcknowledgementWithoutAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		throttled int
		stopped   bool // in the pause after the first attempt
	}{
		"the fifth":               {4, false},
		"the one after a SIGTERM": {1, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := found(t)
			g.Inject(awslocal.Fault{Operation: "codepipeline.AcknowledgeJob", Times: tc.throttled, Code: "ThrottlingException"})
			g.Inject(awslocal.Fault{Operation: "codepipeline.AcknowledgeJob", Times: 1, Truncate: 1})
			job := g.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "not a reference"}})
			pausing, results := make(chan struct{}, 10), make(chan pipeline.Result, 1)
			s := g.open(t, counted(results), func(w *pipeline.Worker) {
				w.Log = slog.New(told{"cannot acknowledge the job; trying again", pausing})
				if tc.stopped {
					w.PollInterval = time.Hour
				}
			})
			if tc.stopped {
				<-pausing
				s.stop()
			}
			if got := <-results; got != pipeline.Failed {
				t.Errorf("result %s", got)
			}
			if state, _ := s.JobState(job); state.Status != "Failed" || s.Calls()["codepipeline.AcknowledgeJob"] != tc.throttled+1 {
				t.Errorf("the job is %s, calls %v", state.Status, s.Calls())
			}
		})
	}
}

// A throttled acknowledgement took no effect: if its nonce is used up afterwards,
// another worker used it.
func TestAcknowledgedByAnotherAfterThrottling(t *testing.T) {
	results := make(chan pipeline.Result, 1)
	s := open(t, judgedBy(func(context.Context, gate.Request) gate.Verdict {
		t.Error("judged a job that is not ours")
		return gate.Verdict{}
	}), counted(results))
	s.Inject(awslocal.Fault{Operation: "codepipeline.AcknowledgeJob", Times: 1, Code: "ThrottlingException"})
	s.Inject(awslocal.Fault{Operation: "codepipeline.AcknowledgeJob", Code: "InvalidNonceException"})
	s.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "x/y:1"}})
	if got := <-results; got != pipeline.NotOurs {
		t.Errorf("result %s", got)
	}
}

// A worker that is to end while AWS is in trouble asks once more: another worker may
// never get the job.
func TestAcknowledgesAtTheEnd(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	if _, err := codepipeline.NewFromConfig(aws.AWSConfig()).CreateCustomActionType(t.Context(), pipeline.ActionType{}.Definition()); err != nil {
		t.Fatal(err)
	}
	aws.Before("codepipeline.AcknowledgeJob", func(awslocal.Request) bool { stop(); return true })
	aws.Inject(awslocal.Fault{Operation: "codepipeline.AcknowledgeJob", Times: 1, Status: http.StatusInternalServerError, Code: "InternalFailure"})
	job := aws.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "x/y:1"}})
	worker := pipeline.Worker{Config: aws.AWSConfig(), Gate: checker(nil), RegistryHost: ecr.RegistryHost}
	if err := worker.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if state, _ := aws.JobState(job); state.Status == awslocal.InProgress || aws.Calls()["codepipeline.AcknowledgeJob"] != 2 {
		t.Errorf("the job is %s, calls %v", state.Status, aws.Calls())
	}
}

// The log says whose job was taken, before it is judged: it is all that is left of it
// if the process is killed.
func TestLogSaysWhoseJobItIs(t *testing.T) {
	var log bytes.Buffer
	s := open(t, func(w *pipeline.Worker) { w.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	uri, _ := s.push("shop/web", scanned())
	s.release(properties("Image", uri))
	s.stop()
	for line := range strings.Lines(log.String()) {
		var said struct {
			Msg string
			Of  struct{ Pipeline, Execution, Stage, Action string }
		}
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Fatal(err)
		}
		if said.Msg == "the job is ours" {
			if said.Of.Pipeline != "p" || said.Of.Execution == "" || said.Of.Stage != "Scan" || said.Of.Action == "" {
				t.Errorf("%s", line)
			}
			return
		}
	}
	t.Errorf("no such line:\n%s", log.String())
}

// A job that came to no verdict says in the log why, with what AWS itself said: the
// report does not have it.
func TestLogSaysWhyAJobCouldNotBeChecked(t *testing.T) {
	for name, tc := range map[string]struct {
		job  awslocal.Job
		says string
	}{
		"S3": {awslocal.Job{
			Configuration:  map[string]string{"MaxWait": "0"},
			InputArtifacts: []awslocal.Artifact{{Name: "Build", Files: map[string][]byte{"imageDetail.json": []byte("{}")}}},
		}, "HeadObject, https response error StatusCode: 418"},
		"a property": {awslocal.Job{Configuration: map[string]string{"Imgae": "x/y:1"}}, "did you mean Image?"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			results := make(chan pipeline.Result, 1)
			s := open(t, counted(results), func(w *pipeline.Worker) { w.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
			s.Inject(awslocal.Fault{Operation: "s3.HeadObject", Status: http.StatusTeapot, Code: "Strange"})
			id := s.AddJob(tc.job)
			<-results
			s.stop()
			var lines []string
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, `"msg":"could not check"`) {
					lines = append(lines, line)
				}
			}
			if len(lines) != 1 {
				t.Fatalf("%d lines, want one:\n%s", len(lines), log.String())
			}
			for _, want := range []string{`"level":"WARN"`, `"job":"` + id + `"`, tc.says} {
				if !strings.Contains(lines[0], want) {
					t.Errorf("does not say %s: %s", want, lines[0])
				}
			}
		})
	}
}

// An answer is lost, and then AWS fails for longer than it is asked: the job may be
// acknowledged, so it is judged and reported.
func TestOutageAfterALostAcknowledgement(t *testing.T) {
	s := open(t)
	uri, _ := s.push("shop/web", scanned())
	s.Inject(awslocal.Fault{Operation: "codepipeline.AcknowledgeJob", Times: 1, Truncate: 1})
	s.Inject(awslocal.Fault{Operation: "codepipeline.AcknowledgeJob", Status: http.StatusInternalServerError, Code: "InternalFailure"})
	if got := s.release(properties("Image", uri)); got.Status != awslocal.Succeeded {
		t.Errorf("%+v", got)
	}
}
