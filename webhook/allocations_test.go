//go:build !race

package webhook_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ecr-gate/ecr-gate/webhook"
)

// The ceilings are what was measured of a review of a cached image, from the body to
// the answer: whoever makes it cheaper lowers them, and whoever cannot do without more
// says why. About a third is net/http's, controller-runtime's and the metrics'.
func TestCachedReviewAllocations(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	l.handler.Log = slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // writing a line is part of the cost
	l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: "dev"}}
	endpoint := webhook.NewEndpoint(l.handler, logr.FromSlogHandler(slog.DiscardHandler))
	took := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "took", Buckets: []float64{.1, 1}})
	endpoint.Answered = func(d time.Duration) { took.Observe(d.Seconds()) }
	for name, c := range map[string]struct {
		images  []string
		allowed bool
		ceiling float64
	}{
		"let in":            {[]string{l.images["clean"]}, true, 60},
		"refused":           {[]string{l.images["bad"]}, false, 118},
		"one image 8 times": {[]string{l.images["clean"], l.images["clean"], l.images["clean"], l.images["clean"], l.images["clean"], l.images["clean"], l.images["clean"], l.images["clean"]}, true, 74},
	} {
		body := reviewOf(t, create(podOf(c.images...)))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/validate?timeout=10s", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.ContentLength = int64(len(body))
		var read bytes.Reader
		request.Body = io.NopCloser(&read)
		var got answerOnly
		ask := func() {
			read.Reset(body)
			got.body.Reset()
			endpoint.ServeHTTP(&got, request)
		}
		least := testing.AllocsPerRun(50, ask)
		for range 4 { // what runs beside it allocates too
			least = min(least, testing.AllocsPerRun(50, ask))
		}
		if want := []byte(`"allowed":true`); bytes.Contains(got.body.Bytes(), want) != c.allowed {
			t.Errorf("%s: %s", name, got.body.String())
		}
		t.Logf("%s: %.0f allocations", name, least)
		if least > c.ceiling {
			t.Errorf("%s: %.0f allocations, the ceiling is %.0f", name, least, c.ceiling)
		}
	}
}

// answerOnly is a response of which the body is kept, and which is used again.
type answerOnly struct {
	header http.Header
	body   bytes.Buffer
}

func (a *answerOnly) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *answerOnly) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *answerOnly) WriteHeader(int) {}

// SetReadDeadline is net/http's too; without it there is an error to allocate.
func (a *answerOnly) SetReadDeadline(time.Time) error { return nil }
