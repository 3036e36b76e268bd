package main

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// wholeBody sends each request from a copy of its body. The SDK closes the body as
// soon as an answer begins (smithy-go, transport/http/client.go). Where the process
// gets little of a CPU, as in a small Lambda function, net/http may not have seen
// the body's end by then: it takes the close for a failed write and drops the
// connection in the middle of the answer.
type wholeBody struct{ next aws.HTTPClient }

// Do implements [aws.HTTPClient].
func (w wholeBody) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return w.next.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if closed := r.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	copied := r.Clone(r.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	return w.next.Do(copied)
}
