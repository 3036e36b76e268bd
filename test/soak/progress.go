package main

import (
	"fmt"
	"io"
	"sync"
)

// progress tells how far it is: on a terminal by one line that is written over and
// over, elsewhere by a line for each phase. nil writes nothing.
type progress struct {
	out      io.Writer
	rewrites bool
	mu       sync.Mutex
}

// phase tells that something begins.
func (p *progress) phase(text string) {
	if p == nil || p.rewrites {
		p.say(text)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintln(p.out, text)
}

// say tells how it goes on.
func (p *progress) say(text string) {
	if p == nil || !p.rewrites {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.out, "\r\033[K%s", text)
}

func (p *progress) end() { p.say("") }
