package crash_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ecr-gate/ecr-gate/test/process"
)

// ask sends a review, of a pod of these images.
type ask func(ctx context.Context) (process.Answer, error)

// load is reviews without a pause, from several clients, until it is stopped.
type load struct {
	stop    context.CancelFunc
	clients sync.WaitGroup
	count   atomic.Int64

	mu     sync.Mutex
	wrong  []string
	answer process.Answer // the last one
}

// push puts load on: each answer is judged by check, which says what is wrong with
// it. Whoever sends one in the moment of the stop waits for its answer.
func push(t *testing.T, clients int, send ask, check func(process.Answer, error) string) *load {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop}
	for range clients {
		l.clients.Go(func() {
			for ctx.Err() == nil {
				a, err := send(context.WithoutCancel(ctx))
				if errors.Is(err, errElsewhere) {
					return // and nothing is elsewhere
				}
				l.take(a, check(a, err))
			}
		})
	}
	t.Cleanup(l.end)
	return l
}

func (l *load) take(a process.Answer, wrong string) {
	l.count.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = a
	if wrong != "" && len(l.wrong) < 10 {
		l.wrong = append(l.wrong, wrong)
	}
}

func (l *load) last() process.Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answer
}

// more waits until so many more reviews are answered.
func (l *load) more(t *testing.T, n int64) {
	t.Helper()
	until := l.count.Load() + n
	await(t, "more reviews", func() bool { return l.count.Load() >= until })
}

func (l *load) end() {
	l.stop()
	l.clients.Wait()
}

// wantRight ends the load, and wants every answer to have been right.
func (l *load) wantRight(t *testing.T) {
	t.Helper()
	l.end()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, wrong := range slices.Compact(l.wrong) {
		t.Error(wrong)
	}
	if l.count.Load() == 0 {
		t.Error("no review was sent")
	}
}

// wantAllowed is the check of a clean image.
func wantAllowed(a process.Answer, err error) string {
	switch {
	case err != nil:
		return "no answer: " + err.Error()
	case !a.Allowed:
		return "a clean image is refused: " + a.Message
	}
	return ""
}

// errElsewhere is what a caller gets that would have to connect anew to a process
// that was told to stop. The API server then connects to another pod: since before
// the signal this one is no endpoint of the Service any more.
var errElsewhere = errors.New("there is another pod to connect to")

// caller keeps connections to one process, as the API server does.
type caller struct {
	p       *process.Process
	client  *http.Client
	stopped atomic.Bool // no new connections
}

func newCaller(p *process.Process) *caller {
	c := &caller{p: p}
	transport := p.Transport()
	dialer := &net.Dialer{}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if c.stopped.Load() {
			return nil, errElsewhere
		}
		return dialer.DialContext(ctx, network, address)
	}
	c.client = &http.Client{Transport: transport}
	return c
}

// asking sends reviews of images.
func (c *caller) asking(images ...string) ask {
	body := process.Pod(images...)
	return func(ctx context.Context) (process.Answer, error) { return c.p.AskBy(ctx, c.client, body) }
}

// both is a configuration with both doors.
const both = heading + hook + jobs + policy
