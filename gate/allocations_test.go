//go:build !race

package gate

import (
	"context"
	"testing"
	"time"
)

// A cached check is nearly all that a review costs besides its HTTP. The ceilings are
// what was measured: whoever makes it cheaper lowers them, and whoever cannot do
// without more says why. Findings cost bytes and no allocation of their own, and
// exceptions for other vulnerabilities cost none.
func TestCachedCheckAllocations(t *testing.T) {
	for name, c := range map[string]struct {
		findings   int
		exceptions []Exception
		ceiling    float64
	}{
		"20 findings":    {findings: 20, ceiling: 21},
		"1,000 findings": {findings: 1_000, ceiling: 22},
		"20 findings, 1,000 exceptions of another's": {findings: 20, exceptions: elsewhere(1_000), ceiling: 21},
	} {
		source := &asked{scan: func(context.Context, Manifest) (Scan, error) { return inspected(1, c.findings), nil }}
		cache := NewCache(source, CacheOptions{Now: func() time.Time { return now }})
		g := &Gate{Source: cache, Policies: []Policy{lenient()}, Exceptions: c.exceptions, Now: func() time.Time { return now }}
		got := leastAllocations(func() {
			if v := g.Check(t.Context(), Request{Image: shop().Written}); v.Outcome != Allowed {
				t.Error(v.Reason)
			}
		})
		if got > c.ceiling {
			t.Errorf("%s: %.0f allocations, the ceiling is %.0f", name, got, c.ceiling)
		}
		t.Logf("%s: %.0f allocations", name, got)
		cache.Close()
	}
}

// leastAllocations is how often something allocates that was done once already. The
// least of several counts: what runs beside it allocates too.
func leastAllocations(do func()) float64 {
	least := testing.AllocsPerRun(50, do)
	for range 4 {
		least = min(least, testing.AllocsPerRun(50, do))
	}
	return least
}

// elsewhere are exceptions for vulnerabilities and images of others.
func elsewhere(n int) []Exception {
	list := manyExceptions(n)
	for i := range list {
		list[i].IDs, list[i].Digests = []string{"GHSA-none"}, []string{amdDigest + "0"}
	}
	return list
}
