package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// A panic over the configuration is reported like any other fault: a job is never
// left hanging.
func TestFunctionReportsAPanicOverItsConfiguration(t *testing.T) {
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	f := pipeline.Function{
		Config: aws.AWSConfig(), RegistryHost: ecr.RegistryHost,
		Gate: func(context.Context) (pipeline.Checker, time.Duration, error) { panic("a file that nobody thought of") },
	}
	event := `{"CodePipeline.job":{"id":"11111111-abcd-1111-abcd-111111abcdef","accountId":"111122223333","data":{}}}`
	if err := f.Handle(t.Context(), []byte(event)); err != nil {
		t.Error(err) // the job is unknown here, so it counts as settled
	}
	reports := aws.Requests("codepipeline.PutJobFailureResult")
	if len(reports) != 1 || !strings.Contains(string(reports[0].Raw), "could not check: ecr-gate itself failed over its configuration; report the fault") ||
		!strings.Contains(string(reports[0].Raw), "SystemUnavailable") {
		t.Errorf("%+v", reports)
	}
}

// A function that was put together by half refuses.
func TestFunctionWithoutAGate(t *testing.T) {
	if err := (pipeline.Function{}).Handle(t.Context(), []byte("{}")); err == nil || !strings.Contains(err.Error(), "function without a gate") {
		t.Errorf("got %v", err)
	}
}
