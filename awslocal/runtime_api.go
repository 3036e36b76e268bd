package awslocal

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// The runtime API (Lambda developer guide, "Using the Lambda runtime API").
const (
	runtimePath     = "/2018-06-01/runtime/"
	errorTypeHeader = "Lambda-Runtime-Function-Error-Type"
	errorBodyHeader = "Lambda-Runtime-Function-Error-Body"
)

// functionError is what a runtime says of an error.
type functionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// serve answers the function's process. Its requests go into the server's
// journal, as lambda.Next, lambda.Response, lambda.Error and lambda.InitError,
// and suffer its faults.
func (f *Function) serve(w http.ResponseWriter, r *http.Request) {
	f.server.attend(w, r, nameRuntimeCall, f.answer)
}

func nameRuntimeCall(in *incoming) {
	in.service, in.operation = "lambda", "lambda.Unknown"
	call, ok := strings.CutPrefix(in.http.URL.Path, runtimePath)
	invocation, toAnswer := strings.CutPrefix(call, "invocation/")
	id, answer, _ := strings.Cut(invocation, "/")
	switch {
	case !ok:
	case in.http.Method == http.MethodGet && call == "invocation/next":
		in.operation = "lambda.Next"
	case in.http.Method != http.MethodPost:
	case call == "init/error":
		in.operation = "lambda.InitError"
	case toAnswer && id != "" && answer == "response":
		in.operation = "lambda.Response"
	case toAnswer && id != "" && answer == "error":
		in.operation = "lambda.Error"
	}
}

// requestID is whose answer this is.
func requestID(r *http.Request) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, runtimePath+"invocation/"), "/")
	return id
}

func (f *Function) answer(w http.ResponseWriter, in *incoming) {
	var err error
	switch in.operation {
	case "lambda.Next":
		f.answerNext(w, in)
		return
	case "lambda.Response":
		err = f.settle(requestID(in.http), in.body, lateError(in.http))
	case "lambda.Error":
		err = f.settle(requestID(in.http), in.body, readFunctionError(in.http.Header.Get(errorTypeHeader), in.body))
	case "lambda.InitError":
		f.failStart(in.body, readFunctionError(in.http.Header.Get(errorTypeHeader), in.body))
	default:
		err = &failure{Status: http.StatusNotFound, Code: "NotFound", Message: "the runtime API has no such call"}
	}
	if err != nil {
		in.refuse(w, asFailure(err))
		return
	}
	writeBody(w, "application/json", http.StatusAccepted, []byte(`{"status":"OK"}`))
}

func (f *Function) answerNext(w http.ResponseWriter, in *incoming) {
	a := f.take(in.http.Context())
	if a == nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Lambda-Runtime-Aws-Request-Id", a.RequestID)
	w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(a.Started.Add(f.options.Timeout).UnixMilli(), 10))
	w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", f.arn())
	writeBody(w, "application/json", http.StatusOK, a.Payload)
}

// settle takes the answer to an event. What it says of one that comes late or
// twice is what AWS's runtime interface emulator says. A retried event keeps
// its id, so the late answer of one process may be taken for the answer of
// another: Lambda has ended the first by then.
func (f *Function) settle(id string, response []byte, e functionError) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.current[id]
	if a == nil {
		return f.unsettled(id)
	}
	a.Response = response
	f.end(a, e)
	return nil
}

func (f *Function) unsettled(id string) *failure {
	for _, a := range f.attempts {
		if a.RequestID == id && a.ErrorType == timedOut {
			return &failure{Status: http.StatusGone, Code: "InvokeTimeout", Message: "Invoke timeout"}
		}
	}
	return &failure{Status: http.StatusBadRequest, Code: "InvalidRequestID", Message: "Invalid request ID"}
}

// failStart ends the event that waited for the process which could not start.
func (f *Function) failStart(body []byte, e functionError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) == 0 {
		return
	}
	a := f.next()
	a.Response = body
	f.end(a, e)
}

// readFunctionError always finds a type: an error without one must not pass
// for an answer.
func readFunctionError(header string, body []byte) functionError {
	var e functionError
	if json.Unmarshal(body, &e) != nil {
		e = functionError{Message: string(body)}
	}
	e.Type = cmp.Or(e.Type, header, "Runtime.UnknownReason")
	return e
}

// lateError is an error that came up when the answer had begun; it is in the
// request's trailer.
func lateError(r *http.Request) functionError {
	errorType := r.Trailer.Get(errorTypeHeader)
	if errorType == "" {
		return functionError{}
	}
	body, _ := base64.StdEncoding.DecodeString(r.Trailer.Get(errorBodyHeader))
	return readFunctionError(errorType, body)
}
