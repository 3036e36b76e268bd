package awslocal

import (
	"math/rand/v2"
	"sync"
)

// Chance is a fault that any request of its operations may suffer.
type Chance struct {
	Fault // Times and After do not matter
	// Of is how probable it is: 0.01 is one request in a hundred.
	Of float64
}

// Misbehave has requests suffer faults at random, besides those injected, which come
// first. Of several chances that fit, at most one strikes. Struck is called with each
// that does, before it is suffered; nil: nobody is told. The same seed rolls the same
// dice, if requests come in the same order.
func (s *Server) Misbehave(seed uint64, chances []Chance, struck func(Fault, Request)) (stop func()) {
	if struck == nil {
		struck = func(Fault, Request) {}
	}
	d := &dice{
		random:  rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // no secret
		chances: chances, struck: struck,
	}
	s.faults.setDice(d)
	return func() { s.faults.setDice(nil) }
}

// dice decide whether a request suffers.
type dice struct {
	chances []Chance
	struck  func(Fault, Request)

	mu     sync.Mutex // over what follows
	random *rand.Rand
}

func (d *dice) roll(operation string) (Fault, bool) {
	d.mu.Lock()
	at := d.random.Float64()
	d.mu.Unlock()
	for _, c := range d.chances {
		if !(&activeFault{Fault: c.Fault}).fits(operation) {
			continue
		}
		if at < c.Of {
			return c.Fault, true
		}
		at -= c.Of
	}
	return Fault{}, false
}

func (l *faultList) setDice(d *dice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dice = d
}

// strikes returns the fault that this request has to suffer, if any.
func (l *faultList) strikes(r Request) (Fault, bool) {
	if f, ok := l.take(r.Operation); ok {
		return f, true
	}
	l.mu.Lock()
	d := l.dice
	l.mu.Unlock()
	if d == nil {
		return Fault{}, false
	}
	f, ok := d.roll(r.Operation)
	if ok {
		d.struck(f, r)
	}
	return f, ok
}
