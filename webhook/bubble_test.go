package webhook_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// inBubble runs a test on a lab whose clock stands still while anything is at
// work: minutes of outage, an SDK's patience and a hanging AWS cost no time. The
// two servers are reached without a network, which would be outside the bubble;
// everything else is what newLab has.
func inBubble(t *testing.T, settings webhook.Settings, test func(t *testing.T, l *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cloud := awslocal.New(awslocal.Options{})
		t.Cleanup(cloud.Close)
		config := cloud.AWSConfig()
		config.HTTPClient = &http.Client{Transport: inProcess{cloud}}
		l := labOn(t, cloud, config, settings)
		l.url, l.client = "https://webhook.test", &http.Client{Transport: inProcess{webhook.NewEndpoint(l.handler, quiet)}}
		test(t, l)
	})
}

// inProcess is the way to a server in the same process: the client leaves when its
// context ends, and a server that drops the connection gives an error.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.Body, in.RequestURI, in.Host = io.NopCloser(bytes.NewReader(body)), r.URL.RequestURI(), r.URL.Host
	recorder, done := httptest.NewRecorder(), make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		p.ServeHTTP(recorder, in)
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case dropped := <-done:
		if dropped != nil {
			return nil, fmt.Errorf("the connection was dropped: %v", dropped)
		}
		return recorder.Result(), nil
	}
}
