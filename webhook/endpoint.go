package webhook

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Path is where reviews are answered.
const Path = "/validate"

const (
	// maxBody is the largest review that is read: two objects of etcd's 1.5 MiB and
	// room for the rest.
	maxBody = 4 << 20
	// smallBody is more than a review of nearly all pods. Larger ones have a room of
	// their own, so that they crowd nobody else out. One peer's connections cannot
	// fill the room of the small ones; of the other each peer has half.
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
	// for, and of connections that are closed; nil: nobody is.
	Refused func(Refusal)
	// Answered is told of every review, whatever the answer, how long it took from its
	// arrival; nil: nobody is.
	Answered func(took time.Duration)

	hook         *admission.Webhook
	log          logr.Logger
	counted      http.Handler // the endpoint under its metrics
	small, large room         // for bodies
	draining     atomic.Bool
}

// NewEndpoint serves a handler's answers.
func NewEndpoint(handler admission.Handler, log logr.Logger) *Endpoint {
	e := &Endpoint{
		hook: &admission.Webhook{
			Handler: handler,
			// The handler logs its verdicts itself.
			LogConstructor: func(logr.Logger, *admission.Request) logr.Logger { return log },
		},
		log: log, small: newRoom(48 << 20), large: newSharedRoom(16 << 20),
	}
	e.counted = counted(http.HandlerFunc(e.answer))
	return e
}

// Drain has every connection closed with its next answer. The API server keeps
// connections to a pod for as long as they last; were one closed while idle, as a
// server that shuts down does, a review already on its way would be lost: HTTP/1
// clients send no POST twice.
func (e *Endpoint) Drain() { e.draining.Store(true) }

// ServeHTTP answers one review.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	defer func() {
		if e.Answered != nil {
			e.Answered(time.Since(began))
		}
	}()
	e.counted.ServeHTTP(w, r)
}

func (e *Endpoint) answer(w http.ResponseWriter, r *http.Request) {
	if e.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	timeout := timeoutOf(r)
	// The server's own context ends when the process is told to stop; a review in
	// hand is answered all the same.
	ctx, cancel := context.WithTimeout(fromPeer(context.WithoutCancel(r.Context()), r.RemoteAddr), timeout-reserve(timeout))
	defer cancel()
	switch size := r.ContentLength; {
	case size < 0:
		e.refuse(w, Unreadable, http.StatusLengthRequired, "the review does not say how long it is")
		return
	case size > maxBody:
		e.refuse(w, TooLarge, http.StatusRequestEntityTooLarge, "the review is larger than 4 MiB; make the object smaller")
		return
	}
	room := e.large
	if r.ContentLength <= smallBody {
		room = e.small
	}
	body, err := room.enter(ctx, w, r)
	if err != nil {
		e.refuse(w, Overload, http.StatusServiceUnavailable, "ecr-gate has too many reviews in hand; try again")
		return
	}
	defer body.leave()
	in, err := readReview(r)
	if err != nil {
		e.refuse(w, Unreadable, http.StatusBadRequest, gate.Clip(err.Error(), maxFirstLine))
		return
	}
	// It contains a panic and completes the answer.
	response := e.hook.Handle(ctx, admission.Request{AdmissionRequest: *in.Request})
	if err := writeReview(w, in.APIVersion, response); err != nil {
		e.log.Error(err, "an answer could not be written", "requestId", in.Request.UID)
	}
}

func (e *Endpoint) refuse(w http.ResponseWriter, why Refusal, code int, text string) {
	if e.Refused != nil {
		e.Refused(why)
	}
	leaveUnread(w)
	http.Error(w, "could not check: "+text, code)
}

// timeoutOf is the API server's own, which it writes into the request. What cannot
// be read is taken for the default.
func timeoutOf(r *http.Request) time.Duration {
	// What the API server writes, without the map of url.ParseQuery.
	value, alone := strings.CutPrefix(r.URL.RawQuery, "timeout=")
	if !alone || strings.ContainsAny(value, "&;%+") {
		value = r.URL.Query().Get("timeout")
	}
	timeout, err := time.ParseDuration(value)
	if err != nil || timeout <= 0 {
		return defaultTimeout
	}
	return min(max(timeout, shortestTimeout), longestTimeout)
}

// reserve is what is kept of the API server's own timeout for the way back: after
// it the person would read that a call failed, and not why.
func reserve(timeout time.Duration) time.Duration {
	return min(max(timeout/10, 100*time.Millisecond), time.Second)
}
