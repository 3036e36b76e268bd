package gate

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// farther is a registry of a Region whose packets are dropped on the way.
const farther = "111122223333.dkr.ecr.ap-south-1.amazonaws.com"

// halfReachable answers for one registry at once, and for any other not at all: each
// call takes as long as one may.
type halfReachable struct {
	asked
	lost atomic.Int32
}

func (s *halfReachable) Resolve(ctx context.Context, img Image) (Resolution, error) {
	if img.Registry == registry {
		return s.asked.Resolve(ctx, img)
	}
	s.lost.Add(1)
	timer := time.NewTimer(5 * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return Resolution{}, &Trouble{Cause: NotReadable, Passing: true, Text: "ECR did not answer"}
}

// askFor puts so many questions about images of a registry, each for 9 s.
func (c *cacheUnderTest) askFor(registry string, n int) {
	for i := range n {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
			defer cancel()
			_, _ = c.Resolve(ctx, Image{Registry: registry, Repository: "x", Tag: fmt.Sprint(i)})
		}()
	}
	synctest.Wait()
}

// underWay is how many questions are.
func (c *cacheUnderTest) underWay() int {
	c.Cache.mu.Lock()
	defer c.Cache.mu.Unlock()
	return len(c.flights)
}

// A registry that does not answer, asked about any number of images, keeps nobody
// from asking one that does.
func TestCacheAsksWhoAnswersFirst(t *testing.T) {
	source := &halfReachable{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		if _, err := c.byTag(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			c.askFor(farther, 1100)
			began := time.Now()
			if _, err := c.Resolve(t.Context(), Image{Registry: registry, Repository: "shop/web", Tag: fmt.Sprint(began.Unix())}); err != nil || time.Since(began) > 0 {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
			if _, err := c.Resolve(t.Context(), Image{Registry: farther, Repository: "y", Tag: "1"}); err == nil || !strings.Contains(err.Error(), "too many questions") {
				t.Errorf("one more of those: %v", err)
			}
			rest(10 * time.Second) // who asked has left
			if n := c.underWay(); n > maxUnknownAsking {
				t.Errorf("%d questions are open that nobody waits for", n)
			}
		}
		rest(time.Minute)
		if c.known.open != 0 || c.unknown.open != 0 || c.underWay() != 0 {
			t.Errorf("%d and %d are open, %d under way", c.known.open, c.unknown.open, c.underWay())
		}
	})
}

// A question that was given up is put again by the next who asks; one with another
// caller, or of the cache's own, goes on.
func TestCacheQuestionsGivenUp(t *testing.T) {
	source := &halfReachable{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		img := Image{Registry: farther, Repository: "y", Tag: "1"}
		ask := func(d time.Duration) <-chan string {
			answered := make(chan string, 1)
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), d)
				defer cancel()
				_, err := c.Resolve(ctx, img)
				answered <- fmt.Sprint(err)
			}()
			synctest.Wait()
			return answered
		}
		c.askFor(farther, maxUnknownAsking) // 5 s
		given, up := ask(time.Second), ask(2*time.Second)
		<-given
		if n := c.underWay(); n != maxUnknownAsking+1 {
			t.Errorf("%d questions, while one caller still waits", n)
		}
		<-up
		synctest.Wait()
		if n := c.underWay(); n != maxUnknownAsking {
			t.Errorf("%d questions, and nobody waits", n)
		}
		before := source.lost.Load()
		if got := <-ask(9 * time.Second); got != "ECR did not answer" {
			t.Errorf("got %s", got)
		}
		if source.lost.Load() != before+1 {
			t.Error("it was not asked again")
		}
		rest(20 * time.Second) // forgotten by now
		c.askFor(farther, maxUnknownAsking)
		before = source.lost.Load()
		c.board(t.Context(), resolveKey(img), false)
		<-ask(time.Second)
		rest(time.Minute)
		if source.lost.Load() != before+1 {
			t.Error("the cache's own question was given up")
		}
	})
}

// Which Regions answer is known for a while, and there is an end to their number.
func TestCacheKnowsWhoAnswers(t *testing.T) {
	source := &halfReachable{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		known := func(registry string) bool {
			c.Cache.mu.Lock()
			defer c.Cache.mu.Unlock()
			return c.laneOf(registry, time.Now()) == &c.known
		}
		if known(registry) {
			t.Error("known before it was asked")
		}
		_, _ = c.byTag()
		_, _ = c.Resolve(t.Context(), Image{Registry: farther, Repository: "x", Tag: "1"})
		if !known(registry) || known(farther) {
			t.Error("who answers is known, and nobody else")
		}
		if another := "999900001111" + registry[12:]; !known(another) {
			t.Errorf("%s is at the other end of the same network", another)
		}
		rest(knownFor)
		if known(registry) {
			t.Error("known for ever")
		}
		answer := &fact{}
		c.Cache.mu.Lock()
		for i := range 2 * maxStanding {
			c.note(fmt.Sprintf("1.%d", i), answer, time.Now())
		}
		n := len(c.standing)
		c.Cache.mu.Unlock()
		if n != maxStanding || !known("1.0") || known(fmt.Sprintf("1.%d", maxStanding)) {
			t.Errorf("%d are known", n)
		}
		rest(knownFor)
		_, _ = c.byTag()
		if !known(registry) {
			t.Error("there is no room for another, once those are forgotten")
		}
	})
}

// A registry nearby is believed to answer, until it does not.
func TestCacheBelievesWhoIsNear(t *testing.T) {
	source := &asked{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		c.near = func(r string) bool { return r == registry }
		lane := func(registry string) *lane {
			c.Cache.mu.Lock()
			defer c.Cache.mu.Unlock()
			return c.laneOf(registry, time.Now())
		}
		if lane(registry) != &c.known || lane(farther) == &c.known {
			t.Error("at first")
		}
		source.resolve = func(context.Context, Image) (Resolution, error) { return Resolution{}, throttling }
		_, _ = c.byTag()
		if lane(registry) == &c.known {
			t.Error("once it has not answered")
		}
		rest(time.Minute)
		source.resolve = nil
		if _, err := c.byTag(); err != nil || lane(registry) != &c.known {
			t.Error("once it has", err)
		}
		rest(2 * knownFor)
		if lane(registry) != &c.known {
			t.Error("a while later")
		}
	})
}

// A refusal is an answer, and what is said without asking is none.
func TestCacheKnowsWhoRefuses(t *testing.T) {
	for cause, answered := range map[Cause]bool{
		NoAccess: true, NotFound: true, NoRepository: true, "a new one": true,
		NotECR: false, NotListed: false, BadReference: false, Internal: false, NotReadable: false,
	} {
		source := &asked{resolve: func(context.Context, Image) (Resolution, error) {
			return Resolution{}, &Trouble{Cause: cause, Text: "no"}
		}}
		cached(t, source, func(t *testing.T, c *cacheUnderTest) {
			_, _ = c.byTag()
			if known := c.laneOf(registry, time.Now()) == &c.known; known != answered {
				t.Errorf("%s: %t", cause, known)
			}
		})
	}
}

// A scan that an earlier one stands in for is asked for, although nobody waits for long.
func TestCacheRefreshStaysInTheQueue(t *testing.T) {
	source := &halfReachable{}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		if _, err := c.theScan(t.Context()); err != nil {
			t.Fatal(err)
		}
		rest(11 * time.Minute)
		c.askFor(farther, maxUnknownAsking)
		for range 3 { // they leave after a second, the turn comes after five
			if s, err := c.theScan(t.Context()); err != nil || !s.Stale {
				t.Error(s.Stale, err)
			}
		}
		c.askFor(farther, 2*maxUnknownAsking) // who comes later stands behind it
		rest(9 * time.Second)
		wantAsked(t, "scanned", &source.scans, 2)
	})
}
