package awslocal

import (
	"net/http"
	"path"
	"slices"
	"sync"
	"time"
)

// Fault is trouble on demand. What it names is done in the order Latency,
// Hang, error, Garbage, Truncate; one with a Latency only delays the real
// answer.
type Fault struct {
	Operation string // "ecr.DescribeImageScanFindings", "codepipeline.*", "*"
	Times     int    // how often; 0: until removed
	After     int    // lets the first so many requests pass

	Latency time.Duration
	Status  int    // of the error; default 400
	Code    string // answers with this error code
	Message string
	Hang    bool // no answer until the client goes away or the server is closed
	// Truncate drops the connection after so many bytes of the real answer's
	// body; negative: before any answer.
	Truncate int
	Garbage  []byte // answers 200 with these bytes
}

// Inject makes requests suffer the fault. Of several that fit, the oldest
// takes the request.
func (s *Server) Inject(f Fault) (remove func()) {
	return s.faults.add(f)
}

// faultList is the faults in force.
type faultList struct {
	mu   sync.Mutex
	list []*activeFault
	dice *dice // nil: no fault comes by chance
}

type activeFault struct {
	Fault
	seen int
}

func (l *faultList) add(f Fault) (remove func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := &activeFault{Fault: f}
	l.list = append(l.list, a)
	return func() { l.remove(a) }
}

func (l *faultList) remove(a *activeFault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.DeleteFunc(l.list, func(other *activeFault) bool { return other == a })
}

// take returns the fault this request has to suffer, if any.
func (l *faultList) take(operation string) (Fault, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.list {
		if a.fits(operation) && a.strikes() {
			return a.Fault, true
		}
	}
	return Fault{}, false
}

func (a *activeFault) fits(operation string) bool {
	ok, _ := path.Match(a.Operation, operation)
	return ok
}

func (a *activeFault) strikes() bool {
	a.seen++
	if a.seen <= a.After {
		return false
	}
	return a.Times == 0 || a.seen <= a.After+a.Times
}

// suffer answers a request the way the fault says.
func (s *Server) suffer(w http.ResponseWriter, in *incoming, f Fault, answer answer) {
	if !s.pause(in, f.Latency) {
		panic(http.ErrAbortHandler)
	}
	switch {
	case f.Hang:
		s.hang(in)
		panic(http.ErrAbortHandler)
	case f.Code != "" || f.Status != 0:
		in.refuse(w, &failure{Status: f.Status, Code: f.Code, Message: f.Message})
	case f.Garbage != nil:
		_, _ = w.Write(f.Garbage)
	case f.Truncate < 0:
		panic(http.ErrAbortHandler)
	case f.Truncate > 0:
		answer(&cutWriter{w, f.Truncate}, in)
	default:
		answer(w, in)
	}
}

// pause reports false if the client or the server went away meanwhile.
func (s *Server) pause(in *incoming, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-in.http.Context().Done():
	case <-s.closing:
	}
	return false
}

func (s *Server) hang(in *incoming) {
	select {
	case <-in.http.Context().Done():
	case <-s.closing:
	}
}

// cutWriter lets the beginning of an answer through and then drops the
// connection.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}
