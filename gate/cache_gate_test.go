package gate

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A verdict by what ECR said before says so, once, and is the same otherwise.
func TestStaleIsAWarning(t *testing.T) {
	stale := func(s Scan) Scan { s.Stale = true; return s }
	fresh := judge(dev(), nil, on("linux/amd64", amdDigest, basic()), on("linux/arm64", armDigest, basic()))
	wantEqual(t, "warnings", fresh.Warnings, nil)
	v := judge(dev(), nil, stale(on("linux/amd64", amdDigest, basic())), stale(on("linux/arm64", armDigest, basic())))
	wantEqual(t, "warnings", v.Warnings, []string{"ECR did not answer: judged by what it said before"})
	if diff := cmp.Diff(fresh, v, cmpopts.IgnoreFields(Verdict{}, "Warnings"), cmpopts.IgnoreUnexported(Verdict{}, ManifestVerdict{})); diff != "" {
		t.Error(diff)
	}
	denied := judge(dev(), nil, stale(basic(finding("CVE-1", Critical))))
	wantVerdict(t, denied, Denied, OverPolicy)
	wantEqual(t, "warnings", len(denied.Warnings), 1)
}

func TestStaleThroughTheGate(t *testing.T) {
	for name, failing := range map[string]struct{ resolve, scan bool }{
		"tag": {true, false}, "scan": {false, true}, "both": {true, true}, "neither": {false, false},
	} {
		t.Run(name, func(t *testing.T) {
			source := &asked{}
			cached(t, source, func(t *testing.T, c *cacheUnderTest) {
				g := &Gate{Source: c.Cache}
				first := check(g, Request{})
				wantVerdict(t, first, Allowed, WithinPolicy)
				if failing.scan { // wait until the scan's life is over, but not for the tag's
					rest(11 * time.Minute)
					_ = check(g, Request{Digest: amdDigest})
					source.scan = func(context.Context, Manifest) (Scan, error) { return Scan{}, throttling }
					rest(10*time.Minute - 30*time.Second)
					_, _ = c.byTag()
				}
				if failing.resolve {
					source.resolve = func(context.Context, Image) (Resolution, error) { return Resolution{}, throttling }
				}
				rest(31 * time.Second)
				v := check(g, Request{})
				wantVerdict(t, v, Allowed, WithinPolicy)
				var want []string
				if failing.resolve || failing.scan {
					want = []string{staleWarning}
				}
				wantEqual(t, "warnings", v.Warnings, want)
				wantEqual(t, "reason", v.Reason, first.Reason)
			})
		})
	}
}
