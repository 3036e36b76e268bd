package awslocal_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	cptypes "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

func shopPipeline() awslocal.Pipeline {
	return awslocal.Pipeline{Name: "shop", Stages: []awslocal.Stage{
		{Name: "Build", Action: awslocal.Action{Namespace: "Build", Variables: map[string]string{"ImageURI": "shop/api:v1"}}},
		{Name: "Gate", Action: awslocal.Action{Name: "Scan", Provider: "EcrGate", Namespace: "Gate",
			Configuration: map[string]string{"Image": "#{Build.ImageURI}", "Run": "#{codepipeline.PipelineExecutionId}"}}},
		{Name: "Deploy"},
	}}
}

func TestPipelineSucceeds(t *testing.T) {
	s := start(t, awslocal.Options{})
	register(t, s)
	var mu sync.Mutex
	var told []string
	s.OnChange(func(x awslocal.Execution) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, x.Status+" "+x.Stage("Gate").Status)
	})
	id := s.StartPipeline(shopPipeline())
	j := take(t, s)
	if diff := cmp.Diff(map[string]string{"Image": "shop/api:v1", "Run": id}, j.Data.ActionConfiguration.Configuration); diff != "" {
		t.Error(diff)
	}
	c := j.Data.PipelineContext
	if *c.PipelineName != "shop" || *c.Stage.Name != "Gate" || *c.Action.Name != "Scan" || *c.PipelineExecutionId != id {
		t.Errorf("context is %s, %s, %s, %s", *c.PipelineName, *c.Stage.Name, *c.Action.Name, *c.PipelineExecutionId)
	}
	err := succeed(t, s, &codepipeline.PutJobSuccessResultInput{
		JobId:            j.Id,
		ExecutionDetails: &cptypes.ExecutionDetails{Summary: aws.String("allowed"), PercentComplete: aws.Int32(100)},
		OutputVariables:  map[string]string{"Verdict": "Allowed"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.WaitExecution(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	want := awslocal.Execution{ID: id, Pipeline: "shop", Status: awslocal.Succeeded, Stages: []awslocal.StageExecution{
		{Name: "Build", Action: "Build", Status: awslocal.Succeeded},
		{Name: "Gate", Action: "Scan", Status: awslocal.Succeeded, Summary: "allowed", PercentComplete: 100,
			OutputVariables: map[string]string{"Verdict": "Allowed"}, Jobs: []string{*j.Id}},
		{Name: "Deploy", Action: "Deploy", Status: awslocal.Succeeded},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	mu.Lock()
	defer mu.Unlock()
	changes := []string{"InProgress NotStarted", "InProgress NotStarted", "InProgress InProgress",
		"InProgress Succeeded", "InProgress Succeeded", "Succeeded Succeeded"}
	if diff := cmp.Diff(changes, told); diff != "" {
		t.Error(diff)
	}
}

func TestPipelineFailsBeforeTheNextStage(t *testing.T) {
	s := start(t, awslocal.Options{})
	register(t, s)
	id := s.StartPipeline(shopPipeline())
	if err := fail(t, s, take(t, s).Id, "2 CRITICAL"); err != nil {
		t.Fatal(err)
	}
	got, err := s.WaitExecution(t.Context(), id)
	if err != nil || got.Status != awslocal.Failed {
		t.Fatalf("got %+v, %v", got, err)
	}
	if gate := got.Stage("Gate"); gate.FailureType != "JobFailed" || gate.FailureMessage != "2 CRITICAL" {
		t.Errorf("gate is %+v", gate)
	}
	if deploy := got.Stage("Deploy"); deploy.Status != awslocal.NotStarted {
		t.Errorf("deploy is %s", deploy.Status)
	}
}

func TestContinuationStaysInItsStage(t *testing.T) {
	s := start(t, awslocal.Options{})
	register(t, s)
	id := s.StartPipeline(shopPipeline())
	first := take(t, s)
	err := succeed(t, s, &codepipeline.PutJobSuccessResultInput{
		JobId: first.Id, ContinuationToken: aws.String("t"),
		ExecutionDetails: &cptypes.ExecutionDetails{Summary: aws.String("waiting"), ExternalExecutionId: aws.String("x1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	gate := s.Execution(id).Stage("Gate")
	if gate.Status != awslocal.InProgress || gate.Summary != "waiting" || gate.ExternalExecutionID != "x1" || len(gate.Jobs) != 2 {
		t.Errorf("gate is %+v", gate)
	}
	next := take(t, s)
	if a, b := first.Data.PipelineContext.Action.ActionExecutionId, next.Data.PipelineContext.Action.ActionExecutionId; *a != *b {
		t.Errorf("action execution changed from %s to %s", *a, *b)
	}
	if err := succeed(t, s, &codepipeline.PutJobSuccessResultInput{JobId: next.Id}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.WaitExecution(t.Context(), id); err != nil || got.Status != awslocal.Succeeded {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestStopExecution(t *testing.T) {
	s := start(t, awslocal.Options{})
	register(t, s)
	id := s.StartPipeline(shopPipeline())
	j := take(t, s)
	s.StopExecution(id)
	wantError[*cptypes.InvalidJobStateException](t, succeed(t, s, &codepipeline.PutJobSuccessResultInput{JobId: j.Id}))
	got, err := s.WaitExecution(t.Context(), id)
	if err != nil || got.Status != awslocal.Stopped || got.Stage("Gate").Status != awslocal.Stopped {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAcknowledgeAfterStop(t *testing.T) {
	s := start(t, awslocal.Options{})
	register(t, s)
	id := s.StartPipeline(shopPipeline())
	j := poll(t, s)[0]
	s.StopExecution(id)
	if status, err := acknowledge(t, s, j.Id, j.Nonce); err != nil || status != cptypes.JobStatusTimedOut {
		t.Errorf("got %s, %v; want TimedOut", status, err)
	}
}

func TestUnknownVariableFailsTheStage(t *testing.T) {
	s := start(t, awslocal.Options{})
	p := shopPipeline()
	p.Stages[0].Action.Variables = nil
	got, err := s.WaitExecution(t.Context(), s.StartPipeline(p))
	if err != nil || got.Stage("Gate").FailureType != "ConfigurationError" || len(s.Jobs()) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWaitExecutionEndsWithTheContext(t *testing.T) {
	s := start(t, awslocal.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.WaitExecution(ctx, s.StartPipeline(shopPipeline())); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if _, err := s.WaitExecution(t.Context(), "none"); err == nil {
		t.Error("waited for an execution that does not exist")
	}
}

func TestWatcherMayUseTheServer(t *testing.T) {
	s := start(t, awslocal.Options{})
	started := false
	s.OnChange(func(x awslocal.Execution) {
		s.Execution(x.ID)
		if !started {
			started = true
			s.StartPipeline(awslocal.Pipeline{Name: "second"})
		}
	})
	if _, err := s.WaitExecution(t.Context(), s.StartPipeline(awslocal.Pipeline{Name: "first"})); err != nil {
		t.Error(err)
	}
}
