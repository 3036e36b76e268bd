package webhook

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// Path is where reviews are answered.
const Path = "/validate"

const (
	// maxBody is the largest review that is read: two objects of etcd's 1.5 MiB and
	// room for the rest.
	maxBody = 4 << 20
	// smallBody is more than a review of nearly all pods. Larger ones have a room of
	// their own, so that they crowd nobody else out.
	smallBody = 64 << 10
	// readTimeout is how long a body may take to arrive. The API server sends it at
	// once.
	readTimeout = 3 * time.Second
	// The API server gives a webhook 1 to 30 s, and 10 s to one that does not say.
	shortestTimeout = time.Second
	defaultTimeout  = 10 * time.Second
	longestTimeout  = 30 * time.Second
)

// Endpoint is the HTTP side of a handler: it reads reviews of a bounded size and
// ends each before the API server's own timeout does.
type Endpoint struct {
	// Refused is told of every review that is too large, or that there is no room
	// for; nil: nobody is.
	Refused func(Refusal)

	next         http.Handler
	small, large room // for bodies
	draining     atomic.Bool
}

// NewEndpoint serves a handler's answers.
func NewEndpoint(handler admission.Handler, log logr.Logger) *Endpoint {
	hook, err := admission.StandaloneWebhook(&admission.Webhook{
		Handler: handler,
		// The handler logs its verdicts itself.
		LogConstructor: func(base logr.Logger, _ *admission.Request) logr.Logger { return base },
	}, admission.StandaloneOptions{Logger: log, MetricsPath: Path})
	if err != nil { // there is no way to it without a metrics path
		hook = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "could not check: a fault of ecr-gate itself", http.StatusInternalServerError)
		})
	}
	return &Endpoint{next: hook, small: newRoom(48 << 20), large: newRoom(16 << 20)}
}

// Drain has every connection closed with its next answer. The API server keeps
// connections to a pod for as long as they last; were one closed while idle, as a
// server that shuts down does, a review already on its way would be lost: HTTP/1
// clients send no POST twice.
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
	switch size := r.ContentLength; {
	case size < 0:
		e.refuse(w, Unreadable, http.StatusLengthRequired, "the review does not say how long it is")
		return
	case size > maxBody:
		e.refuse(w, TooLarge, http.StatusRequestEntityTooLarge, "the review is larger than 4 MiB")
		return
	}
	place := e.large
	if r.ContentLength <= smallBody {
		place = e.small
	}
	body, err := place.enter(ctx, w, r)
	if err != nil {
		e.refuse(w, Overload, http.StatusServiceUnavailable, "ecr-gate has too many reviews in hand")
		return
	}
	defer body.leave()
	r = r.WithContext(ctx)
	r.Body = body
	w.Header().Set("Content-Type", "application/json")
	e.next.ServeHTTP(w, r)
}

func (e *Endpoint) refuse(w http.ResponseWriter, why Refusal, code int, text string) {
	if e.Refused != nil {
		e.Refused(why)
	}
	http.Error(w, "could not check: "+text, code)
}

// timeoutOf is the API server's own, which it writes into the request. What cannot
// be read is taken for the default.
func timeoutOf(r *http.Request) time.Duration {
	timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || timeout <= 0 {
		return defaultTimeout
	}
	return min(max(timeout, shortestTimeout), longestTimeout)
}
