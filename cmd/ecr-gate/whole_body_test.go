package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/config"
)

// closesEarly is a client whose caller closes the request's body in the middle.
type closesEarly struct {
	body io.Closer
	read string
}

func (c *closesEarly) Do(r *http.Request) (*http.Response, error) {
	if c.body != nil {
		_ = c.body.Close()
	}
	text, err := io.ReadAll(r.Body)
	c.read = string(text)
	return nil, err
}

// closable cannot be read any more once it is closed.
type closable struct {
	io.Reader
	closed bool
}

func (c *closable) Close() error { c.closed = true; return nil }

func (c *closable) Read(p []byte) (int, error) {
	if c.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return c.Reader.Read(p)
}

func TestWholeBody(t *testing.T) {
	body := &closable{Reader: strings.NewReader("all of it")}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/", body)
	if err != nil {
		t.Fatal(err)
	}
	next := &closesEarly{body: body}
	if _, err := (wholeBody{next}).Do(request); err != nil || next.read != "all of it" { //nolint:bodyclose // there is no answer
		t.Errorf("sent %q, %v", next.read, err)
	}
	env, err := awsEnvironment(t.Context(), config.Default())
	if _, ok := env.HTTPClient.(wholeBody); !ok || err != nil {
		t.Errorf("the SDK's client is %T, %v", env.HTTPClient, err)
	}
}
