package pipeline_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
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

// A job's artifacts are read as the job says, and never as ourselves: whoever makes a
// job could otherwise have us read what only we may.
func TestArtifactsAreNeverReadAsOurselves(t *testing.T) {
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	f := pipeline.Function{
		Config: aws.AWSConfig(), RegistryHost: ecr.RegistryHost,
		Gate: func(context.Context) (pipeline.Checker, time.Duration, error) { return checker(nil), time.Minute, nil },
	}
	event := `{"CodePipeline.job":{"id":"11111111-abcd-1111-abcd-111111abcdef","accountId":"111122223333","data":{
		"inputArtifacts":[{"name":"in","location":{"s3Location":{"bucketName":"private","objectKey":"k"}}}]}}}`
	if err := f.Handle(t.Context(), []byte(event)); err != nil {
		t.Error(err)
	}
	asked := aws.Requests("s3.HeadObject")
	if len(asked) == 0 {
		t.Error("the artifact was not looked at")
	}
	for _, r := range asked {
		if r.AccessKey != "" {
			t.Errorf("read with the key %s", r.AccessKey)
		}
	}
}

// A job that waits is looked at twice in one call, if the time suffices for that: a look
// that is cut short says less than the one before it, and must not take its place.
func TestSecondLookOfAFunction(t *testing.T) {
	const never = time.Hour
	for name, tc := range map[string]struct {
		takes []time.Duration // each look; the function has 45 s for all of them
		says  string          // the report
	}{
		"quick":                     {[]time.Duration{time.Second, time.Second}, "look 2"},
		"slow, but not too slow":    {[]time.Duration{10 * time.Second, 10 * time.Second}, "look 2"},
		"there is no time for two":  {[]time.Duration{20 * time.Second}, "look 1"},
		"the second gets no answer": {[]time.Duration{time.Second, never}, "look 1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := awslocal.New(awslocal.Options{})
				t.Cleanup(cloud.Close)
				config := cloud.AWSConfig()
				config.HTTPClient = &http.Client{Transport: inProcess{cloud}}
				looks := 0
				slow := checker(func(ctx context.Context, r gate.Request) gate.Verdict {
					takes := never
					if looks < len(tc.takes) {
						takes = tc.takes[looks]
					}
					looks++
					trouble := &gate.Trouble{Cause: gate.NotFinished, Passing: true, Text: fmt.Sprintf("look %d", looks)}
					select {
					case <-time.After(takes):
					case <-ctx.Done():
						trouble = &gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "no answer in time"}
					}
					return gate.Unjudged("p", gate.Image{Written: r.Image}, trouble)
				})
				f := pipeline.Function{
					Config: config, RegistryHost: ecr.RegistryHost,
					Gate: func(context.Context) (pipeline.Checker, time.Duration, error) { return slow, time.Hour, nil },
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				event := `{"CodePipeline.job":{"id":"11111111-abcd-1111-abcd-111111abcdef","accountId":"111122223333","data":{
					"actionConfiguration":{"configuration":{"UserParameters":"x/y:1"}}}}}`
				if err := f.Handle(ctx, []byte(event)); err != nil {
					t.Error(err)
				}
				reports := cloud.Requests("codepipeline.PutJobSuccessResult")
				if len(reports) != 1 || !strings.Contains(string(reports[0].Raw), tc.says) || !strings.Contains(string(reports[0].Raw), "continuationToken") {
					t.Errorf("reported %s, want %q", reports, tc.says)
				}
				if looks != len(tc.takes) {
					t.Errorf("%d looks", looks)
				}
			})
		})
	}
}

// inProcess is the way to a server without a network, which a test whose clock stands
// still could not wait for.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.Host = r.URL.RequestURI(), r.URL.Host
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, in)
	return answer.Result(), nil
}

// A function that was put together by half refuses.
func TestFunctionWithoutAGate(t *testing.T) {
	if err := (pipeline.Function{}).Handle(t.Context(), []byte("{}")); err == nil || !strings.Contains(err.Error(), "function without a gate") {
		t.Errorf("got %v", err)
	}
}
