package ecr

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Only answers that are JSON as a whole are read, and they have an end; an error's
// body is the SDK's.
func TestOnlyWholeAnswersAreRead(t *testing.T) {
	watched := answers{make(chan struct{}, 1)}
	boom := errors.New("boom")
	largest := strings.Repeat(" ", maxAnswerBytes-2) + "{}"
	for name, test := range map[string]struct {
		status int
		body   io.Reader
		err    error
		reads  string // the body that is handed on; empty: refused
		says   string
	}{
		"JSON":               {http.StatusOK, strings.NewReader(`{"a":1}`), nil, `{"a":1}`, ""},
		"no JSON":            {http.StatusOK, strings.NewReader(`{"a":1]`), nil, "", "no JSON"},
		"nothing":            {http.StatusOK, strings.NewReader(""), nil, "", "no JSON"},
		"the largest":        {http.StatusOK, strings.NewReader(largest), nil, largest, ""},
		"one byte too large": {http.StatusOK, strings.NewReader(" " + largest), nil, "", "more than 32 MiB"},
		"cut off":            {http.StatusOK, iotest.ErrReader(boom), nil, "", "boom"},
		"another success":    {http.StatusPartialContent, strings.NewReader(`{"a":1]`), nil, "", "no JSON"},
		"an error":           {http.StatusBadRequest, strings.NewReader("<html>"), nil, "<html>", ""},
		"no answer":          {http.StatusOK, strings.NewReader("<html>"), boom, "<html>", "boom"},
	} {
		t.Run(name, func(t *testing.T) {
			next := middleware.DeserializeHandlerFunc(func(context.Context, middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
				response := &http.Response{StatusCode: test.status, Body: io.NopCloser(test.body), ContentLength: -1}
				return middleware.DeserializeOutput{RawResponse: &smithyhttp.Response{Response: response}}, middleware.Metadata{}, test.err
			})
			out, _, err := watched.read(t.Context(), middleware.DeserializeInput{}, next)
			if (err != nil) != (test.says != "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v, want an error that says %q", err, test.says)
			}
			if test.reads == "" {
				var unread *smithy.DeserializationError
				if !errors.As(err, &unread) {
					t.Errorf("the error is not that of an answer that cannot be read: %v", err)
				}
				return
			}
			response, _ := out.RawResponse.(*smithyhttp.Response)
			if got, err := io.ReadAll(response.Body); err != nil || string(got) != test.reads {
				t.Errorf("%d bytes are handed on, %v; want %d", len(got), err, len(test.reads))
			}
			if err := response.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if len(watched.large) != 0 {
		t.Error("a slot was not given back")
	}
	none := middleware.DeserializeHandlerFunc(func(context.Context, middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
		return middleware.DeserializeOutput{}, middleware.Metadata{}, boom
	})
	if _, _, err := watched.read(t.Context(), middleware.DeserializeInput{}, none); !errors.Is(err, boom) {
		t.Errorf("without any answer: %v", err)
	}
}

// Of large answers so many are read at a time; the next waits as long as it may. A
// small one does not wait.
func TestLargeAnswersWaitTheirTurn(t *testing.T) {
	watched := answers{make(chan struct{}, 1)}
	sized := func(length int64) middleware.DeserializeHandler {
		return middleware.DeserializeHandlerFunc(func(context.Context, middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
			response := &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), ContentLength: length}
			return middleware.DeserializeOutput{RawResponse: &smithyhttp.Response{Response: response}}, middleware.Metadata{}, nil
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	first, _, err := watched.read(t.Context(), middleware.DeserializeInput{}, sized(largeAnswer+1))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := watched.read(ctx, middleware.DeserializeInput{}, sized(largeAnswer+1)); !errors.Is(err, context.Canceled) {
		t.Errorf("the second: %v", err)
	}
	if _, _, err := watched.read(ctx, middleware.DeserializeInput{}, sized(largeAnswer)); err != nil {
		t.Errorf("a small one: %v", err)
	}
	response, _ := first.RawResponse.(*smithyhttp.Response)
	for range 2 { // the SDK may close it more than once
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := watched.read(t.Context(), middleware.DeserializeInput{}, sized(largeAnswer+1)); err != nil {
		t.Errorf("after the first is done: %v", err)
	}
}
