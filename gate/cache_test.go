package gate

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// asked is a Source of functions that counts what it was asked.
type asked struct {
	resolve func(context.Context, Image) (Resolution, error)
	scan    func(context.Context, Manifest) (Scan, error)
	start   func(context.Context, Manifest) error

	mu sync.Mutex // to change scan while one is under way

	resolves, scans, starts atomic.Int32
}

// scanBy changes what scans are answered with.
func (a *asked) scanBy(scan func(context.Context, Manifest) (Scan, error)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scan = scan
}

func (a *asked) Resolve(ctx context.Context, img Image) (Resolution, error) {
	a.resolves.Add(1)
	if a.resolve != nil {
		return a.resolve(ctx, img)
	}
	return Resolution{Digest: amdDigest, Manifests: []Manifest{{Digest: amdDigest}}}, nil
}

func (a *asked) Scan(ctx context.Context, _ Image, m Manifest) (Scan, error) {
	a.scans.Add(1)
	a.mu.Lock()
	scan := a.scan
	a.mu.Unlock()
	if scan != nil {
		return scan(ctx, m)
	}
	return finishedScan(), nil
}

func (a *asked) StartScan(ctx context.Context, _ Image, m Manifest) error {
	a.starts.Add(1)
	if a.start != nil {
		return a.start(ctx, m)
	}
	return nil
}

// finishedScan is what a source answers: it does not say when it was read.
func finishedScan(findings ...Finding) Scan {
	s := basic(findings...)
	s.CompletedAt, s.ReadAt = time.Now().Add(-time.Hour), time.Time{}
	return s
}

// cached runs a test of a cache by a clock of its own.
func cached(t *testing.T, source Source, test func(*testing.T, *cacheUnderTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cacheUnderTest{results: map[CacheResult]int{}}
		c.Cache = NewCache(source, CacheOptions{Count: c.counted})
		defer c.Close()
		test(t, c)
	})
}

type cacheUnderTest struct {
	*Cache
	mu      sync.Mutex
	results map[CacheResult]int
}

func (c *cacheUnderTest) counted(r CacheResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.results[r]++
}

// wantResults holds the counts since the last call against what they should be.
func (c *cacheUnderTest) wantResults(t *testing.T, want map[CacheResult]int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if diff := cmp.Diff(want, c.results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	c.results = map[CacheResult]int{}
}

// byTag, byDigest and theScan read the facts that most tests are about.
func (c *cacheUnderTest) byTag() (Resolution, error) {
	return c.Resolve(context.Background(), Image{Registry: registry, Repository: "shop/web", Tag: "1.4"})
}

func (c *cacheUnderTest) byDigest() (Resolution, error) {
	return c.Resolve(context.Background(), Image{Registry: registry, Repository: "shop/web", Digest: amdDigest})
}

func (c *cacheUnderTest) theScan(ctx context.Context) (Scan, error) {
	return c.Scan(ctx, shop(), Manifest{Digest: amdDigest})
}

// rest lets time pass, and everything else that is to happen until then.
func rest(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func wantCause(t *testing.T, err error, cause Cause, passing bool) {
	t.Helper()
	var trouble *Trouble
	if !errors.As(err, &trouble) || trouble.Cause != cause || trouble.Passing != passing {
		t.Errorf("got %v, want trouble of cause %s, passing %t", err, cause, passing)
	}
}

func wantAsked(t *testing.T, what string, got *atomic.Int32, want int) {
	t.Helper()
	if n := int(got.Load()); n != want {
		t.Errorf("%s %d times, want %d", what, n, want)
	}
}

var (
	throttling = &Trouble{Cause: NotReadable, Passing: true, Text: "ECR is throttling our requests", Mend: "try again"}
	refusing   = &Trouble{Cause: NoAccess, Text: "AWS refused access"}
)

// A fact is asked for by its key: another key, another question; anything else
// about the reference does not matter, and the source does not see it.
func TestCacheKeys(t *testing.T) {
	var shown []Image
	source := &asked{resolve: func(_ context.Context, img Image) (Resolution, error) {
		shown = append(shown, img)
		return Resolution{Digest: amdDigest}, nil
	}}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		for _, img := range []Image{
			{Written: "a", Registry: "r", Repository: "p", Tag: "1"},
			{Written: "b", Registry: "r", Repository: "p", Tag: "1"},
			{Written: "c", Registry: "r", Repository: "p", Tag: "2"},
			{Written: "d", Registry: "r", Repository: "q", Tag: "1"},
			{Written: "e", Registry: "s", Repository: "p", Tag: "1"},
			{Written: "f", Registry: "r", Repository: "p", Digest: amdDigest},
			{Written: "g", Registry: "r", Repository: "p", Tag: "1", Digest: amdDigest},
			{Written: "h", Registry: "r", Repository: "p", Tag: amdDigest}, // not that digest
		} {
			if _, err := c.Resolve(t.Context(), img); err != nil {
				t.Error(err)
			}
		}
		wantEqual(t, "shown", shown, []Image{
			{Registry: "r", Repository: "p", Tag: "1"},
			{Registry: "r", Repository: "p", Tag: "2"},
			{Registry: "r", Repository: "q", Tag: "1"},
			{Registry: "s", Repository: "p", Tag: "1"},
			{Registry: "r", Repository: "p", Digest: amdDigest},
			{Registry: "r", Repository: "p", Tag: amdDigest},
		})
		c.wantResults(t, map[CacheResult]int{CacheMiss: 6, CacheHit: 2})

		for _, look := range []struct {
			img Image
			m   Manifest
		}{
			{Image{Written: "a", Registry: "r", Repository: "p", Tag: "1", Digest: indexDigest}, Manifest{"linux/amd64", amdDigest}},
			{Image{Written: "b", Registry: "r", Repository: "p", Tag: "2"}, Manifest{"", amdDigest}},
			{Image{Registry: "r", Repository: "p"}, Manifest{"linux/amd64", armDigest}},
			{Image{Registry: "r", Repository: "q"}, Manifest{"linux/amd64", amdDigest}},
			{Image{Registry: "s", Repository: "p"}, Manifest{"linux/amd64", amdDigest}},
		} {
			if _, err := c.Scan(t.Context(), look.img, look.m); err != nil {
				t.Error(err)
			}
		}
		wantAsked(t, "scanned", &source.scans, 4)
	})
}

// A fact is asked for again when its life is over, and not before. Nobody asks
// for it in between, so that nothing is refreshed.
func TestCacheLives(t *testing.T) {
	second := time.Second
	status := func(s Status, change ...func(*Scan)) func(context.Context, Manifest) (Scan, error) {
		return func(context.Context, Manifest) (Scan, error) {
			scan := finishedScan(finding("CVE-1", Low))
			scan.Status = s
			for _, c := range change {
				c(&scan)
			}
			return scan, nil
		}
	}
	justNow := func(s *Scan) { s.Type, s.CompletedAt = Enhanced, time.Now() }
	failing := func(err error) func(context.Context, Manifest) (Scan, error) {
		return func(context.Context, Manifest) (Scan, error) { return Scan{}, err }
	}
	for name, test := range map[string]struct {
		scan        func(context.Context, Manifest) (Scan, error)
		fresh, gone time.Duration
	}{
		"finished":                     {status(StatusComplete), 599 * second, 601 * second},
		"watched":                      {status(StatusActive), 599 * second, 601 * second},
		"no time of completion":        {status(StatusComplete, func(s *Scan) { s.CompletedAt = time.Time{} }), 12 * second, 18 * second},
		"not settled":                  {status(StatusActive, justNow), 12 * second, 18 * second},
		"basic, just now":              {status(StatusComplete, justNow, func(s *Scan) { s.Type = Basic }), 599 * second, 601 * second},
		"counts say more":              {status(StatusComplete, func(s *Scan) { s.Counts = map[Severity]int{Low: 2} }), 12 * second, 18 * second},
		"counts agree":                 {status(StatusComplete, func(s *Scan) { s.Counts = map[Severity]int{Low: 1} }), 599 * second, 601 * second},
		"a finding of unknown status":  {status(StatusComplete, func(s *Scan) { s.Findings[0].Status = StatusUnknown }), 12 * second, 18 * second},
		"running":                      {status(StatusInProgress), 12 * second, 18 * second},
		"queued":                       {status(StatusPending), 12 * second, 18 * second},
		"no status":                    {status(""), 12 * second, 18 * second},
		"unknown status":               {status("NEW"), 12 * second, 18 * second},
		"quota":                        {status(StatusLimitExceeded), 12 * second, 18 * second},
		"findings unavailable":         {status(StatusFindingsUnavailable), 12 * second, 18 * second},
		"trouble in the scan":          {status(StatusFailed, func(s *Scan) { s.Trouble = throttling }), 12 * second, 18 * second},
		"trouble in the finished scan": {status(StatusComplete, func(s *Scan) { s.Trouble = throttling }), 12 * second, 18 * second},
		"failed":                       {status(StatusFailed), 48 * second, 72 * second},
		"unsupported":                  {status(StatusUnsupported), 48 * second, 72 * second},
		"expired":                      {status(StatusExpired), 48 * second, 72 * second},
		"archived":                     {status(StatusArchived), 48 * second, 72 * second},
		"no scan":                      {failing(&Trouble{Cause: NoScan, Passing: true}), 8 * second, 12 * second},
		"no access":                    {failing(refusing), 8 * second, 12 * second},
		"throttled":                    {failing(throttling), 8 * second, 12 * second},
		"unclassified":                 {failing(errors.New("boom")), 8 * second, 12 * second},
	} {
		t.Run(name, func(t *testing.T) {
			source := &asked{scan: test.scan}
			cached(t, source, func(t *testing.T, c *cacheUnderTest) {
				wantLife(t, c, func() { _, _ = c.theScan(t.Context()) }, test.fresh, test.gone)
			})
		})
	}
}

// wantLife asks at once, just before the shortest end of a fact's life and after
// its longest.
func wantLife(t *testing.T, c *cacheUnderTest, ask func(), fresh, gone time.Duration) {
	t.Helper()
	ask()
	rest(fresh - time.Millisecond)
	ask()
	synctest.Wait()
	c.wantResults(t, map[CacheResult]int{CacheMiss: 1, CacheHit: 1})
	rest(gone + time.Millisecond) // it may have been read anew by the hit
	ask()
	c.wantResults(t, map[CacheResult]int{CacheMiss: 1})
}

func TestCacheLivesOfResolutions(t *testing.T) {
	for name, test := range map[string]struct {
		resolve     func(context.Context, Image) (Resolution, error)
		digest      string
		fresh, gone time.Duration
	}{
		"tag":              {fresh: 8 * time.Second, gone: 12 * time.Second},
		"digest":           {digest: amdDigest, fresh: 6 * time.Hour, gone: 6*time.Hour + time.Second},
		"another digest":   {digest: armDigest, fresh: 8 * time.Second, gone: 12 * time.Second},
		"tag of no digest": {resolve: func(context.Context, Image) (Resolution, error) { return Resolution{}, nil }, fresh: 8 * time.Second, gone: 12 * time.Second},
		"not found": {resolve: func(context.Context, Image) (Resolution, error) {
			return Resolution{}, &Trouble{Cause: NotFound, Passing: true}
		}, digest: amdDigest, fresh: 8 * time.Second, gone: 12 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			source := &asked{resolve: test.resolve}
			cached(t, source, func(t *testing.T, c *cacheUnderTest) {
				img := shop()
				img.Digest = test.digest
				wantLife(t, c, func() { _, _ = c.Resolve(t.Context(), img) }, test.fresh, test.gone)
			})
		})
	}
}

// What is no resolution stands in for none.
func TestCacheBridgesOnlyResolutions(t *testing.T) {
	byTag, byDigest := resolveKey(Image{Tag: "1.4"}), resolveKey(Image{Digest: amdDigest})
	for _, l := range []life{lifeOfResolution(byTag, Resolution{}), lifeOfResolution(byDigest, Resolution{Digest: armDigest})} {
		if l.stale != 0 {
			t.Errorf("stands in for %s", l.stale)
		}
	}
}

// Who missed a fact that has come in since does not ask again.
func TestCacheLooksAgainBeforeItAsks(t *testing.T) {
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		_, _ = c.theScan(t.Context())
		if f, _ := c.board(t.Context(), manifestKey(scanFact, shop(), Manifest{Digest: amdDigest}), true); f != nil {
			t.Error("asked again")
		}
	})
}

// Short lives are not all of one length.
func TestCacheJitter(t *testing.T) {
	least, most := time.Hour, time.Duration(0)
	for range 1000 {
		d := jitter(10 * time.Second)
		least, most = min(least, d), max(most, d)
	}
	if least < 8*time.Second || most > 12*time.Second || most-least < 3*time.Second {
		t.Errorf("from %s to %s", least, most)
	}
	if l := lifeOfScan(Scan{}, now); l.refresh < settleGap {
		t.Errorf("an unsettled result is read again after %s already", l.refresh)
	}
}

// Two looks at an enhanced result that agree, 10 s apart, settle it.
func TestCacheSettles(t *testing.T) {
	list := []Finding{finding("CVE-1", Low)}
	var completed time.Time
	source := &asked{scan: func(context.Context, Manifest) (Scan, error) {
		s := enhanced(list...)
		s.CompletedAt, s.ReadAt = completed, time.Time{}
		return s, nil
	}}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		completed = time.Now()
		settled := func() bool {
			s, err := c.theScan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return s.settled(time.Now())
		}
		if settled() {
			t.Error("settled at once")
		}
		rest(9 * time.Second)
		if settled() {
			t.Error("settled by one look that was handed out twice")
		}
		list = append(list, finding("CVE-2", Low))
		rest(9 * time.Second)
		if settled() {
			t.Error("settled by two looks that differ")
		}
		rest(20 * time.Second) // held beyond its life, for the next look
		if !settled() {
			t.Error("not settled by two looks that agree")
		}
		wantAsked(t, "scanned", &source.scans, 3)
		list = append(list, finding("CVE-3", Critical)) // a third look says more
		rest(20 * time.Second)
		if settled() {
			t.Error("two looks that agreed are believed longer than a moment")
		}
		rest(SettleWindow)
		_, _ = c.theScan(t.Context())
		c.wantResults(t, map[CacheResult]int{CacheMiss: 5, CacheHit: 1})
		rest(6 * time.Minute)
		_, _ = c.theScan(t.Context())
		c.wantResults(t, map[CacheResult]int{CacheHit: 1})
	})
}

// Trouble in between does not lose the earlier look.
func TestCacheSettlesOverTrouble(t *testing.T) {
	var err error
	var completed time.Time
	source := &asked{scan: func(context.Context, Manifest) (Scan, error) {
		s := enhanced(finding("CVE-1", Low))
		s.CompletedAt, s.ReadAt = completed, time.Time{}
		return s, err
	}}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		completed = time.Now()
		_, _ = c.theScan(t.Context())
		rest(20 * time.Second)
		err = throttling
		_, got := c.theScan(t.Context())
		wantCause(t, got, NotReadable, true)
		rest(13 * time.Second)
		err = nil
		if s, _ := c.theScan(t.Context()); !s.settled(time.Now()) {
			t.Error("not settled by two looks that agree")
		}
	})
}

// Many who miss the same thing at once ask once.
func TestCacheCoalesces(t *testing.T) {
	release := make(chan struct{})
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		release = make(chan struct{})
		source.scan = func(context.Context, Manifest) (Scan, error) {
			<-release
			return finishedScan(finding("CVE-1", Low)), nil
		}
		var all sync.WaitGroup
		for range 300 {
			all.Go(func() {
				if s, err := c.theScan(t.Context()); err != nil || len(s.Findings) != 1 {
					t.Error(s, err)
				}
			})
		}
		synctest.Wait()
		close(release)
		all.Wait()
		wantAsked(t, "scanned", &source.scans, 1)
		c.wantResults(t, map[CacheResult]int{CacheMiss: 1, CacheCoalesced: 299})
		_, _ = c.theScan(t.Context())
		c.wantResults(t, map[CacheResult]int{CacheHit: 1})
	})
}

// A caller that gives up leaves at its own deadline, and takes nobody with it.
func TestCacheCallersLeaveAlone(t *testing.T) {
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		type key struct{}
		source.scan = func(ctx context.Context, _ Manifest) (Scan, error) {
			if ctx.Value(key{}) != "value" {
				t.Error("the load has lost the values of its context")
			}
			select {
			case <-ctx.Done():
				return Scan{}, ctx.Err()
			case <-time.After(3 * time.Second):
				return finishedScan(), nil
			}
		}
		began := time.Now()
		first, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), time.Second)
		defer cancel()
		second, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			_, err := c.theScan(first)
			wantCause(t, err, NotReadable, true)
			if took := time.Since(began); took != time.Second {
				t.Error("left after", took)
			}
		})
		synctest.Wait()
		all.Go(func() {
			_, err := c.theScan(second)
			wantCause(t, err, NotReadable, true)
			if took := time.Since(began); took != 2*time.Second {
				t.Error("left after", took)
			}
		})
		all.Go(func() {
			if _, err := c.theScan(t.Context()); err != nil {
				t.Error("cancelled with the others:", err)
			}
		})
		rest(2 * time.Second)
		leave()
		all.Wait()
		if _, err := c.theScan(t.Context()); err != nil {
			t.Error(err)
		}
		wantAsked(t, "scanned", &source.scans, 1)
		c.wantResults(t, map[CacheResult]int{CacheMiss: 1, CacheCoalesced: 2, CacheHit: 1})
	})
}

// A load has a deadline of its own, and one that does not heed it is given up.
func TestCacheLoadTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		scan func(context.Context, Manifest) (Scan, error)
		took time.Duration
	}{
		"heeded": {func(ctx context.Context, _ Manifest) (Scan, error) {
			<-ctx.Done()
			return Scan{}, ctx.Err()
		}, DefaultLoadTimeout},
		"not heeded": {func(context.Context, Manifest) (Scan, error) {
			<-time.After(time.Minute)
			return finishedScan(), nil
		}, DefaultLoadTimeout + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			source := &asked{scan: test.scan}
			cached(t, source, func(t *testing.T, c *cacheUnderTest) {
				began := time.Now()
				_, err := c.theScan(t.Context())
				wantCause(t, err, NotReadable, true)
				if took := time.Since(began); took != test.took {
					t.Error("took", took)
				}
				source.scanBy(nil)
				rest(30 * time.Second)
				if _, err := c.theScan(t.Context()); err != nil {
					t.Error("the key is lost:", err)
				}
				rest(time.Minute) // the late answer
				if _, err := c.theScan(t.Context()); err != nil {
					t.Error(err)
				}
				wantAsked(t, "scanned", &source.scans, 2)
			})
		})
	}
}

// The deadline of a load may be set.
func TestCacheLoadTimeoutOfTheOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(&asked{scan: func(ctx context.Context, _ Manifest) (Scan, error) {
			<-ctx.Done()
			return Scan{}, ctx.Err()
		}}, CacheOptions{LoadTimeout: 2 * time.Second})
		defer c.Close()
		began := time.Now()
		_, err := c.Scan(t.Context(), shop(), Manifest{Digest: amdDigest})
		wantCause(t, err, NotReadable, true)
		wantEqual(t, "took", time.Since(began), 2*time.Second)
	})
}

// What the source itself only remembers stays marked as such.
func TestCacheKeepsTheSourcesStale(t *testing.T) {
	source := &asked{
		resolve: func(context.Context, Image) (Resolution, error) {
			return Resolution{Digest: amdDigest, Stale: true}, nil
		},
		scan: func(context.Context, Manifest) (Scan, error) {
			return with(finishedScan(), func(s *Scan) { s.Stale = true }), nil
		},
	}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		for range 2 {
			if r, err := c.byTag(); err != nil || !r.Stale {
				t.Error("resolution:", r, err)
			}
			if s, err := c.theScan(t.Context()); err != nil || !s.Stale {
				t.Error("scan:", s, err)
			}
		}
		c.wantResults(t, map[CacheResult]int{CacheMiss: 2, CacheHit: 2})
	})
}

// When a scan was read, and what an earlier look saw, is the source's word where it
// gives one.
func TestCacheTakesTheSourcesWord(t *testing.T) {
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		read := time.Now().Add(-time.Minute)
		source.scan = func(context.Context, Manifest) (Scan, error) {
			return with(enhanced(finding("CVE-1", Low)), func(s *Scan) {
				s.CompletedAt, s.ReadAt = read, read
				s.Previous = &Reading{"the source's", read}
			}), nil
		}
		for range 2 { // the second look has an earlier one of the cache's own
			s, err := c.theScan(t.Context())
			if err != nil || !s.ReadAt.Equal(read) || s.Previous == nil || s.Previous.Fingerprint != "the source's" {
				t.Errorf("read at %s after %+v, %v", s.ReadAt, s.Previous, err)
			}
			rest(20 * time.Second)
		}
		wantAsked(t, "scanned", &source.scans, 2)
	})
}

// A panic in the source is an error for everybody who waits.
func TestCachePanics(t *testing.T) {
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		release := make(chan struct{})
		wait := func() { <-release; panic("boom") }
		source.resolve = func(context.Context, Image) (Resolution, error) { wait(); return Resolution{}, nil }
		source.scan = func(context.Context, Manifest) (Scan, error) { wait(); return Scan{}, nil }
		source.start = func(context.Context, Manifest) error { wait(); return nil }
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { _, err := c.byTag(); wantCause(t, err, Internal, false) })
			all.Go(func() { _, err := c.theScan(t.Context()); wantCause(t, err, Internal, false) })
			all.Go(func() {
				wantCause(t, c.StartScan(t.Context(), shop(), Manifest{Digest: amdDigest}), Internal, false)
			})
		}
		synctest.Wait()
		close(release)
		all.Wait()
	})
}

// Who asks late in a fact's life is answered at once, and it is read anew behind
// the scenes, once.
func TestCacheRefreshesAhead(t *testing.T) {
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		found := finding("CVE-1", Low)
		source.scan = func(context.Context, Manifest) (Scan, error) {
			if source.scans.Load() > 1 {
				<-time.After(3 * time.Second)
			}
			return finishedScan(found), nil
		}
		_, _ = c.theScan(t.Context())
		found.ID = "CVE-2"
		rest(419 * time.Second)
		_, _ = c.theScan(t.Context())
		wantAsked(t, "before 70 % scanned", &source.scans, 1)
		rest(time.Second)
		for range 10 {
			began := time.Now()
			s, err := c.theScan(t.Context())
			if err != nil || time.Since(began) != 0 || s.Findings[0].ID != "CVE-1" {
				t.Error(s, err, time.Since(began))
			}
		}
		rest(3 * time.Second)
		if s, _ := c.theScan(t.Context()); s.Findings[0].ID != "CVE-2" {
			t.Error("not read anew")
		}
		wantAsked(t, "after 70 % scanned", &source.scans, 2)
		c.wantResults(t, map[CacheResult]int{CacheMiss: 1, CacheHit: 12})
		rest(24 * time.Hour)
		wantAsked(t, "with nobody asking scanned", &source.scans, 2)
	})
}

// Where the source gives no answer, the earlier one stands in, up to a limit.
func TestCacheStaleIfNoAnswer(t *testing.T) {
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		_, _ = c.byTag()
		_, _ = c.byDigest()
		_, _ = c.theScan(t.Context())
		c.results = map[CacheResult]int{}
		source.resolve = func(context.Context, Image) (Resolution, error) { return Resolution{}, throttling }
		source.scanBy(func(context.Context, Manifest) (Scan, error) { return Scan{}, throttling })

		rest(2*time.Minute - time.Second)
		r, err := c.byTag()
		if err != nil || !r.Stale || r.Digest != amdDigest {
			t.Error("tag after 2 minutes:", r, err)
		}
		rest(time.Second)
		_, err = c.byTag()
		wantCause(t, err, NotReadable, true)

		rest(58*time.Minute - time.Second)
		s, err := c.theScan(t.Context())
		if err != nil || !s.Stale {
			t.Error("scan after an hour:", s, err)
		}
		rest(time.Second)
		_, err = c.theScan(t.Context())
		wantCause(t, err, NotReadable, true)

		rest(10 * time.Hour)
		if r, err := c.byDigest(); err != nil || r.Stale { // a digest is always true
			t.Error("digest after hours:", r, err)
		}
		c.wantResults(t, map[CacheResult]int{CacheStale: 3, CacheMiss: 2})
	})
}

// What is not settled, and what was trouble, stands in for nothing.
func TestCacheBridgesOnlyWhatIsSettled(t *testing.T) {
	for name, first := range map[string]func() (Scan, error){
		"running":     func() (Scan, error) { return Scan{Status: StatusInProgress}, nil },
		"failed":      func() (Scan, error) { return Scan{Status: StatusFailed}, nil },
		"not settled": func() (Scan, error) { return Scan{Status: StatusActive, CompletedAt: time.Now()}, nil },
		"no scan":     func() (Scan, error) { return Scan{}, &Trouble{Cause: NoScan, Passing: true} },
	} {
		t.Run(name, func(t *testing.T) {
			source := &asked{scan: func(context.Context, Manifest) (Scan, error) { return first() }}
			cached(t, source, func(t *testing.T, c *cacheUnderTest) {
				_, _ = c.theScan(t.Context())
				source.scanBy(func(context.Context, Manifest) (Scan, error) { return Scan{}, throttling })
				rest(73 * time.Second)
				for range 2 { // and that there is no answer is remembered too
					_, err := c.theScan(t.Context())
					wantCause(t, err, NotReadable, true)
				}
				wantAsked(t, "scanned", &source.scans, 2)
			})
		})
	}
}

// Stale never hides that AWS says no, whatever it says no with.
func TestCacheStaleHidesNoAnswer(t *testing.T) {
	causes := []Cause{"", NoScan, NoAccess, NotFound, NoRepository, NotECR, NotListed, BadReference, BadImage,
		Expired, Archived, ScanFailed, UnknownStatus, CountsDisagree, Internal, TooOld, "A cause that is new"}
	for _, cause := range causes {
		for _, passing := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, passing %t", cause, passing), func(t *testing.T) { wantNotHidden(t, cause, passing) })
		}
	}
	t.Run("NotReadable that will not pass", func(t *testing.T) { wantNotHidden(t, NotReadable, false) })
}

func wantNotHidden(t *testing.T, cause Cause, passing bool) {
	t.Helper()
	no := &Trouble{Cause: cause, Passing: passing}
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		_, _ = c.theScan(t.Context())
		source.scanBy(func(context.Context, Manifest) (Scan, error) { return Scan{}, no })
		rest(11 * time.Minute)
		_, err := c.theScan(t.Context())
		wantCause(t, err, cause, passing)
		source.scanBy(func(context.Context, Manifest) (Scan, error) { return Scan{}, throttling })
		rest(13 * time.Second)
		_, err = c.theScan(t.Context())
		wantCause(t, err, NotReadable, true) // what was clean before the no is gone
	})
}

// A no that a refresh comes by takes the place of a fact that is still fresh.
func TestCacheRefreshIsRefused(t *testing.T) {
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		_, _ = c.theScan(t.Context())
		source.scanBy(func(context.Context, Manifest) (Scan, error) { return Scan{}, refusing })
		rest(7 * time.Minute)
		_, _ = c.theScan(t.Context())
		synctest.Wait()
		_, err := c.theScan(t.Context())
		wantCause(t, err, NoAccess, false)
	})
}

// A source that is slow is waited for a moment only, while there is an earlier
// answer; one that fails is left alone for a while.
func TestCacheStaleWhileSlow(t *testing.T) {
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		_, _ = c.theScan(t.Context())
		c.results = map[CacheResult]int{}
		source.scan = func(context.Context, Manifest) (Scan, error) {
			<-time.After(5 * time.Second)
			return Scan{}, throttling
		}
		look := func(want time.Duration) {
			t.Helper()
			began := time.Now()
			s, err := c.theScan(t.Context())
			if took := time.Since(began); err != nil || !s.Stale || took != want {
				t.Error(s.Stale, err, took)
			}
		}
		rest(11 * time.Minute)
		look(time.Second)
		look(0) // it has been waited for already
		wantAsked(t, "scanned", &source.scans, 2)
		rest(4 * time.Second) // it has failed
		look(0)
		rest(4*time.Second - time.Millisecond)
		look(0)
		wantAsked(t, "within the pause scanned", &source.scans, 2)
		rest(2*time.Second + time.Millisecond)
		look(time.Second)
		wantAsked(t, "after the pause scanned", &source.scans, 3)
		c.wantResults(t, map[CacheResult]int{CacheStale: 5})

		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		source.scanBy(func(context.Context, Manifest) (Scan, error) {
			<-time.After(2 * time.Second)
			return finishedScan(finding("CVE-1", Low)), nil
		})
		rest(20 * time.Second)
		if s, err := c.theScan(ctx); err != nil || !s.Stale {
			t.Error("a caller in a hurry has the earlier answer too:", s, err)
		}
		rest(2 * time.Second)
		if s, err := c.theScan(t.Context()); err != nil || s.Stale || len(s.Findings) != 1 {
			t.Error("the slow answer is not held:", s, err)
		}
	})
}

// A refresh that has no answer is not tried again with every hit.
func TestCacheRefreshFails(t *testing.T) {
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		_, _ = c.theScan(t.Context())
		source.scanBy(func(context.Context, Manifest) (Scan, error) { return Scan{}, throttling })
		rest(8 * time.Minute)
		for range 10 {
			if s, err := c.theScan(t.Context()); err != nil || s.Stale {
				t.Error("it is still fresh:", s, err)
			}
			synctest.Wait()
		}
		wantAsked(t, "scanned", &source.scans, 2)
		rest(7 * time.Second)
		_, _ = c.theScan(t.Context())
		synctest.Wait()
		wantAsked(t, "scanned", &source.scans, 3)
	})
}

// A scan that is started makes a thing of the past of what is known and of what
// is being read.
func TestCacheStartScan(t *testing.T) {
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		release := make(chan struct{})
		source.scan = func(context.Context, Manifest) (Scan, error) {
			<-release
			return finishedScan(finding("OLD", Low)), nil
		}
		var before sync.WaitGroup
		before.Go(func() {
			if s, err := c.theScan(t.Context()); err != nil || s.Findings[0].ID != "OLD" {
				t.Error("who asked before has what was then:", s, err)
			}
		})
		synctest.Wait()
		if err := c.StartScan(t.Context(), shop(), Manifest{Digest: amdDigest}); err != nil {
			t.Error(err)
		}
		source.scanBy(func(context.Context, Manifest) (Scan, error) { return finishedScan(finding("NEW", Low)), nil })
		if s, err := c.theScan(t.Context()); err != nil || s.Findings[0].ID != "NEW" {
			t.Error("waited for the load that had begun before:", s, err)
		}
		close(release)
		before.Wait()
		synctest.Wait()
		if s, err := c.theScan(t.Context()); err != nil || s.Findings[0].ID != "NEW" {
			t.Error("the load that had begun before was stored:", s, err)
		}
		wantAsked(t, "scanned", &source.scans, 2)
	})
}

// Many reviews of an unscanned image start one scan, and what came of it is
// remembered, for better or worse.
func TestCacheStartsOneScan(t *testing.T) {
	limit := &Trouble{Cause: TooOld, Text: "ECR scans an image once in 24 hours, and did"}
	lately := &Trouble{Cause: TooOld, Text: "ECR scans an image once in 24 hours, and did", ScannedLately: true}
	for name, err := range map[string]error{"started": nil, "refused": limit, "started by another": lately, "not answered": throttling} {
		t.Run(name, func(t *testing.T) {
			source := &asked{}
			cached(t, source, func(t *testing.T, c *cacheUnderTest) {
				source.start = func(ctx context.Context, _ Manifest) error {
					<-time.After(time.Second)
					return err
				}
				_, _ = c.theScan(t.Context())
				start := func() {
					got := c.StartScan(t.Context(), shop(), Manifest{Digest: amdDigest})
					if (got == nil) != (err == nil) {
						t.Error(got)
					}
				}
				var all sync.WaitGroup
				for range 300 {
					all.Go(start)
				}
				all.Wait()
				rest(46 * time.Second)
				start()
				wantAsked(t, "started", &source.starts, 1)
				rest(30 * time.Second)
				start()
				wantAsked(t, "a minute later started", &source.starts, 2)

				_, _ = c.theScan(t.Context())
				want := map[CacheResult]int{CacheMiss: 2}
				if name == "refused" { // nothing has changed
					want = map[CacheResult]int{CacheMiss: 1, CacheHit: 1}
				}
				c.wantResults(t, want)
				_ = c.StartScan(t.Context(), shop(), Manifest{Digest: armDigest})
				wantAsked(t, "of another manifest started", &source.starts, 3)
			})
		})
	}
}

func TestCacheHandsOutCopies(t *testing.T) {
	source := &asked{scan: func(context.Context, Manifest) (Scan, error) { return Scan{}, refusing }}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		r, _ := c.byTag()
		r.Manifests[0].Digest = "changed"
		r, _ = c.byTag()
		wantEqual(t, "digest", r.Manifests[0].Digest, amdDigest)

		_, err := c.theScan(t.Context())
		var trouble *Trouble
		if !errors.As(err, &trouble) {
			t.Fatal(err)
		}
		trouble.Cause = "changed"
		_, err = c.theScan(t.Context())
		wantCause(t, err, NoAccess, false)
		wantEqual(t, "the source's own", refusing.Cause, NoAccess)
	})
}

// What lies beneath trouble is told, and not held on to.
func TestCacheFlattensErrors(t *testing.T) {
	beneath := errors.New("https response error StatusCode: 500")
	source := &asked{scan: func(context.Context, Manifest) (Scan, error) {
		return Scan{}, &Trouble{Cause: NotReadable, Text: "ECR answered with an error of its own", Err: beneath}
	}}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		_, err := c.theScan(t.Context())
		if !strings.Contains(err.Error(), beneath.Error()) {
			t.Error("lost:", err)
		}
		if errors.Is(err, beneath) {
			t.Error("held on to")
		}
	})
}

func TestCacheClosed(t *testing.T) {
	source := &asked{}
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(source, CacheOptions{})
		if _, err := c.Scan(t.Context(), shop(), Manifest{Digest: amdDigest}); err != nil {
			t.Error(err)
		}
		source.scanBy(func(ctx context.Context, _ Manifest) (Scan, error) {
			<-ctx.Done()
			<-time.After(time.Second) // to clear up
			return Scan{}, ctx.Err()
		})
		var waiting sync.WaitGroup
		waiting.Go(func() {
			_, err := c.Scan(t.Context(), shop(), Manifest{Digest: armDigest})
			wantCause(t, err, NotReadable, true)
		})
		synctest.Wait()
		began := time.Now()
		c.Close()
		if took := time.Since(began); took != time.Second {
			t.Error("closing took", took)
		}
		waiting.Wait()
		if _, err := c.Scan(t.Context(), shop(), Manifest{Digest: amdDigest}); err != nil {
			t.Error("what is held:", err)
		}
		_, err := c.Resolve(t.Context(), shop())
		wantCause(t, err, NotReadable, true)
		wantAsked(t, "resolved", &source.resolves, 0)
	})
}

// The clock may be another's.
func TestCacheNow(t *testing.T) {
	var later atomic.Int64
	source := &asked{scan: func(context.Context, Manifest) (Scan, error) {
		return with(basic(), func(s *Scan) { s.ReadAt = time.Time{} }), nil
	}}
	c := NewCache(source, CacheOptions{Now: func() time.Time { return now.Add(time.Duration(later.Load())) }})
	defer c.Close()
	s, _ := c.Scan(t.Context(), shop(), Manifest{Digest: amdDigest})
	wantEqual(t, "read at", s.ReadAt, now)
	later.Store(int64(5 * time.Minute))
	_, _ = c.Scan(t.Context(), shop(), Manifest{Digest: amdDigest})
	wantAsked(t, "scanned", &source.scans, 1)
	later.Store(int64(11 * time.Minute))
	_, _ = c.Scan(t.Context(), shop(), Manifest{Digest: amdDigest})
	wantAsked(t, "scanned", &source.scans, 2)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func filled(t testing.TB, options CacheOptions, images int) (*Cache, uint64) {
	t.Helper()
	source := &asked{
		resolve: func(_ context.Context, img Image) (Resolution, error) {
			return Resolution{Digest: img.Digest, Manifests: []Manifest{{Digest: img.Digest}}}, nil
		},
		scan: func(_ context.Context, m Manifest) (Scan, error) {
			var image int
			_, err := fmt.Sscanf(m.Digest, "sha256:%x", &image)
			return inspected(image, 100), err
		},
	}
	before := heap()
	c := NewCache(source, options)
	for i := range images {
		img := Image{Registry: registry, Repository: fmt.Sprintf("shop/%d", i), Digest: fmt.Sprintf("sha256:%064x", i)}
		if _, err := c.Resolve(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		if s, err := c.Scan(t.Context(), img, Manifest{Digest: img.Digest}); err != nil || len(s.Findings) != 100 {
			t.Fatal(s, err)
		}
	}
	c.facts.CleanUp()
	return c, heap() - before
}

// 10,000 images of 100 findings each, and nothing was evicted to make them fit.
func TestCacheHolds10000Images(t *testing.T) {
	const images, budget = 10_000, 256 << 20
	c, bytes := filled(t, CacheOptions{MaxBytes: 1 << 30}, images)
	defer c.Close()
	t.Logf("%d bytes an image of 100 findings, %d MiB of heap, weighed as %d MiB", bytes/images, bytes>>20, c.facts.WeightedSize()>>20)
	if bytes > budget {
		t.Errorf("%d MiB of heap", bytes>>20)
	}
	wantEqual(t, "facts", c.facts.EstimatedSize(), 2*images)
	if weight := c.facts.WeightedSize(); weight < bytes || weight > bytes*5/4 {
		t.Errorf("weighed as %d MiB, and is %d", weight>>20, bytes>>20)
	}
}

// The bound is kept, whatever comes in.
func TestCacheIsBounded(t *testing.T) {
	const bound = 4 << 20
	c, bytes := filled(t, CacheOptions{MaxBytes: bound}, 1000)
	defer c.Close()
	t.Logf("%d KiB of heap, %d facts", bytes>>10, c.facts.EstimatedSize())
	if bytes > bound*5/4 {
		t.Errorf("%d KiB of heap", bytes>>10)
	}
	if n := c.facts.EstimatedSize(); n < 100 {
		t.Errorf("%d facts are left", n)
	}
}
