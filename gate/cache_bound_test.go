package gate

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever makes images up makes no more questions of them than there is room for,
// and what is known is answered all the same.
func TestCacheBoundsWhatItAsks(t *testing.T) {
	var mu sync.Mutex
	asking, most := 0, 0
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		asking += n
		most = max(most, asking)
	}
	source := &asked{scan: func(ctx context.Context, _ Manifest) (Scan, error) {
		count(1)
		defer count(-1)
		<-ctx.Done()
		return Scan{}, ctx.Err()
	}}
	cached(t, source, func(t *testing.T, c *cacheUnderTest) {
		hang := source.scan
		source.scan = func(context.Context, Manifest) (Scan, error) { return finishedScan(), nil }
		if _, err := c.theScan(t.Context()); err != nil {
			t.Fatal(err)
		}
		source.scan = hang
		for i := range 3 * maxFlights {
			go func() {
				_, _ = c.Scan(t.Context(), shop(), Manifest{Digest: fmt.Sprintf("sha256:%064x", i)})
			}()
		}
		synctest.Wait()
		if n := len(c.flights); n > maxFlights {
			t.Errorf("%d questions are open", n)
		}
		_, err := c.Scan(t.Context(), shop(), Manifest{Digest: "sha256:one more"})
		wantCause(t, err, NotReadable, true)
		if _, err := c.theScan(t.Context()); err != nil {
			t.Errorf("what is known: %v", err)
		}
		rest(2 * DefaultLoadTimeout)
		if most != maxAsking {
			t.Errorf("%d ask at a time", most)
		}
		if n := len(c.flights); n != 0 {
			t.Errorf("%d questions are left", n)
		}
		rest(time.Minute)
	})
}
