package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/ecr-gate/ecr-gate/gate"
)

// isTerminal reports whether a stream is one a person looks at.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colourful follows NO_COLOR (no-color.org): set to anything, there is none.
func colourful(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}

// progress keeps one live line on a terminal, and is silent elsewhere.
type progress struct {
	w     io.Writer // nil: silent
	width int

	mu          sync.Mutex
	total, over int
	shown       bool
}

func newProgress(w io.Writer, total int) *progress {
	p := &progress{total: total}
	if isTerminal(w) {
		p.w, p.width = w, terminalWidth(w)
	}
	return p
}

// terminalWidth is in columns; 80 where it cannot be told.
func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok && isTerminal(w) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 20 {
			return width
		}
	}
	return 80
}

// waiting shows what is waited for and for how much longer.
func (p *progress) waiting(v gate.Verdict, left time.Duration) {
	p.mu.Lock()
	over := p.over
	p.mu.Unlock()
	p.show(fmt.Sprintf("%d of %d judged, up to %s more: %s", over, p.total, left.Round(time.Second), v.Reason))
}

func (p *progress) judged() {
	p.mu.Lock()
	p.over++
	p.mu.Unlock()
}

// examined shows that one more image was looked at.
func (p *progress) examined() {
	p.judged()
	p.mu.Lock()
	over := p.over
	p.mu.Unlock()
	p.show(fmt.Sprintf("%d of %d images looked at", over, p.total))
}

func (p *progress) show(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil {
		return
	}
	if runes := []rune(line); len(runes) >= p.width {
		line = string(runes[:p.width-2]) + "…"
	}
	_, _ = fmt.Fprint(p.w, "\r\x1b[K"+line)
	p.shown = true
}

// done clears the line.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}
