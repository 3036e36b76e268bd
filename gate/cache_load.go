package gate

import (
	"context"
	"maps"
	"strings"
	"time"
)

// flight is one question to the source that is under way, and who waits for it.
//
// golang.org/x/sync/singleflight would do the waiting, but it takes the process
// down with a panic, does not say who was first, and lets a call that was
// forgotten store its answer all the same.
type flight struct {
	began time.Time
	lane  *lane
	done  chan struct{}
	fact  *fact // set before done is closed

	waiting  int           // callers
	wanted   bool          // whether any caller waits for it or not
	asking   bool          // the source is being asked
	deserted chan struct{} // closed when the last caller left before that
}

// board joins the flight for this key, or begins one, to wait for it or only to have
// it under way. There is none (nil) if by now an answer has come in.
func (c *Cache) board(ctx context.Context, key factKey, wait bool) (*flight, CacheResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held, _ := c.facts.GetIfPresent(key)
	now := c.now()
	anyhow := !wait || held.bridges(now)
	if f := c.flights[key]; f != nil {
		f.join(wait, anyhow)
		return f, CacheCoalesced
	}
	if _, ok := held.answers(now); ok && !held.ageing(now) {
		return nil, ""
	}
	f := &flight{began: now, lane: c.laneOf(key.registry, now), done: make(chan struct{}), deserted: make(chan struct{})}
	f.join(wait, anyhow)
	if c.closed {
		return f.refused(AsTrouble(context.Canceled)), CacheMiss
	}
	if len(c.flights) >= maxFlights || f.lane.open >= f.lane.most {
		return f.refused(&Trouble{Cause: NotReadable, Passing: true, Text: "too many questions to ECR are open already", Mend: "try again"}), CacheMiss
	}
	key = key.own()
	c.flights[key] = f
	f.lane.open++
	select {
	case f.lane.turns <- struct{}{}:
		f.asking = true
	default: // it has to queue
	}
	queues := !f.asking
	c.loads.Go(func() { c.load(ctx, key, f, held, queues) })
	return f, CacheMiss
}

// join counts a caller who waits. Who has an earlier answer leaves early and comes again:
// the question stays in the queue anyhow.
func (f *flight) join(waits, anyhow bool) {
	if waits {
		f.waiting++
	}
	f.wanted = f.wanted || anyhow
}

// alight is for a caller to leave. A question that nobody waits for any more is not
// worth a place in the queue; one that has been asked is, for the next who comes.
func (c *Cache) alight(key factKey, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiting--; f.waiting > 0 || f.wanted || f.asking || f.fact != nil {
		return
	}
	if c.flights[key] == f {
		delete(c.flights, key)
	}
	close(f.deserted)
}

// refused is a flight that ends before it begins, and leaves nothing behind.
func (f *flight) refused(t *Trouble) *flight {
	f.fact = &fact{trouble: t}
	close(f.done)
	return f
}

// Loads outlive those who wait for them, so they have bounds of their own: whoever
// can make images up could make any number of questions of them. Those to registries
// that do not answer have narrower ones, for each of them takes as long as a call
// may: in a network that drops packets to other Regions, a pod that names one would
// keep everybody from asking.
const (
	maxFlights        = 1024 // begun and not ended
	maxAsking         = 64   // of those, asking the source at a time
	maxUnknownFlights = 512
	maxUnknownAsking  = 16
	knownFor          = 10 * time.Minute // after an answer, of whatever kind
	maxStanding       = 1024             // Regions and the like; of others nothing is known
)

// lane is where questions wait for their turn.
type lane struct {
	open, most int           // flights; open by the cache's lock
	turns      chan struct{} // a token for each that asks
}

func newLane(most, turns int) lane { return lane{most: most, turns: make(chan struct{}, turns)} }

// standing is when a registry last answered, and when it did not.
type standing struct{ answered, silent time.Time }

// whereOf is what registries have in common that answer or do not: all of a Region are
// at the other end of the same network.
func whereOf(registry string) string {
	_, where, _ := strings.Cut(registry, ".") // after the account
	return where
}

func (c *Cache) laneOf(registry string, now time.Time) *lane {
	switch s := c.standing[whereOf(registry)]; {
	case now.Sub(s.answered) < knownFor: // never is long ago
		return &c.known
	case c.near(registry) && !s.silent.After(s.answered):
		return &c.known
	default:
		return &c.unknown
	}
}

// note remembers whether a registry has answered. There is an end to what is remembered.
func (c *Cache) note(registry string, got *fact, now time.Time) {
	where := whereOf(registry)
	s, ok := c.standing[where]
	switch {
	case got.unanswered():
		s.silent = now
	case got.trouble == nil || got.trouble.Cause.answered():
		s.answered = now
	default: // it was not asked
		return
	}
	if !ok && len(c.standing) >= maxStanding {
		maps.DeleteFunc(c.standing, func(_ string, s standing) bool { return now.Sub(s.answered) >= knownFor })
	}
	if ok || len(c.standing) < maxStanding {
		c.standing[where] = s
	}
}

// answered reports whether trouble of this cause is what a registry said. Of what is not
// a registry at all, none has.
func (c Cause) answered() bool {
	switch c {
	case NotReadable, NotECR, NotListed, BadReference, Internal:
		return false
	default:
		return true
	}
}

// load asks the source. It belongs to no caller: one that gives up leaves it to
// the others and to the cache. It may have to queue for its turn.
func (c *Cache) load(ctx context.Context, key factKey, f *flight, held *fact, queues bool) {
	defer c.end(f)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
	defer cancel()
	defer context.AfterFunc(c.closing, cancel)()
	// A source that does not heed its deadline must not keep the key to itself.
	late := time.AfterFunc(c.timeout+time.Second, func() {
		c.land(key, f, c.trouble(f.began, context.DeadlineExceeded))
	})
	defer late.Stop()
	switch {
	case c.turn(ctx, f, queues):
		defer func() { <-f.lane.turns }()
		c.land(key, f, c.ask(ctx, key, f.began, held))
	case ctx.Err() != nil:
		c.land(key, f, c.trouble(f.began, ctx.Err()))
	}
}

// turn waits for the flight's turn to ask. It is false if ctx ends before, or if by
// then nobody waits for the answer.
func (c *Cache) turn(ctx context.Context, f *flight, queues bool) bool {
	if !queues {
		return true
	}
	select {
	case f.lane.turns <- struct{}{}:
	case <-ctx.Done():
		return false
	case <-f.deserted:
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-f.deserted: // at the same moment
		<-f.lane.turns
		return false
	default:
		f.asking = true
		return true
	}
}

func (c *Cache) end(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.lane.open--
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
	defer close(f.done) // who waited finds it kept
	c.note(key.registry, got, c.now())
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
func (c *Cache) await(ctx context.Context, key factKey, f *flight, held *fact, result CacheResult) (*fact, CacheResult) {
	defer c.alight(key, f)
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
			return &fact{trouble: AsTrouble(ctx.Err())}, result
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
		s.ReadAt = began // what came in while it was read may be missing
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
// source says that no scan was started, not lately either.
func (c *Cache) askStart(ctx context.Context, key factKey, began time.Time) *fact {
	f := &fact{at: began}
	if err := c.sourceStart(ctx, key); err != nil {
		f = c.trouble(began, err)
	}
	f.life = lifeOfStart()
	if f.trouble == nil || f.unanswered() || f.trouble.ScannedLately {
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
