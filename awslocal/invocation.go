package awslocal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Invocation is one attempt to have an event handled.
type Invocation struct {
	RequestID string // the same for all attempts of an event
	Attempt   int    // from 1
	Payload   []byte // the event
	Response  []byte // the answer; of an error, its JSON

	// ErrorType is empty if the function answered, or has not yet.
	ErrorType    string
	ErrorMessage string

	Started time.Time // when a process took it
	Ended   time.Time // zero: it is in hand
}

// timedOut is the error type of an attempt whose deadline passed.
const timedOut = "Sandbox.Timedout"

// mostAttempts is how often Lambda tries an asynchronous event, unless the
// function is configured otherwise.
const mostAttempts = 3

// attempt is an Invocation on its way.
type attempt struct {
	Invocation
	async bool
	clock *time.Timer // ends it at its deadline
	over  chan struct{}
}

// Invoke has the event handled and returns with the answer, be it an error of
// the function's. It waits for a process as long as the context lets it; an
// event that is in hand by then is not taken back.
func (f *Function) Invoke(ctx context.Context, payload []byte) (Invocation, error) {
	a := f.request(payload, false)
	var err error
	select {
	case <-a.over:
	case <-ctx.Done():
		f.withdraw(a)
		err = fmt.Errorf("invoke %s: %w", f.options.Name, ctx.Err())
	case <-f.server.closing:
		err = errors.New("invoke " + f.options.Name + ": the server was closed")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return a.Invocation, err
}

// InvokeAsync queues the event, as CodePipeline and EventBridge do. After an
// error or a timeout it is tried up to twice more.
func (f *Function) InvokeAsync(payload []byte) { f.request(payload, true) }

// Invocations returns every attempt so far, in the order they were taken.
func (f *Function) Invocations() []Invocation {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Invocation, len(f.attempts))
	for i, a := range f.attempts {
		all[i] = a.Invocation
	}
	return all
}

func (f *Function) request(payload []byte, async bool) *attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.issued++
	id := fmt.Sprintf("%08x-0000-4000-9000-%012x", f.issued, f.issued)
	return f.queue(Invocation{RequestID: id, Attempt: 1, Payload: slices.Clone(payload)}, async)
}

func (f *Function) queue(i Invocation, async bool) *attempt {
	a := &attempt{Invocation: i, async: async, over: make(chan struct{})}
	f.waiting = append(f.waiting, a)
	close(f.arrived)
	f.arrived = make(chan struct{})
	return a
}

// withdraw takes an attempt back that no process has taken.
func (f *Function) withdraw(a *attempt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = slices.DeleteFunc(f.waiting, func(other *attempt) bool { return other == a })
}

// take waits for an attempt; nil: the process went away first, or the server,
// whose closing ends the connection.
func (f *Function) take(ctx context.Context) *attempt {
	for {
		a, arrived := f.first(ctx)
		if a != nil {
			return a
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil
		}
	}
}

// first hands out what has waited longest, or tells what to wait for.
func (f *Function) first(ctx context.Context) (a *attempt, arrived <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.running {
		f.running = true
		close(f.started)
	}
	if len(f.waiting) == 0 || ctx.Err() != nil {
		return nil, f.arrived
	}
	a = f.next()
	f.current[a.RequestID] = a
	a.clock = time.AfterFunc(f.options.Timeout, func() { f.expire(a) })
	return a, nil
}

func (f *Function) next() *attempt {
	a := f.waiting[0]
	f.waiting = f.waiting[1:]
	f.attempts = append(f.attempts, a)
	a.Started = time.Now() // not Options.Now: the process goes by the machine's clock
	return a
}

func (f *Function) expire(a *attempt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current[a.RequestID] != a {
		return // answered in the last moment
	}
	f.end(a, functionError{Type: timedOut, Message: fmt.Sprintf(
		"RequestId: %s Error: Task timed out after %.2f seconds", a.RequestID, f.options.Timeout.Seconds())})
}

// end closes an attempt and, if the event is to be tried again, makes the next.
func (f *Function) end(a *attempt, e functionError) {
	if a.clock != nil {
		a.clock.Stop()
	}
	delete(f.current, a.RequestID)
	a.Ended, a.ErrorType, a.ErrorMessage = time.Now(), e.Type, e.Message
	close(a.over)
	if e.Type == "" || !a.async || a.Attempt == mostAttempts {
		return
	}
	f.server.after(f.options.RetryPause, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.queue(Invocation{RequestID: a.RequestID, Attempt: a.Attempt + 1, Payload: a.Payload}, true)
	})
}
