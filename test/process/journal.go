package process

import (
	"bytes"
	"strings"
	"sync"
)

// journal collects the lines that a process writes.
type journal struct {
	mu    sync.Mutex
	lines []string
	rest  []byte // of a line that has not ended
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rest = append(j.rest, p...)
	for {
		line, rest, found := bytes.Cut(j.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		j.lines = append(j.lines, string(line))
		j.rest = append([]byte(nil), rest...)
	}
}

// take returns the lines that were not taken yet, with what has begun if all.
func (j *journal) take(all bool) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	if all && len(j.rest) > 0 {
		lines, j.rest = append(lines, string(j.rest)), nil
	}
	return lines
}

// last is the end of what was written, for a message.
func (j *journal) last() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(append(j.lines[max(0, len(j.lines)-5):len(j.lines):len(j.lines)], string(j.rest)), "\n")
}

// Lines returns what the process has logged since the last call, line by line. Of
// one that has ended, an unfinished last line too.
func (p *Process) Lines() []string {
	select {
	case <-p.ended:
		return p.log.take(true)
	default:
		return p.log.take(false)
	}
}
