package gate

import (
	"context"
	"time"
)

// flight is one question to the source that is under way, and who waits for it.
//
// golang.org/x/sync/singleflight would do the waiting, but it takes the process
// down with a panic, does not say who was first, and lets a call that was
// forgotten store its answer all the same.
type flight struct {
	began time.Time
	done  chan struct{}
	fact  *fact // set before done is closed
}

// board joins the flight for this key, or begins one. There is none (nil) if by
// now an answer has come in.
func (c *Cache) board(ctx context.Context, key factKey) (*flight, CacheResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[key]; f != nil {
		return f, CacheCoalesced
	}
	held, _ := c.facts.GetIfPresent(key)
	now := c.now()
	if _, ok := held.answers(now); ok && !held.ageing(now) {
		return nil, ""
	}
	f := &flight{began: now, done: make(chan struct{})}
	if c.closed {
		return f.refused(asTrouble(context.Canceled)), CacheMiss
	}
	if len(c.flights) >= maxFlights {
		return f.refused(&Trouble{Cause: NotReadable, Passing: true, Text: "too many questions to ECR are open already", Mend: "try again"}), CacheMiss
	}
	key = key.own()
	c.flights[key] = f
	c.loads.Go(func() { c.load(ctx, key, f, held) })
	return f, CacheMiss
}

// refused is a flight that ends before it begins, and leaves nothing behind.
func (f *flight) refused(t *Trouble) *flight {
	f.fact = &fact{trouble: t}
	close(f.done)
	return f
}

// Loads outlive those who wait for them, so they have bounds of their own: whoever
// can make images up could make any number of questions of them.
const (
	maxFlights = 1024 // begun and not ended
	maxAsking  = 64   // of those, asking the source at a time
)

// load asks the source. It belongs to no caller: one that gives up leaves it to
// the others and to the cache.
func (c *Cache) load(ctx context.Context, key factKey, f *flight, held *fact) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
	defer cancel()
	defer context.AfterFunc(c.closing, cancel)()
	// A source that does not heed its deadline must not keep the key to itself.
	late := time.AfterFunc(c.timeout+time.Second, func() {
		c.land(key, f, c.trouble(f.began, context.DeadlineExceeded))
	})
	defer late.Stop()
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	case <-ctx.Done():
		c.land(key, f, c.trouble(f.began, ctx.Err()))
		return
	}
	c.land(key, f, c.ask(ctx, key, f.began, held))
}

// land hands the fact to those who wait, and keeps it, unless the flight has been
// disowned in the meantime.
func (c *Cache) land(key factKey, f *flight, got *fact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.fact != nil {
		return // it was too late
	}
	f.fact = got
	close(f.done)
	if c.flights[key] != f {
		return
	}
	delete(c.flights, key)
	held, _ := c.facts.GetIfPresent(key)
	c.facts.Set(key, got.after(held, c.now()))
}

// disown forgets what is known, and sees to it that a load which has begun does
// not bring it back.
func (c *Cache) disown(key factKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flights, key)
	c.facts.Invalidate(key)
}

// await waits for the flight as long as the caller can, and for a moment only if
// the earlier answer may stand in.
func (c *Cache) await(ctx context.Context, f *flight, held *fact, result CacheResult) (*fact, CacheResult) {
	now := c.now()
	bridged := held.bridges(now)
	var patience <-chan time.Time
	if bridged {
		timer := time.NewTimer(stalePatience - now.Sub(f.began))
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case <-f.done:
		if !bridged || !f.fact.unanswered() {
			return f.fact, result
		}
	case <-patience:
	case <-ctx.Done():
		if !bridged {
			return &fact{trouble: asTrouble(ctx.Err())}, result
		}
	}
	return held, CacheStale
}

// ask puts the one question that the key stands for.
func (c *Cache) ask(ctx context.Context, key factKey, began time.Time, held *fact) *fact {
	switch key.kind {
	case scanFact:
		return c.askScan(ctx, key, began, held)
	case startFact:
		return c.askStart(ctx, key, began)
	case tagFact, digestFact:
	}
	r, err := c.sourceResolve(ctx, key)
	if err != nil {
		return c.trouble(began, err)
	}
	return &fact{at: began, life: lifeOfResolution(key, r), resolution: r}
}

func (c *Cache) askScan(ctx context.Context, key factKey, began time.Time, held *fact) *fact {
	s, err := c.sourceScan(ctx, key)
	if err != nil {
		return c.trouble(began, err)
	}
	now := c.now()
	if s.ReadAt.IsZero() {
		s.ReadAt = now
	}
	if s.Previous == nil && held != nil {
		s.Previous = held.reading
	}
	f := &fact{at: began, life: lifeOfScan(s, now), scan: pack(s)}
	if finished(s) && !s.settled(now) {
		r := s.Reading()
		f.reading = &r
	}
	return f
}

// askStart makes what was known of the scan a thing of the past, unless the
// source says that no scan was started.
func (c *Cache) askStart(ctx context.Context, key factKey, began time.Time) *fact {
	f := &fact{at: began}
	if err := c.sourceStart(ctx, key); err != nil {
		f = c.trouble(began, err)
	}
	f.life = lifeOfStart()
	if f.trouble == nil || f.unanswered() {
		c.disown(factKey{scanFact, key.registry, key.repository, key.name})
	}
	return f
}

func (c *Cache) trouble(began time.Time, err error) *fact {
	return &fact{at: began, life: lasting(jitter(freshTrouble), 0), trouble: flat(err)}
}

func (c *Cache) sourceResolve(ctx context.Context, key factKey) (r Resolution, err error) {
	defer contain(&err)
	return c.source.Resolve(ctx, key.image())
}

func (c *Cache) sourceScan(ctx context.Context, key factKey) (s Scan, err error) {
	defer contain(&err)
	return c.source.Scan(ctx, key.image(), key.manifest())
}

func (c *Cache) sourceStart(ctx context.Context, key factKey) (err error) {
	defer contain(&err)
	return c.source.StartScan(ctx, key.image(), key.manifest())
}
