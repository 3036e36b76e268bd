package webhook

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/semaphore"
	crwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// Path is where reviews are answered.
const Path = "/validate"

const (
	// maxBody is the largest review that is read: two objects of etcd's 1.5 MiB and
	// room for the rest.
	maxBody = 4 << 20
	// maxBodies bounds the reviews in memory at a time: anybody in the cluster may
	// be able to reach the port.
	maxBodies = 64 << 20
	// readTimeout is how long a body may take to arrive. The API server sends it at
	// once.
	readTimeout = 3 * time.Second
	// defaultTimeout is what the API server gives a webhook that does not say.
	defaultTimeout = 10 * time.Second
	// longestTimeout is the most that a webhook may ask for.
	longestTimeout = 30 * time.Second
)

// Endpoint is the HTTP side of a handler: it reads reviews of a bounded size and
// ends each before the API server's own timeout does.
type Endpoint struct {
	// Refused is told of every review that is too large, or that there is no room
	// for; nil: nobody is.
	Refused func(Refusal)

	next     http.Handler
	bodies   *semaphore.Weighted
	draining atomic.Bool
}

// NewEndpoint serves a handler's answers.
func NewEndpoint(handler admission.Handler, log logr.Logger) *Endpoint {
	hook, err := admission.StandaloneWebhook(&admission.Webhook{
		Handler: handler,
		// The handler logs its verdicts itself.
		LogConstructor: func(base logr.Logger, _ *admission.Request) logr.Logger { return base },
	}, admission.StandaloneOptions{Logger: log})
	if err != nil { // there is no way to it without a metrics path
		hook = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "could not check: a fault of ecr-gate itself", http.StatusInternalServerError)
		})
	}
	return &Endpoint{next: hook, bodies: semaphore.NewWeighted(maxBodies)}
}

// Drain has every connection closed with its next answer. The API server holds
// one open to a pod for as long as it lasts; were it closed while idle, as a
// server that shuts down does, a review already on its way would be lost.
func (e *Endpoint) Drain() { e.draining.Store(true) }

// ServeHTTP answers one review.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	timeout := timeoutOf(r)
	// The server's own context ends when the process is told to stop; a review in
	// hand is answered all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), timeout-reserve(timeout))
	defer cancel()
	size := r.ContentLength
	if size > maxBody {
		e.refused(TooLarge)
		http.Error(w, "could not check: the review is larger than 4 MiB", http.StatusRequestEntityTooLarge)
		return
	}
	if size < 0 {
		size = maxBody
	}
	if e.bodies.Acquire(ctx, size) != nil {
		e.refused(Overload)
		http.Error(w, "could not check: ecr-gate has too many reviews in hand", http.StatusServiceUnavailable)
		return
	}
	defer e.bodies.Release(size)
	r = r.WithContext(ctx)
	body := inTime(w, r.Body)
	defer body.late.Stop()
	r.Body = http.MaxBytesReader(w, body, maxBody)
	w.Header().Set("Content-Type", "application/json")
	e.next.ServeHTTP(w, r)
}

func (e *Endpoint) refused(r Refusal) {
	if e.Refused != nil {
		e.Refused(r)
	}
}

// timedBody is a body that has to arrive within readTimeout.
type timedBody struct {
	io.ReadCloser
	late *time.Timer
}

// inTime ends the reading of a body that is late, by a deadline that has passed.
// One that comes in time, as the API server's does, costs a timer only: HTTP/2
// sets a deadline by way of the goroutine that serves the whole connection.
func inTime(w http.ResponseWriter, body io.ReadCloser) timedBody {
	connection := http.NewResponseController(w)
	return timedBody{body, time.AfterFunc(readTimeout, func() {
		// Where it is not supported the server's own timeouts hold.
		_ = connection.SetReadDeadline(time.Now())
	})}
}

func (b timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.late.Stop()
	}
	return n, err
}

// timeoutOf is the API server's own, which it writes into the request. What cannot
// be read is taken for the default.
func timeoutOf(r *http.Request) time.Duration {
	timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || timeout <= 0 {
		return defaultTimeout
	}
	return min(timeout, longestTimeout)
}

// NewServer serves the endpoint over TLS with the certificate in a folder, tls.crt
// and tls.key, which is watched. An empty host is every address.
func NewServer(host string, port int, certDir string, endpoint http.Handler) crwebhook.Server {
	server := crwebhook.NewServer(crwebhook.Options{
		Host: host, Port: port, CertDir: certDir,
		TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.MinVersion = tls.VersionTLS12 }},
	})
	server.Register(Path, endpoint)
	return server
}
