package awslocal_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// byHand makes a runtime's request without a runtime.
func byHand(t *testing.T, f *awslocal.Function, method, path, body string) (status int, id, answer string) {
	t.Helper()
	address := ""
	for _, pair := range f.Environment() {
		if value, ok := strings.CutPrefix(pair, "AWS_LAMBDA_RUNTIME_API="); ok {
			address = value
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+"/2018-06-01/runtime/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	got, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	read, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, got.Header.Get("Lambda-Runtime-Aws-Request-Id"), string(read)
}

func wantStatus(t *testing.T, got, want int, answer, says string) {
	t.Helper()
	if got != want || !strings.Contains(answer, says) {
		t.Errorf("answered %d %s, want %d with %q", got, answer, want, says)
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{Timeout: 50 * time.Millisecond})
	f.InvokeAsync([]byte(`"one"`))
	status, id, payload := byHand(t, f, http.MethodGet, "invocation/next", "")
	wantStatus(t, status, http.StatusOK, payload, `"one"`)
	awaitEnded(t, f, 1)
	status, _, answer := byHand(t, f, http.MethodPost, "invocation/"+id+"/response", "late")
	wantStatus(t, status, http.StatusGone, answer, `"errorType":"InvokeTimeout"`)
	status, _, answer = byHand(t, f, http.MethodPost, "invocation/"+id+"/error", "late")
	wantStatus(t, status, http.StatusGone, answer, `"errorType":"InvokeTimeout"`)

	in, _, answer := byHand(t, f, http.MethodPost, "invocation/none/response", "?")
	wantStatus(t, in, http.StatusBadRequest, answer, `"errorType":"InvalidRequestID"`)
	status, _, answer = byHand(t, f, http.MethodPost, "exit/error", "?")
	wantStatus(t, status, http.StatusNotFound, answer, "no such call")
	status, _, answer = byHand(t, f, http.MethodPost, "invocation/next", "?")
	wantStatus(t, status, http.StatusNotFound, answer, "no such call")
}

func TestAnswerTwice(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{})
	f.InvokeAsync([]byte("{}"))
	_, id, _ := byHand(t, f, http.MethodGet, "invocation/next", "")
	status, _, answer := byHand(t, f, http.MethodPost, "invocation/"+id+"/response", `"first"`)
	wantStatus(t, status, http.StatusAccepted, answer, `"status":"OK"`)
	status, _, answer = byHand(t, f, http.MethodPost, "invocation/"+id+"/response", `"second"`)
	wantStatus(t, status, http.StatusBadRequest, answer, `"errorType":"InvalidRequestID"`)
	if got := f.Invocations()[0]; string(got.Response) != `"first"` {
		t.Errorf("response is %s", got.Response)
	}
}

func TestErrorsHaveAType(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{})
	f.InvokeAsync([]byte("{}"))
	_, id, _ := byHand(t, f, http.MethodGet, "invocation/next", "")
	byHand(t, f, http.MethodPost, "invocation/"+id+"/error", "no JSON")
	if got := f.Invocations()[0]; got.ErrorType != "Runtime.UnknownReason" || got.ErrorMessage != "no JSON" {
		t.Errorf("error is %q: %q", got.ErrorType, got.ErrorMessage)
	}
}

func TestFailedStartEndsTheEventThatWaited(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{RetryPause: time.Millisecond})
	const said = `{"errorType":"Runtime.InitError","errorMessage":"the policy does not parse"}`
	status, _, answer := byHand(t, f, http.MethodPost, "init/error", said)
	wantStatus(t, status, http.StatusAccepted, answer, `"status":"OK"`)
	if n := len(f.Invocations()); n != 0 {
		t.Fatalf("%d attempts, want none", n)
	}
	f.InvokeAsync([]byte("{}"))
	byHand(t, f, http.MethodPost, "init/error", said)
	if got := f.Invocations()[0]; got.ErrorType != "Runtime.InitError" || got.ErrorMessage != "the policy does not parse" || got.Ended.IsZero() {
		t.Errorf("attempt is %+v", got)
	}
	run(t, f)
	awaitEnded(t, f, 2)
	if n := s.Calls()["lambda.InitError"]; n != 2 {
		t.Errorf("%d failed starts in the journal, want 2", n)
	}
}

func TestRuntimeSuffersFaults(t *testing.T) {
	s := start(t, awslocal.Options{})
	f := addFunction(t, s, awslocal.FunctionOptions{})
	s.Inject(awslocal.Fault{Operation: "lambda.Next", Times: 1, Status: http.StatusInternalServerError, Code: "ServerError"})
	ended := run(t, f)
	awaitClosed(t, "the process to end at an error of the runtime API", ended)
	run(t, f)
	invoke(t, f, event("echo"))
	if n := s.Calls()["lambda.Next"]; n < 2 {
		t.Errorf("asked %d times, want 2 at least", n)
	}
}
