package gate_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// An empty enhanced result is settled by its age, and that is its age when it was
// read: a cache that holds it does not make it settle.
func TestSettledIsTheReading(t *testing.T) {
	done := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		read, judged time.Duration // after the scan was done
		want         gate.Outcome
	}{
		"read and judged in time":          {121 * time.Second, 122 * time.Second, gate.Allowed},
		"read too early":                   {110 * time.Second, 111 * time.Second, gate.Pending},
		"read too early and judged later":  {110 * time.Second, 121 * time.Second, gate.Pending},
		"read by a clock that was wrong":   {2 * time.Hour, 3 * time.Minute, gate.Pending},
		"an old result read by that clock": {5 * time.Hour, 2 * time.Hour, gate.Allowed},
	} {
		scan := gate.Scan{
			Status: gate.StatusComplete, Type: gate.Enhanced, CompletedAt: done, ReadAt: done.Add(c.read),
			Findings: []gate.Finding{}, Counts: map[gate.Severity]int{},
		}
		v := gate.Case{Policy: gate.Default(), Scans: []gate.Scan{scan}, Now: done.Add(c.judged)}.Verdict()
		if v.Outcome != c.want {
			t.Errorf("%s: %s (%s)", name, v.Outcome, v.Reason)
		}
	}
}

// slowly is a source that takes half a minute to answer for a scan.
type slowly struct {
	waited *atomic.Int64 // in all, time.Duration
	scan   gate.Scan
}

// Resolve implements gate.Source.
func (s slowly) Resolve(_ context.Context, img gate.Image) (gate.Resolution, error) {
	return gate.Resolution{Digest: img.Digest, Manifests: []gate.Manifest{{Digest: img.Digest}}}, nil
}

// Scan implements gate.Source.
func (s slowly) Scan(context.Context, gate.Image, gate.Manifest) (gate.Scan, error) {
	s.waited.Add(int64(30 * time.Second))
	return s.scan, nil
}

// StartScan implements gate.Source.
func (slowly) StartScan(context.Context, gate.Image, gate.Manifest) error { return nil }

// A result is as old as the question: findings that came in while it was answered may
// be missing.
func TestReadingIsOfWhenItWasAskedFor(t *testing.T) {
	done := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, cached := range map[string]bool{"by itself": false, "through the cache": true} {
		var waited atomic.Int64
		clock := func() time.Time { return done.Add(100*time.Second + time.Duration(waited.Load())) }
		g := gate.Gate{Now: clock, Source: slowly{&waited, gate.Scan{
			Status: gate.StatusComplete, Type: gate.Enhanced, CompletedAt: done, Findings: []gate.Finding{}, Counts: map[gate.Severity]int{},
		}}}
		if cached {
			cache := gate.NewCache(g.Source, gate.CacheOptions{Now: clock})
			t.Cleanup(cache.Close)
			g.Source = cache
		}
		v := g.Check(t.Context(), gate.Request{Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/a@sha256:" + strings.Repeat("a", 64)})
		if v.Outcome != gate.Pending {
			t.Errorf("%s: %s (%s)", name, v.Outcome, v.Reason)
		}
	}
}
