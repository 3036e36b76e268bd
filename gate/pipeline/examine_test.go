package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate/doctor"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// office is a CodePipeline to be examined, with one job waiting to be polled.
type office struct {
	*awslocal.Server
	t *testing.T
	pipeline.Examination
}

func newOffice(t *testing.T) *office {
	t.Helper()
	server := awslocal.New(awslocal.Options{})
	if _, err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return &office{server, t, pipeline.Examination{
		Config: server.AWSConfig(),
		Caller: doctor.Caller{ARN: "arn:aws:sts::111122223333:assumed-role/ecr-gate/pod", Account: "111122223333"},
	}}
}

// register registers our action type, changed if asked.
func (o *office) register(changes ...func(*codepipeline.CreateCustomActionTypeInput)) {
	o.t.Helper()
	definition := pipeline.ActionType{}.Definition()
	for _, change := range changes {
		change(definition)
	}
	if _, err := codepipeline.NewFromConfig(o.Config).CreateCustomActionType(o.t.Context(), definition); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) refuse(name string) {
	o.Deny("codepipeline."+name, "User: x is not authorized to perform: codepipeline:"+name)
}

// A worker's surroundings in good order, a job waiting: it is still there afterwards.
func TestExaminationTakesNoJob(t *testing.T) {
	o := newOffice(t)
	o.register()
	id := o.StartPipeline(awslocal.Pipeline{Name: "p", Stages: []awslocal.Stage{{Name: "Scan", Action: awslocal.Action{Provider: "EcrGate"}}}})
	var checks []string
	for _, r := range o.Run(t.Context()) {
		checks = append(checks, r.State.String()+" "+r.Check)
	}
	want := []string{
		"ok codepipeline:ListActionTypes", "ok action type Test/Custom/EcrGate/1",
		"warning codepipeline:PollForJobs", // which cannot be told without taking a job
		"ok codepipeline:AcknowledgeJob", "ok codepipeline:PutJobSuccessResult", "ok codepipeline:PutJobFailureResult",
	}
	if diff := cmp.Diff(want, checks); diff != "" {
		t.Error(diff)
	}
	out, err := codepipeline.NewFromConfig(o.Config).PollForJobs(t.Context(), &codepipeline.PollForJobsInput{
		ActionTypeId: &types.ActionTypeId{Category: "Test", Owner: "Custom", Provider: aws.String("EcrGate"), Version: aws.String("1")},
	})
	if err != nil || len(out.Jobs) != 1 {
		t.Errorf("the job is gone: %v, %+v", err, o.Execution(id))
	}
	for _, r := range o.Requests("codepipeline.PollForJobs") {
		if size, set := r.Body["maxBatchSize"]; set && size != 0.0 {
			t.Errorf("jobs were asked for: %v", r.Body)
		}
	}
}

// Each fault is named with its mend.
func TestExaminationOfFaults(t *testing.T) {
	const unscoped = `add to the permissions of arn:aws:iam::111122223333:role/ecr-gate:` + "\n" + `{"Effect":"Allow","Action":"codepipeline:ACTION","Resource":"*"}`
	for name, c := range map[string]struct {
		harm        func(*office)
		check       string
		state       doctor.State
		words, mend string
	}{
		"not registered": {func(o *office) { o.ConfigFile = "gate.yaml" },
			"action type Test/Custom/EcrGate/1", doctor.Fault, "it is not registered in eu-west-1", "AWS_REGION=eu-west-1 ecr-gate action-type --register --config gate.yaml"},
		"another version is": {func(o *office) { o.register(); o.ActionType.Version = "2" },
			"action type Test/Custom/EcrGate/2", doctor.Fault, "no pipeline can use it; Test/Custom/EcrGate/1 is", "action-type --register"},
		"a property is missing": {func(o *office) {
			o.register(func(in *codepipeline.CreateCustomActionTypeInput) {
				in.ConfigurationProperties = in.ConfigurationProperties[1:]
			})
		}, "action type Test/Custom/EcrGate/1", doctor.Fault, "property Image is missing", "set pipeline.actionType.version to one that is not taken"},
		"a property is required": {func(o *office) {
			o.register(func(in *codepipeline.CreateCustomActionTypeInput) { in.ConfigurationProperties[0].Required = true })
		}, "action type Test/Custom/EcrGate/1", doctor.Fault, "property Image is defined otherwise", "version"},
		"a queryable property of somebody else's": {func(o *office) {
			o.register(func(in *codepipeline.CreateCustomActionTypeInput) {
				in.ConfigurationProperties[9] = types.ActionConfigurationProperty{Name: aws.String("Project"), Required: true, Queryable: true, Type: "String"}
			})
		}, "action type Test/Custom/EcrGate/1", doctor.Fault, "property Project is asked for, which this version does not know", "version"},
		"too few artifacts": {func(o *office) {
			o.register(func(in *codepipeline.CreateCustomActionTypeInput) { in.OutputArtifactDetails.MaximumCount = 0 })
		}, "action type Test/Custom/EcrGate/1", doctor.Fault, "output artifacts are not 0 to 1", "version"},
		"types cannot be listed": {func(o *office) { o.refuse("ListActionTypes") },
			"codepipeline:ListActionTypes", doctor.Warning, "the worker does without", strings.Replace(unscoped, "ACTION", "ListActionTypes", 1)},
		"polls are refused": {func(o *office) { o.refuse("PollForJobs") },
			"codepipeline:PollForJobs", doctor.Fault, "AWS refuses codepipeline:PollForJobs", `"Resource":"arn:aws:codepipeline:eu-west-1:111122223333:actiontype:Custom/Test/EcrGate/1"`},
		"acknowledging is refused": {func(o *office) { o.refuse("AcknowledgeJob") },
			"codepipeline:AcknowledgeJob", doctor.Fault, "AWS refuses", strings.Replace(unscoped, "ACTION", "AcknowledgeJob", 1)},
		"success is refused": {func(o *office) { o.refuse("PutJobSuccessResult") },
			"codepipeline:PutJobSuccessResult", doctor.Fault, "AWS refuses", strings.Replace(unscoped, "ACTION", "PutJobSuccessResult", 1)},
		"failure is refused": {func(o *office) { o.refuse("PutJobFailureResult") },
			"codepipeline:PutJobFailureResult", doctor.Fault, "AWS refuses", strings.Replace(unscoped, "ACTION", "PutJobFailureResult", 1)},
		"an answer that says nothing": {func(o *office) {
			o.Config.RetryMaxAttempts = 1
			o.Inject(awslocal.Fault{Operation: "codepipeline.AcknowledgeJob", Code: "ValidationException", Message: "1 validation error"})
		}, "codepipeline:AcknowledgeJob", doctor.Unknown, "answered with ValidationException: 1 validation error", "try again"},
		"polls are throttled": {func(o *office) {
			o.Config.RetryMaxAttempts = 1
			o.Inject(awslocal.Fault{Operation: "codepipeline.PollForJobs", Code: "ThrottlingException", Message: "Rate exceeded"})
		}, "codepipeline:PollForJobs", doctor.Unknown, "answered with ThrottlingException", "try again"},
		"no answer": {func(o *office) {
			o.Timeout = 50 * time.Millisecond
			o.Inject(awslocal.Fault{Operation: "codepipeline.*", Hang: true})
		}, "codepipeline:ListActionTypes", doctor.Unknown, "gave no answer", "com.amazonaws.eu-west-1.codepipeline"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			c.harm(o)
			for _, r := range o.Run(t.Context()) {
				if r.Check != c.check {
					continue
				}
				if r.State != c.state || !strings.Contains(r.Found, c.words) || !strings.Contains(r.Mend, c.mend) {
					t.Errorf("%s\nfound: %s\nmend: %s", r.State, r.Found, r.Mend)
				}
				return
			}
			t.Error("nothing was said of it")
		})
	}
}

// Where nothing is answered it is asked once; without a Region not at all.
func TestExaminationStops(t *testing.T) {
	o := newOffice(t)
	o.Timeout = 50 * time.Millisecond
	o.Inject(awslocal.Fault{Operation: "codepipeline.*", Hang: true})
	if results := o.Run(t.Context()); len(results) != 1 {
		t.Errorf("%+v", results)
	}
	o.Config.Region = ""
	if results := o.Run(t.Context()); len(results) != 0 {
		t.Errorf("%+v", results)
	}
}
