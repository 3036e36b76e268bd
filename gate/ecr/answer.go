package ecr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Bounds of answers.
const (
	// maxAnswerBytes is that of one: a manifest of 4 MiB, every byte escaped, or 1,000
	// findings of several kilobytes each.
	maxAnswerBytes = 32 << 20
	// largeAnswer is one of which not very many are read at a time: a pod may name a
	// hundred images, each with a manifest of 4 MiB.
	largeAnswer     = 256 << 10
	maxLargeAnswers = 8
)

// answers lets none through that is not JSON as a whole. The SDK's own reader is
// lenient: where a bracket is closed by another one it takes what it has read by then
// for all there is, so that findings, counts and the token of the next page could be
// lost without an error. It takes any 2xx for an answer; ECR's are 200.
type answers struct {
	large chan struct{} // a slot is held from before a large one is read until the SDK is done with it
}

func (a answers) watch(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("WholeAnswer", a.read), middleware.After)
}

func (a answers) read(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || response.StatusCode < http.StatusOK || response.StatusCode >= http.StatusMultipleChoices {
		return out, metadata, err // an error speaks for itself, in whatever form
	}
	done := func() {}
	if response.ContentLength < 0 || response.ContentLength > largeAnswer {
		select {
		case a.large <- struct{}{}:
			done = sync.OnceFunc(func() { <-a.large })
		case <-ctx.Done():
			return out, metadata, ctx.Err()
		}
	}
	body, err := readWhole(response.Body)
	if err != nil {
		done()
		return out, metadata, &smithy.DeserializationError{Err: err}
	}
	response.Body = &replayed{bytes.NewReader(body), response.Body, done}
	return out, metadata, nil
}

func readWhole(from io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, maxAnswerBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxAnswerBytes:
		return nil, fmt.Errorf("the answer has more than %d MiB", maxAnswerBytes>>20)
	case !json.Valid(body):
		return nil, errors.New("the answer is no JSON")
	}
	return body, nil
}

// replayed is a body that was read once already; closing it closes what it was read
// from.
type replayed struct {
	io.Reader
	from io.Closer
	done func()
}

// Close implements [io.Closer].
func (r *replayed) Close() error {
	defer r.done()
	return r.from.Close()
}
