package awslocal_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	cptypes "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// lambdaPipeline has a Lambda action that is told what to do.
func lambdaPipeline(do string) awslocal.Pipeline {
	return awslocal.Pipeline{Name: "shop", Stages: []awslocal.Stage{
		{Name: "Build", Action: awslocal.Action{Namespace: "Build", Variables: map[string]string{"Do": do}}},
		{Name: "Gate", Action: awslocal.Action{Category: "Invoke", Provider: "Lambda", Namespace: "Gate",
			Configuration: map[string]string{"FunctionName": "ecr-gate", "UserParameters": "#{Build.Do}"}}},
		{Name: "Deploy"},
	}}
}

func wait(t *testing.T, s *awslocal.Server, id string) awslocal.Execution {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	x, err := s.WaitExecution(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestLambdaActionSucceeds(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{})
	run(t, f)
	x := wait(t, s, s.StartPipeline(lambdaPipeline("succeed")))
	gate := x.Stage("Gate")
	if x.Status != awslocal.Succeeded || gate.OutputVariables["Verdict"] != "Allowed" || len(gate.Jobs) != 1 {
		t.Errorf("execution is %+v", x)
	}
	if n := s.Calls()["codepipeline.AcknowledgeJob"] + s.Calls()["codepipeline.PollForJobs"]; n != 0 {
		t.Errorf("%d calls of a worker", n)
	}
}

func TestLambdaActionFails(t *testing.T) {
	s := start(t, awslocal.Options{})
	run(t, addFunction(t, s, awslocal.FunctionOptions{}))
	x := wait(t, s, s.StartPipeline(lambdaPipeline("fail")))
	if gate := x.Stage("Gate"); x.Status != awslocal.Failed || gate.FailureType != "JobFailed" || gate.FailureMessage != "2 CRITICAL" {
		t.Errorf("execution is %+v", x)
	}
}

func TestLambdaActionContinues(t *testing.T) {
	const pause = 30 * time.Millisecond
	s := start(t, awslocal.Options{ContinuationPause: pause})
	f := addFunction(t, s, awslocal.FunctionOptions{})
	run(t, f)
	x := wait(t, s, s.StartPipeline(lambdaPipeline("continue")))
	gate := x.Stage("Gate")
	if x.Status != awslocal.Succeeded || len(gate.Jobs) != 2 || gate.Jobs[0] == gate.Jobs[1] {
		t.Fatalf("execution is %+v", x)
	}
	all := f.Invocations()
	first, second := decode[events.CodePipelineJobEvent](t, all[0].Payload), decode[events.CodePipelineJobEvent](t, all[1].Payload)
	if first.CodePipelineJob.ID != gate.Jobs[0] || second.CodePipelineJob.ID != gate.Jobs[1] {
		t.Errorf("jobs are %s and %s, want %v", first.CodePipelineJob.ID, second.CodePipelineJob.ID, gate.Jobs)
	}
	if second.CodePipelineJob.Data.ContinuationToken != "second look" {
		t.Errorf("token is %q", second.CodePipelineJob.Data.ContinuationToken)
	}
	if all[0].RequestID == all[1].RequestID || all[1].Attempt != 1 {
		t.Errorf("the second is %+v, want another request", all[1])
	}
	reported := s.Requests("codepipeline.PutJobSuccessResult")[0].Time
	if passed := all[1].Started.Sub(reported); passed < pause {
		t.Errorf("invoked again after %s, want %s at least", passed, pause)
	}
}

func TestFunctionNobodyMade(t *testing.T) {
	s := start(t, awslocal.Options{})
	addFunction(t, s, awslocal.FunctionOptions{Name: "other"})
	x := wait(t, s, s.StartPipeline(lambdaPipeline("succeed")))
	if gate := x.Stage("Gate"); gate.Status != awslocal.Failed || gate.FailureType != "ConfigurationError" || !strings.Contains(gate.FailureMessage, "ecr-gate") {
		t.Errorf("gate is %+v", gate)
	}
	if deploy := x.Stage("Deploy"); deploy.Status != awslocal.NotStarted {
		t.Errorf("deploy is %s", deploy.Status)
	}
}

// keys are an object's keys and those of the objects in it, by path.
func keys(t *testing.T, body []byte) []string {
	t.Helper()
	var found []string
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if list, ok := v.([]any); ok && len(list) > 0 {
			walk(path, list[0])
		}
		object, ok := v.(map[string]any)
		if !ok {
			found = append(found, path)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			walk(path+"/"+key, object[key])
		}
	}
	walk("", decode[any](t, body))
	return slices.Compact(found)
}

func TestEventOfALambdaAction(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{})
	bare := s.AddJob(awslocal.Job{Category: "Invoke", Provider: "Lambda", Configuration: map[string]string{"FunctionName": "ecr-gate"}})
	full := s.AddJob(awslocal.Job{Category: "Invoke", Provider: "Lambda", Account: otherAccount,
		Configuration:     map[string]string{"FunctionName": "ecr-gate", "UserParameters": "shop/api:v1"},
		ContinuationToken: "t", EncryptionKeyID: "arn:aws:kms:eu-west-1:111122223333:key/k",
		InputArtifacts:  []awslocal.Artifact{{Name: "In", Raw: []byte("PK")}},
		OutputArtifacts: []awslocal.Artifact{{Name: "Out"}},
	})
	run(t, f)
	all := awaitEnded(t, f, 2)
	job := "/CodePipeline.job/"
	want := []string{job + "accountId", job + "data/actionConfiguration/configuration/FunctionName",
		job + "data/artifactCredentials/accessKeyId", job + "data/artifactCredentials/expirationTime",
		job + "data/artifactCredentials/secretAccessKey", job + "data/artifactCredentials/sessionToken",
		job + "data/inputArtifacts", job + "data/outputArtifacts", job + "id"}
	if diff := cmp.Diff(want, keys(t, all[0].Payload)); diff != "" {
		t.Error(diff)
	}
	got := decode[events.CodePipelineJobEvent](t, all[1].Payload).CodePipelineJob
	in, out := got.Data.InputArtifacts[0], got.Data.OutPutArtifacts[0]
	if got.ID != full || got.AccountID != otherAccount || in.Name != "In" || in.Location.LocationType != "S3" || in.Revision != nil || out.Name != "Out" {
		t.Errorf("job is %+v", got)
	}
	extra := decode[struct {
		Job struct {
			Data struct {
				Credentials struct {
					Expires int64 `json:"expirationTime"`
				} `json:"artifactCredentials"`
				EncryptionKey struct{ ID, Type string }
			}
		} `json:"CodePipeline.job"`
	}](t, all[1].Payload).Job.Data
	if left := time.Until(time.UnixMilli(extra.Credentials.Expires)); left < time.Minute || extra.EncryptionKey.Type != "KMS" {
		t.Errorf("credentials last %s, key is %+v", left, extra.EncryptionKey)
	}
	for _, id := range []string{bare, full} {
		if state, _ := s.JobState(id); state.Status != awslocal.Succeeded {
			t.Errorf("job is %+v", state)
		}
	}
}

func TestArtifactsOfALambdaAction(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{})
	s.AddJob(awslocal.Job{Category: "Invoke", Provider: "Lambda", Configuration: map[string]string{"FunctionName": "ecr-gate"},
		InputArtifacts: []awslocal.Artifact{{Raw: []byte("PK input")}}})
	s.AddJob(awslocal.Job{Category: "Invoke", Provider: "Lambda", Configuration: map[string]string{"FunctionName": "ecr-gate"}})
	run(t, f)
	all := awaitEnded(t, f, 2)
	var jobs []cptypes.Job // the event's names are those of the API
	for _, a := range all {
		body := decode[struct {
			Job json.RawMessage `json:"CodePipeline.job"`
		}](t, a.Payload)
		jobs = append(jobs, decode[cptypes.Job](t, body.Job))
	}
	input := jobs[0].Data.InputArtifacts[0]
	if body, err := get(t, asJob(s, jobs[0]), input); err != nil || string(body) != "PK input" {
		t.Errorf("read %q, %v", body, err)
	}
	_, err := get(t, asJob(s, jobs[1]), input)
	wantCode(t, err, "AccessDenied")
}

func TestLambdaJobIsNoWorkersJob(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{})
	client := pipelineClient(s)
	in := gateTypeInput()
	in.Category, in.Provider = "Invoke", aws.String("Lambda")
	if _, err := client.CreateCustomActionType(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	id := s.AddJob(awslocal.Job{Category: "Invoke", Provider: "Lambda", Configuration: map[string]string{"FunctionName": "ecr-gate", "UserParameters": "fail"}})
	out, err := client.PollForJobs(t.Context(), &codepipeline.PollForJobsInput{
		ActionTypeId: &cptypes.ActionTypeId{Category: "Invoke", Owner: "Custom", Provider: in.Provider, Version: in.Version},
	})
	if err != nil || len(out.Jobs) != 0 {
		t.Errorf("polled %+v, %v", out, err)
	}
	_, err = client.GetJobDetails(t.Context(), &codepipeline.GetJobDetailsInput{JobId: &id})
	wantError[*cptypes.JobNotFoundException](t, err)
	_, err = acknowledge(t, s, &id, aws.String("nonce"))
	wantError[*cptypes.InvalidNonceException](t, err)
	run(t, f)
	awaitEnded(t, f, 1)
	wantError[*cptypes.InvalidJobStateException](t, fail(t, s, &id, "again"))
}

func TestStoppedJobIsNotInvokedAgain(t *testing.T) {
	s := start(t, awslocal.Options{ContinuationPause: 100 * time.Millisecond})
	f := addFunction(t, s, awslocal.FunctionOptions{})
	run(t, f)
	stopped := ""
	s.OnChange(func(x awslocal.Execution) {
		if stopped == "" && len(x.Stage("Gate").Jobs) == 2 {
			stopped = x.ID
			s.StopExecution(x.ID)
		}
	})
	if x := wait(t, s, s.StartPipeline(lambdaPipeline("continue"))); x.Status != awslocal.Stopped {
		t.Fatalf("execution is %+v", x)
	}
	later := wait(t, s, s.StartPipeline(lambdaPipeline("continue")))
	if n := len(f.Invocations()); later.Status != awslocal.Succeeded || n != 3 {
		t.Errorf("%d invocations, want 1 of the stopped and 2 of the later pipeline", n)
	}
}

func TestJobForAFunctionNobodyMade(t *testing.T) {
	s := start(t, awslocal.Options{})
	id := s.AddJob(awslocal.Job{Category: "Invoke", Provider: "Lambda"})
	if state, _ := s.JobState(id); state.Status != awslocal.Failed || state.Result.FailureType != "ConfigurationError" {
		t.Errorf("job is %+v", state)
	}
}
