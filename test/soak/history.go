package main

import (
	"sync"
	"time"
)

// history is what held when. A change takes effect at some moment while it is made,
// so for that while both the old and the new hold. The zero value is empty.
type history[T any] struct {
	mu    sync.Mutex
	spans []span[T]
}

type span[T any] struct {
	from, until time.Time // until: zero while it lasts
	value       T
}

// begin says what holds from a moment on, in the past or in the future. What held
// before holds until the other moment, which is no earlier.
func (h *history[T]) begin(value T, from, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.spans); n > 0 {
		h.spans[n-1].until = until
	}
	h.spans = append(h.spans, span[T]{from: from, value: value})
}

// change makes a change, while which both what held and the value do.
func (h *history[T]) change(c *clock, value T, do func()) {
	h.mu.Lock()
	h.spans = append(h.spans, span[T]{from: c.now(), value: value})
	before := len(h.spans) - 2
	h.mu.Unlock()
	do()
	h.mu.Lock()
	defer h.mu.Unlock()
	if before >= 0 {
		h.spans[before].until = c.now()
	}
}

// within returns all that held at any moment between two.
func (h *history[T]) within(from, to time.Time) []T {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []T
	for _, s := range h.spans {
		if !s.from.After(to) && (s.until.IsZero() || !s.until.Before(from)) {
			found = append(found, s.value)
		}
	}
	return found
}
