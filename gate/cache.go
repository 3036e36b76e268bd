package gate

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
)

// CacheResult says how the cache came by an answer.
type CacheResult string

// The four ways; every Resolve and every Scan is one of them.
const (
	CacheHit       CacheResult = "hit"       // what is held is fresh
	CacheMiss      CacheResult = "miss"      // the source was asked for it
	CacheCoalesced CacheResult = "coalesced" // the source was being asked for it already
	CacheStale     CacheResult = "stale"     // what is held was no longer fresh, but the source gave no answer
)

// Defaults of [CacheOptions].
const (
	DefaultCacheBytes  = 192 << 20
	DefaultLoadTimeout = 8 * time.Second
)

// CacheOptions sets a cache up. The zero value is a cache with the defaults.
type CacheOptions struct {
	// MaxBytes bounds what is held; 0: [DefaultCacheBytes].
	MaxBytes uint64
	// LoadTimeout bounds one question to the source, which outlives the caller that
	// made it be asked; 0: [DefaultLoadTimeout].
	LoadTimeout time.Duration
	// Near tells registries that are believed to answer, as those of the own Region,
	// until they do not; nil: none is.
	Near func(registry string) bool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Count is told of every Resolve and Scan how it was answered; nil: nobody is.
	Count func(CacheResult)
}

// Cache is a [Source] that remembers what another one answered. It holds facts,
// never verdicts: a policy or an exception that changes holds at once.
//
// How long a fact holds is said in cache_life.go. Where the source gives no
// answer at all, an earlier one may stand in for a while, marked Stale; where
// the source says no, nothing does.
//
// All its troubles are of type *[Trouble]. It is safe for concurrent use, and so
// is what it returns: nothing of it is shared.
type Cache struct {
	source  Source
	timeout time.Duration
	near    func(registry string) bool
	now     func() time.Time
	count   func(CacheResult)

	facts *otter.Cache[factKey, *fact]

	closing context.Context
	close   context.CancelFunc
	loads   sync.WaitGroup
	known   lane
	unknown lane

	mu       sync.Mutex // held to begin, land or disown a flight, never while the source is asked
	flights  map[factKey]*flight
	standing map[string]standing // of registries, by where they are
	closed   bool
}

// NewCache puts a cache before a source. [Cache.Close] stops it.
func NewCache(source Source, options CacheOptions) *Cache {
	c := &Cache{
		source:  source,
		timeout: options.LoadTimeout,
		near:    options.Near,
		now:     options.Now,
		count:   options.Count,
		known:   newLane(maxFlights, maxAsking),
		unknown: newLane(maxUnknownFlights, maxUnknownAsking),
		flights: map[factKey]*flight{}, standing: map[string]standing{},
	}
	if c.timeout <= 0 {
		c.timeout = DefaultLoadTimeout
	}
	if c.near == nil {
		c.near = func(string) bool { return false }
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.count == nil {
		c.count = func(CacheResult) {}
	}
	if options.MaxBytes == 0 {
		options.MaxBytes = DefaultCacheBytes
	}
	c.closing, c.close = context.WithCancel(context.Background())
	c.facts = otter.Must(&otter.Options[factKey, *fact]{
		MaximumWeight: options.MaxBytes,
		Weigher:       weigh,
		// Whether a fact holds is asked of the fact. This only gives back the room of
		// those that can be of no use any more.
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[factKey, *fact]) time.Duration {
			return e.Value.keep()
		}),
	})
	return c
}

// Close stops the loads under way and waits for them. A cache that is closed
// still answers what it holds.
func (c *Cache) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.close()
	c.loads.Wait()
	c.facts.StopAllGoroutines()
}

// Resolve implements [Source].
func (c *Cache) Resolve(ctx context.Context, img Image) (Resolution, error) {
	f, result := c.read(ctx, resolveKey(img))
	c.count(result)
	if f.trouble != nil {
		return Resolution{}, f.problem()
	}
	r := f.resolution
	r.Manifests = slices.Clone(r.Manifests)
	// What a digest names is as true as ever.
	r.Stale = r.Stale || result == CacheStale && img.Digest == ""
	return r, nil
}

// Scan implements [Source].
func (c *Cache) Scan(ctx context.Context, img Image, m Manifest) (Scan, error) {
	packed, stale, err := c.packedScan(ctx, img, m)
	if err != nil {
		return Scan{}, err
	}
	s := packed.unpack()
	s.Stale = s.Stale || stale
	return s, nil
}

// packedScan implements [packedSource].
func (c *Cache) packedScan(ctx context.Context, img Image, m Manifest) (s *packedScan, stale bool, err error) {
	f, result := c.read(ctx, manifestKey(scanFact, img, m))
	c.count(result)
	if f.trouble != nil {
		return nil, false, f.problem()
	}
	return &f.scan, result == CacheStale, nil
}

// StartScan implements [Source]. What came of it is remembered, so that many
// reviews of one unscanned image ask for one scan.
func (c *Cache) StartScan(ctx context.Context, img Image, m Manifest) error {
	if f, _ := c.read(ctx, manifestKey(startFact, img, m)); f.trouble != nil {
		return f.problem()
	}
	return nil
}

// read finds the fact, in the cache or by asking for it. It always returns one,
// if only to say that there is none.
func (c *Cache) read(ctx context.Context, key factKey) (*fact, CacheResult) {
	for {
		held, _ := c.facts.GetIfPresent(key)
		now := c.now()
		if result, ok := held.answers(now); ok {
			if held.ageing(now) {
				c.board(ctx, key, false)
			}
			return held, result
		}
		if f, result := c.board(ctx, key, true); f != nil {
			return c.await(ctx, key, f, held, result)
		} // else another caller's answer has come in between
	}
}
