package awslocal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	cptypes "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// order is an event that tells the function's process what to do.
type order struct {
	Do string `json:"do"`
	events.CodePipelineJobEvent
}

// echo is what the process knows of the event it was given.
type echo struct {
	RequestID, ARN string
	Deadline       int64 // in milliseconds
}

// handled counts the events of this process.
var handled int

// handleEvent runs in a process of its own.
func handleEvent(ctx context.Context, o order) (any, error) {
	handled++
	switch o.Do {
	case "fail":
		return nil, errors.New("no such image")
	case "fail once":
		if handled == 1 {
			return nil, errors.New("not yet")
		}
	case "panic":
		panic("at the disco")
	case "break off":
		return &brokenReader{strings.NewReader("half an ans")}, nil
	case "overrun":
		if os.Getenv("SWIFT") == "" {
			<-ctx.Done()
			<-time.After(50 * time.Millisecond) // until Lambda has noticed
		}
	case "":
		return nil, doJob(ctx, o.CodePipelineJob)
	}
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return echo{lc.AwsRequestID, lc.InvokedFunctionArn, deadline.UnixMilli()}, nil
}

// brokenReader is no JSON, so that it is sent as it is read.
type brokenReader struct{ begin io.Reader }

func (b *brokenReader) Read(p []byte) (int, error) {
	if n, err := b.begin.Read(p); err == nil {
		return n, nil
	}
	return 0, errors.New("the pipe broke")
}

// doJob reports as the UserParameters say; "continue" is continued once.
func doJob(ctx context.Context, j events.CodePipelineJob) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client := codepipeline.NewFromConfig(cfg)
	do := j.Data.ActionConfiguration.Configuration.UserParameters
	if do == "fail" {
		_, err = client.PutJobFailureResult(ctx, &codepipeline.PutJobFailureResultInput{
			JobId: &j.ID, FailureDetails: &cptypes.FailureDetails{Type: "JobFailed", Message: aws.String("2 CRITICAL")},
		})
		return err
	}
	in := &codepipeline.PutJobSuccessResultInput{JobId: &j.ID}
	if do == "continue" && j.Data.ContinuationToken == "" {
		in.ContinuationToken = aws.String("second look")
	} else {
		in.OutputVariables = map[string]string{"Verdict": "Allowed"}
	}
	_, err = client.PutJobSuccessResult(ctx, in)
	return err
}

func addFunction(t *testing.T, s *awslocal.Server, options awslocal.FunctionOptions) *awslocal.Function {
	t.Helper()
	f, err := s.AddFunction(options)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// run starts a process of the function, which is handleEvent, and returns a
// channel that is closed when it has ended.
func run(t *testing.T, f *awslocal.Function, environment ...string) (ended <-chan struct{}) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(program)
	none := t.TempDir() + "/none"
	process.Env = append(f.Environment(), "AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none)
	process.Env = append(process.Env, environment...)
	var said bytes.Buffer
	process.Stdout, process.Stderr = &said, &said
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = process.Wait(); close(done) }()
	t.Cleanup(func() {
		_ = process.Process.Kill()
		<-done
		if t.Failed() {
			t.Logf("the function's process said:\n%s", said.String())
		}
	})
	return done
}

func event(do string) []byte { return fmt.Appendf(nil, `{"do":%q}`, do) }

func invoke(t *testing.T, f *awslocal.Function, payload []byte) awslocal.Invocation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := f.Invoke(ctx, payload)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// await waits for what happens elsewhere.
func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick, end := time.NewTicker(2*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// awaitEnded waits until so many attempts have ended, and returns all.
func awaitEnded(t *testing.T, f *awslocal.Function, n int) []awslocal.Invocation {
	t.Helper()
	await(t, fmt.Sprintf("%d attempts that ended", n), func() bool {
		all := f.Invocations()
		return len(all) >= n && !all[n-1].Ended.IsZero()
	})
	return f.Invocations()
}

func awaitClosed(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("waited in vain: %s", what)
	}
}

func decode[T any](t *testing.T, body []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v
}
