package awslocal_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

func TestFunctionHandlesAnEvent(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{Name: "scan-gate"})
	select {
	case <-f.Started():
		t.Error("started without a process")
	default:
	}
	run(t, f)
	awaitClosed(t, "the process to ask for an event", f.Started())
	got := invoke(t, f, event("echo"))
	said := decode[echo](t, got.Response)
	want := echo{got.RequestID, "arn:aws:lambda:eu-west-1:111122223333:function:scan-gate", got.Started.Add(time.Minute).UnixMilli()}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
	if got.Attempt != 1 || got.ErrorType != "" || got.Ended.Before(got.Started) || string(got.Payload) != `{"do":"echo"}` {
		t.Errorf("invocation is %+v", got)
	}
	if next := invoke(t, f, event("echo")); next.RequestID == got.RequestID {
		t.Errorf("both requests are %s", got.RequestID)
	}
	if n := s.Calls()["lambda.Response"]; n != 2 {
		t.Errorf("%d answers in the journal, want 2", n)
	}
	if string(s.Requests("lambda.Response")[0].Raw) != string(got.Response) {
		t.Errorf("the journal has %s, want %s", s.Requests("lambda.Response")[0].Raw, got.Response)
	}
}

func TestFunctionErrors(t *testing.T) {
	tests := map[string]struct {
		errorType, message string
		ends               bool // the process
	}{
		"fail":      {"errorString", "no such image", false},
		"panic":     {"string", "at the disco", true},
		"break off": {"errorString", "the pipe broke", false},
	}
	for do, want := range tests {
		t.Run(do, func(t *testing.T) {
			s := start(t, awslocal.Options{})
			f := addFunction(t, s, awslocal.FunctionOptions{RetryPause: time.Millisecond})
			ended := run(t, f)
			got := invoke(t, f, event(do))
			if got.ErrorType != want.errorType || got.ErrorMessage != want.message {
				t.Errorf("error is %q: %q, want %q: %q", got.ErrorType, got.ErrorMessage, want.errorType, want.message)
			}
			if want.ends {
				awaitClosed(t, "the process to end", ended)
				run(t, f)
			}
			for range 5 { // time for a retry
				if again := invoke(t, f, event("echo")); again.ErrorType != "" || again.Attempt != 1 {
					t.Errorf("afterwards: %+v", again)
				}
			}
			if n := len(f.Invocations()); n != 6 {
				t.Errorf("%d attempts, want 6: nobody asked for a retry", n)
			}
		})
	}
}

func TestAsynchronousEventIsTriedThreeTimes(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{RetryPause: time.Millisecond})
	run(t, f)
	f.InvokeAsync(event("fail"))
	all := awaitEnded(t, f, 3)
	for i, a := range all {
		if a.RequestID != all[0].RequestID || a.Attempt != i+1 || a.ErrorType == "" || string(a.Payload) != `{"do":"fail"}` {
			t.Errorf("attempt %d is %+v", i+1, a)
		}
	}
	for range 5 { // time for a fourth
		invoke(t, f, event("echo"))
	}
	if got := f.Invocations(); len(got) != 8 || got[3].RequestID == all[0].RequestID {
		t.Errorf("%d attempts, want the 3 and 5 others", len(got))
	}
}

func TestRetryStopsAtAnAnswer(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{RetryPause: time.Millisecond})
	run(t, f)
	f.InvokeAsync(event("fail once"))
	all := awaitEnded(t, f, 2)
	for range 5 {
		invoke(t, f, event("echo"))
	}
	if all[0].ErrorMessage != "not yet" || all[1].ErrorType != "" || len(f.Invocations()) != 7 {
		t.Errorf("attempts are %+v", f.Invocations())
	}
}

func TestOverrunEventIsGivenToAnotherProcess(t *testing.T) {
	const overrun = 400 * time.Millisecond // enough for the process that is swift
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{Timeout: overrun, RetryPause: time.Millisecond})
	ended := run(t, f)
	f.InvokeAsync(event("overrun"))
	first := awaitEnded(t, f, 1)[0]
	if first.ErrorType != "Sandbox.Timedout" || first.ErrorMessage != "RequestId: "+first.RequestID+" Error: Task timed out after 0.40 seconds" {
		t.Errorf("error is %q: %q", first.ErrorType, first.ErrorMessage)
	}
	if took := first.Ended.Sub(first.Started); took < overrun {
		t.Errorf("over after %s", took)
	}
	awaitClosed(t, "the process to end, its late answer being refused", ended)
	run(t, f, "SWIFT=yes")
	if second := awaitEnded(t, f, 2)[1]; second.Attempt != 2 || second.ErrorType != "" || second.RequestID != first.RequestID {
		t.Errorf("second attempt is %+v", second)
	}
}

func TestInvokeEndsWithTheContext(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Invoke(ctx, event("fail")); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	run(t, f)
	invoke(t, f, event("echo"))
	if all := f.Invocations(); len(all) != 1 || string(all[0].Payload) != `{"do":"echo"}` {
		t.Errorf("attempts are %+v; the first event should have been taken back", all)
	}
}

func TestCloseReleasesTheFunction(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{Name: "idle"})
	ended := run(t, f)
	awaitClosed(t, "the process to ask for an event", f.Started())
	busy := addFunction(t, s, awslocal.FunctionOptions{Name: "busy"})
	failed := make(chan error)
	go func() {
		_, err := busy.Invoke(t.Context(), event("echo"))
		failed <- err
	}()
	s.Close()
	awaitClosed(t, "the process to end", ended)
	if err := <-failed; err == nil {
		t.Error("a closed server answered")
	}
	if _, err := s.AddFunction(awslocal.FunctionOptions{Name: "late"}); err == nil {
		t.Error("a closed server took a function")
	}
}

func TestFunctionNamesAreUnique(t *testing.T) {
	s := start(t, awslocal.Options{})
	addFunction(t, s, awslocal.FunctionOptions{})
	if _, err := s.AddFunction(awslocal.FunctionOptions{Name: "ecr-gate"}); err == nil {
		t.Error("two functions have the same name")
	}
}

func TestFunctionEnvironment(t *testing.T) {
	s := start(t, awslocal.Options{})
	got := addFunction(t, s, awslocal.FunctionOptions{}).Environment()
	if !slices.IsSorted(got) {
		t.Errorf("not sorted: %q", got)
	}
	for _, want := range append(s.Environment(), "AWS_LAMBDA_FUNCTION_NAME=ecr-gate", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "_HANDLER=bootstrap") {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing in %q", want, got)
		}
	}
}
