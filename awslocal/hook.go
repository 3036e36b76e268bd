package awslocal

import (
	"bytes"
	"net/http"
	"path"
	"slices"
	"sync"
)

// Before has a function called with each request of an operation (a pattern, as in
// Fault) that has come in, before anything is done about it. Where the function
// returns false the connection is dropped, and the request never came: it took no
// effect and is in no list of calls. So the client can be ended at exactly this
// step. Requests wait for the function; of requests that come at once it is called at
// once, and has to guard what it keeps.
func (s *Server) Before(operation string, do func(Request) bool) (remove func()) {
	return s.hooks.add(&hook{operation: operation, before: do})
}

// After is called once a request took effect and before anything of the answer is
// sent; false drops the connection, and the client never learns what it did.
func (s *Server) After(operation string, do func(Request) bool) (remove func()) {
	return s.hooks.add(&hook{operation: operation, after: do})
}

// hook is a function to be called before or after an operation; the other one is nil.
type hook struct {
	operation     string
	before, after func(Request) bool
}

// hookList is the hooks in force.
type hookList struct {
	mu   sync.Mutex
	list []*hook
}

func (l *hookList) add(h *hook) (remove func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, h)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = slices.DeleteFunc(l.list, func(other *hook) bool { return other == h })
	}
}

// of returns the functions to be called around an operation, oldest first.
func (l *hookList) of(operation string) (before, after calls) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.list {
		switch ok, _ := path.Match(h.operation, operation); {
		case !ok:
		case h.before != nil:
			before = append(before, h.before)
		default:
			after = append(after, h.after)
		}
	}
	return before, after
}

type calls []func(Request) bool

// goOn calls every function, and is false if any of them says so.
func (c calls) goOn(r Request) bool {
	on := true
	for _, do := range c {
		on = do(r) && on
	}
	return on
}

// heldAnswer keeps an answer until it may be sent.
type heldAnswer struct {
	to     http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) Header() http.Header { return h.header }

func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *heldAnswer) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(p)
}

func (h *heldAnswer) send() {
	for name, values := range h.header {
		h.to.Header()[name] = values
	}
	h.WriteHeader(http.StatusOK)
	h.to.WriteHeader(h.status)
	_, _ = h.to.Write(h.body.Bytes()) // the client may be gone
}

// hold keeps the answer to a request until the functions were called.
func hold(w http.ResponseWriter, r Request, after calls, answer func(http.ResponseWriter)) {
	if len(after) == 0 {
		answer(w)
		return
	}
	held := &heldAnswer{to: w, header: http.Header{}}
	answer(held)
	if !after.goOn(r) {
		panic(http.ErrAbortHandler)
	}
	held.send()
}
