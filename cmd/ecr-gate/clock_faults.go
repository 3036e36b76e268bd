//go:build faults

package main

import (
	"os"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// envClock names the file by which a test turns the clock of a running process.
const envClock = "ECR_GATE_FAULT_CLOCK"

// clock is a clock that the file named in the environment turns. The file holds
// two durations: what has passed unseen, as if one had waited for it, and how wrong
// the wall clock is. A wall clock that is set wrong leaves measured time alone, as
// it does in a machine whose clock is set while programs run.
func clock() func() time.Time {
	if os.Getenv(envClock) == "" {
		return time.Now
	}
	c := &turnedClock{file: os.Getenv(envClock)}
	return c.now
}

// lookEvery is how old what was read of the file may be.
const lookEvery = 10 * time.Millisecond

type turnedClock struct {
	file string

	mu     sync.Mutex
	looked time.Time
	passed time.Duration // unseen
	wrong  time.Duration // the wall clock is
}

func (c *turnedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.looked) >= lookEvery {
		c.looked = now
		c.read()
	}
	return setWrong(now.Add(c.passed), c.wrong)
}

// read takes over what the file says; a file that says nothing leaves the clock.
func (c *turnedClock) read() {
	text, err := os.ReadFile(c.file)
	passed, wrong, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	p, errPassed := time.ParseDuration(passed)
	w, errWrong := time.ParseDuration(wrong)
	if err == nil && errPassed == nil && errWrong == nil {
		c.passed, c.wrong = p, w
	}
}

// setWrong moves what a time says of the day, in whole seconds, and leaves what it
// measures by (its monotonic reading). Package time has no way to do that: Add moves
// both, and a test by it would show faults that no real clock can cause.
func setWrong(t time.Time, by time.Duration) time.Time {
	// As time.Time is since Go 1.9: a flag, 33 bits of seconds, 30 bits of nanoseconds.
	first := (*uint64)(unsafe.Pointer(&t)) //nolint:gosec // see above; TestClock holds it
	if *first>>63 == 0 {
		return t.Add(by) // there is no monotonic reading
	}
	*first += uint64(int64(by/time.Second)) << 30
	return t
}
