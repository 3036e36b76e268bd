package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// clock is the time of the world: AWS's, and what the gate measures by. It runs with
// the real one but for what has leapt, so that minutes are over at once. The gate's
// wall clock may be wrong besides.
type clock struct {
	file   string // the gate reads it
	passed atomic.Int64
	wrong  history[time.Duration]

	turning sync.RWMutex // held while the gate may not have seen a turn yet
	by      time.Duration
}

// lag is longer than the gate takes to look at the file.
const lag = 30 * time.Millisecond

func newClock(file string) (*clock, error) {
	c := &clock{file: file}
	c.wrong.begin(0, time.Time{}, time.Time{})
	err := c.write()
	return c, err
}

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.passed.Load())) }

// settled is the time at which gate and world agree what time it is.
func (c *clock) settled() time.Time {
	c.turning.RLock()
	defer c.turning.RUnlock()
	return c.now()
}

// leap has time pass at once.
func (c *clock) leap(ctx context.Context, by time.Duration) error {
	c.turning.Lock()
	defer c.turning.Unlock()
	c.passed.Add(int64(by))
	return c.seen(ctx)
}

// set sets the gate's wall clock wrong by so much; 0: right.
func (c *clock) set(ctx context.Context, by time.Duration) error {
	c.turning.Lock()
	defer c.turning.Unlock()
	before := c.now()
	c.by = by
	err := c.seen(ctx)
	c.wrong.begin(by, before, c.now())
	return err
}

// seen writes the file and waits until the gate has read it.
func (c *clock) seen(ctx context.Context) error {
	if err := c.write(); err != nil {
		return err
	}
	pause(context.WithoutCancel(ctx), lag)
	return nil
}

func (c *clock) write() error {
	text := fmt.Sprintf("%s %s\n", time.Duration(c.passed.Load()), c.by)
	if err := os.WriteFile(c.file+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(c.file+".new", c.file)
}

// wrongWithin reports whether the gate's wall clock was wrong at any moment between
// two.
func (c *clock) wrongWithin(from, to time.Time) bool {
	for _, by := range c.wrong.within(from, to) {
		if by != 0 {
			return true
		}
	}
	return false
}

// pause reports false if ctx is done before the time is over.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
