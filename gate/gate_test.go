package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// registryOf is a Source of functions, which remembers what it was asked.
type registryOf struct {
	resolve func(Image) (Resolution, error)
	scan    func(Manifest) (Scan, error)
	start   func(Manifest) error

	mu       sync.Mutex
	resolved []Image
	scanned  []string
	started  []string
}

func (r *registryOf) Resolve(_ context.Context, img Image) (Resolution, error) {
	r.mu.Lock()
	r.resolved = append(r.resolved, img)
	r.mu.Unlock()
	if r.resolve == nil {
		return Resolution{Digest: indexDigest, Manifests: []Manifest{{Digest: indexDigest}}}, nil
	}
	return r.resolve(img)
}

func (r *registryOf) Scan(_ context.Context, _ Image, m Manifest) (Scan, error) {
	r.mu.Lock()
	r.scanned = append(r.scanned, m.Digest)
	r.mu.Unlock()
	if r.scan == nil {
		return basic(), nil
	}
	return r.scan(m)
}

func (r *registryOf) StartScan(_ context.Context, _ Image, m Manifest) error {
	r.started = append(r.started, m.Digest)
	if r.start == nil {
		return nil
	}
	return r.start(m)
}

func gateOver(source Source, policies ...Policy) *Gate {
	return &Gate{Source: source, Policies: policies, Now: func() time.Time { return now }}
}

func check(g *Gate, req Request) Verdict {
	if req.Image == "" {
		req.Image = shop().Written
	}
	return g.Check(context.Background(), req)
}

var twoPlatforms = []Manifest{{"linux/amd64", amdDigest}, {"linux/arm64", armDigest}}

func resolvesTo(manifests []Manifest) func(Image) (Resolution, error) {
	return func(Image) (Resolution, error) { return Resolution{Digest: indexDigest, Manifests: manifests}, nil }
}

func TestCheck(t *testing.T) {
	source := &registryOf{resolve: resolvesTo(twoPlatforms)}
	v := check(gateOver(source), Request{})
	wantVerdict(t, v, Allowed, WithinPolicy)
	wantEqual(t, "image", v.Image, shop().Written)
	wantEqual(t, "digest", v.Digest, indexDigest)
	wantEqual(t, "resolved once", len(source.resolved), 1)
	slices.Sort(source.scanned)
	wantEqual(t, "scanned", source.scanned, []string{armDigest, amdDigest})
	wantEqual(t, "started", source.started, nil)
	for i, m := range v.Manifests {
		wantEqual(t, "manifest", Manifest{m.Platform, m.Digest}, twoPlatforms[i])
	}
}

func TestCheckBadReference(t *testing.T) {
	source := &registryOf{}
	v := gateOver(source, dev()).Check(context.Background(), Request{Image: "shop//web", Policy: "dev"})
	wantVerdict(t, v, Unavailable, BadReference)
	wantEqual(t, "image", v.Image, "shop//web")
	wantEqual(t, "passing", v.Passing, false)
	wantEqual(t, "asked", len(source.resolved), 0)
}

func TestWhichPolicy(t *testing.T) {
	policies := []Policy{
		{Name: "pay", Images: []string{"**/pay/**"}},
		{Name: "shop", Images: []string{"nothing", registry + "/shop/*"}},
		{Name: "all of shop", Images: []string{"**/shop/**"}},
	}
	tests := []struct{ name, image, asked, used string }{
		{"the first that matches", registry + "/shop/web", "", "shop"},
		{"globs see the folder", registry + "/shop/web/api", "", "all of shop"},
		{"any spelling of the registry", strings.ToUpper(registry) + ":443/shop/web", "", "shop"},
		{"none matches", registry + "/tools/web", "", "built-in"},
		{"by name, matching or not", registry + "/shop/web", "pay", "pay"},
		{"the built-in one by name", registry + "/shop/web", "built-in", "built-in"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := check(gateOver(&registryOf{}, policies...), Request{Image: test.image, Policy: test.asked})
			wantEqual(t, "policy", v.Policy, test.used)
			wantEqual(t, "outcome", v.Outcome, Allowed)
		})
	}

	source := &registryOf{}
	v := check(gateOver(source, policies...), Request{Policy: "Shop"})
	wantVerdict(t, v, Unavailable, UnknownPolicy)
	wantEqual(t, "asked", len(source.resolved), 0)
	wantEqual(t, "names", gateOver(source, policies...).PolicyNames(), []string{"pay", "shop", "all of shop", "built-in"})

	// A policy of no name is nobody's choice: it holds where it matches.
	nameless := Policy{Images: []string{"**/pay/**"}, Limits: map[Severity]int{Critical: 99}}
	v = check(gateOver(&registryOf{}, nameless), Request{})
	wantEqual(t, "policy", v.Policy, "built-in")

	own := Policy{Name: "built-in", Limits: map[Severity]int{Low: 0}}
	v = check(gateOver(&registryOf{}, own), Request{Policy: "built-in"})
	wantEqual(t, "limits", v.Limits, own.Limits)
	wantEqual(t, "names", gateOver(source, own).PolicyNames(), []string{"built-in"})

	wantEqual(t, "a glob that cannot be read", Policy{Images: []string{"[a"}}.Matches(shop()), true)
}

func TestRequestDigest(t *testing.T) {
	echo := func(img Image) (Resolution, error) {
		return Resolution{Digest: img.Digest, Manifests: []Manifest{{Digest: img.Digest}}}, nil
	}
	source := &registryOf{resolve: echo}
	v := check(gateOver(source), Request{Digest: amdDigest})
	wantEqual(t, "judged", v.Digest, amdDigest)
	wantEqual(t, "asked for", source.resolved[0].Digest, amdDigest)
	wantEqual(t, "scanned", source.scanned, []string{amdDigest})

	v = check(gateOver(source), Request{Image: registry + "/shop/web:1.4@" + armDigest})
	wantEqual(t, "judged", v.Digest, armDigest)
	v = check(gateOver(source), Request{Image: registry + "/shop/web@" + armDigest, Digest: armDigest})
	wantVerdict(t, v, Allowed, WithinPolicy)
	v = check(gateOver(source), Request{Image: registry + "/shop/web@" + armDigest, Digest: amdDigest})
	wantVerdict(t, v, Unavailable, BadReference)
	wantEqual(t, "judged", v.Digest, armDigest)
}

// A source that answers for another image, or for none, is not believed.
func TestResolveIsHeldToItsWord(t *testing.T) {
	for name, resolved := range map[string]Resolution{
		"another digest": {Digest: amdDigest, Manifests: []Manifest{{Digest: amdDigest}}},
		"no digest":      {Manifests: []Manifest{{Digest: armDigest}}},
	} {
		source := &registryOf{resolve: func(Image) (Resolution, error) { return resolved, nil }}
		v := check(gateOver(source), Request{Digest: armDigest})
		wantVerdict(t, v, Unavailable, Internal)
		wantEqual(t, name+": scanned", source.scanned, nil)
	}
	source := &registryOf{resolve: func(Image) (Resolution, error) { return Resolution{}, nil }}
	wantVerdict(t, check(gateOver(source), Request{}), Unavailable, Internal)
	source = &registryOf{resolve: resolvesTo(nil)}
	wantVerdict(t, check(gateOver(source), Request{}), Unavailable, BadImage)
}

func TestErrorClasses(t *testing.T) {
	throttled := &Trouble{Cause: NotReadable, Passing: true, Text: "ECR is throttling our requests", Mend: "try again"}
	tests := []struct {
		name    string
		err     error
		outcome Outcome
		cause   Cause
		passing bool
	}{
		{"trouble", &Trouble{Cause: NoAccess, Text: "AWS refused access"}, Unavailable, NoAccess, false},
		{"trouble that passes", throttled, Unavailable, NotReadable, true},
		{"trouble, wrapped", fmt.Errorf("scan: %w", throttled), Unavailable, NotReadable, true},
		{"not visible yet", &Trouble{Cause: NotFound, Passing: true}, Unavailable, NotFound, true},
		{"no scan", &Trouble{Cause: NoScan, Passing: true}, Pending, NoScan, true},
		{"deadline", fmt.Errorf("read: %w", context.DeadlineExceeded), Unavailable, NotReadable, true},
		{"cancelled", context.Canceled, Unavailable, NotReadable, true},
		{"unclassified", errors.New("boom"), Unavailable, Internal, false},
		{"a nil trouble", (*Trouble)(nil), Unavailable, Internal, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for where, source := range map[string]*registryOf{
				"resolve": {resolve: func(Image) (Resolution, error) { return Resolution{}, test.err }},
				"scan":    {scan: func(Manifest) (Scan, error) { return basic(), test.err }},
			} {
				v := check(gateOver(source), Request{})
				wantVerdict(t, v, test.outcome, test.cause)
				wantEqual(t, where+": passing", v.Passing, test.passing)
				wantEqual(t, where+": resolved once", len(source.resolved), 1)
			}
		})
	}
}

func TestPanicsAreContained(t *testing.T) {
	for where, source := range map[string]*registryOf{
		"resolve": {resolve: func(Image) (Resolution, error) { panic("resolve") }},
		"scan":    {scan: func(Manifest) (Scan, error) { panic("scan") }},
	} {
		v := check(gateOver(source), Request{})
		wantVerdict(t, v, Unavailable, Internal)
		wantEqual(t, where+": passing", v.Passing, false)
	}

	// The other platform's scan counts all the same.
	one := &registryOf{resolve: resolvesTo(twoPlatforms), scan: func(m Manifest) (Scan, error) {
		if m.Digest == amdDigest {
			panic("index out of range")
		}
		return basic(finding("CVE-2024-1", Critical)), nil
	}}
	wantVerdict(t, check(gateOver(one), Request{}), Denied, OverPolicy)

	var source *registryOf // a gate set up wrongly
	wantVerdict(t, check(gateOver(source), Request{}), Unavailable, Internal)

	starting := &registryOf{scan: noScan, start: func(Manifest) error { panic("start") }}
	v := check(gateOver(starting, Policy{StartScan: true}), Request{})
	wantVerdict(t, v, Pending, NoScan)
	wantEqual(t, "warnings", len(v.Warnings), 1)
}

func noScan(Manifest) (Scan, error) {
	return Scan{}, &Trouble{Cause: NoScan, Passing: true, Text: "ECR knows of no scan"}
}

func tooOld(Manifest) (Scan, error) {
	return with(basic(), func(s *Scan) { s.CompletedAt = now.Add(-1000 * time.Hour) }), nil
}

func TestStartScan(t *testing.T) {
	limit := &Trouble{Cause: TooOld, Text: "ECR scans an image once in 24 hours, and did", Mend: "wait a day"}
	lately := &Trouble{Cause: TooOld, Text: "ECR scans an image once in 24 hours, and did", Mend: "wait a day", ScannedLately: true}
	throttled := &Trouble{Cause: NotReadable, Passing: true, Text: "ECR is throttling our requests"}
	aged := func(age time.Duration) func(Manifest) (Scan, error) {
		return func(Manifest) (Scan, error) {
			return with(basic(), func(s *Scan) { s.CompletedAt = now.Add(-age) }), nil
		}
	}
	old := func(m Manifest) (Scan, error) {
		s, _ := tooOld(m)
		s.Type = Enhanced
		return s, nil
	}
	either := func(arm func(Manifest) (Scan, error)) func(Manifest) (Scan, error) {
		return func(m Manifest) (Scan, error) {
			if m.Digest == armDigest {
				return arm(m)
			}
			return basic(), nil
		}
	}
	tests := []struct {
		name     string
		scan     func(Manifest) (Scan, error)
		err      error
		forbid   bool
		started  []string
		outcome  Outcome
		cause    Cause
		passing  bool
		warnings int
	}{
		{"no scan", either(noScan), nil, false, []string{armDigest}, Pending, NoScan, true, 0},
		{"no scan, not allowed", either(noScan), nil, true, nil, Pending, NoScan, true, 0},
		{"too old", either(tooOld), nil, false, []string{armDigest}, Pending, TooOld, true, 0},
		{"too old, not allowed", either(tooOld), nil, true, nil, Unavailable, TooOld, false, 0},
		{"too old and enhanced", either(old), nil, false, nil, Unavailable, TooOld, false, 0},
		{"clean", either(func(Manifest) (Scan, error) { return basic(), nil }), nil, false, nil, Allowed, WithinPolicy, false, 0},
		{"no access", either(func(Manifest) (Scan, error) { return Scan{}, &Trouble{Cause: NoAccess} }), nil, false, nil, Unavailable, NoAccess, false, 0},
		{"both", noScan, nil, false, []string{amdDigest, armDigest}, Pending, NoScan, true, 0},
		{"no scan and none can be started", either(noScan), limit, false, []string{armDigest}, Pending, NoScan, true, 1},
		{"too old and none can be started", either(tooOld), limit, false, []string{armDigest}, Unavailable, TooOld, false, 0},
		{"too old and none can be started right now", either(tooOld), throttled, false, []string{armDigest}, Pending, TooOld, true, 1},
		{"too old, and a scan was started by another", either(tooOld), lately, false, []string{armDigest}, Pending, TooOld, true, 0},
		{"too old, a moment more than a day", either(aged(RescanAfter + 1)), lately, false, []string{armDigest}, Pending, TooOld, true, 0},
		{"too old, and that was today", either(aged(RescanAfter)), lately, false, []string{armDigest}, Unavailable, TooOld, false, 0},
		{"no scan, and one was started by another", either(noScan), lately, false, []string{armDigest}, Pending, NoScan, true, 0},
		{"too old and a fault", either(tooOld), errors.New("boom"), false, []string{armDigest}, Unavailable, Internal, false, 0},
		{"denied beside one that cannot be renewed", func(m Manifest) (Scan, error) {
			if m.Digest == armDigest {
				return tooOld(m)
			}
			return basic(finding("CVE-2024-1", Critical)), nil
		}, limit, false, []string{armDigest}, Denied, OverPolicy, false, 1},
		{"one without a scan and one too old, and none can be started", func(m Manifest) (Scan, error) {
			if m.Digest == armDigest {
				return tooOld(m)
			}
			return noScan(m)
		}, limit, false, []string{amdDigest, armDigest}, Unavailable, TooOld, false, 1},
		{"one to renew beside one that cannot be", func(m Manifest) (Scan, error) {
			if m.Digest == armDigest {
				return noScan(m)
			}
			return old(m)
		}, nil, false, []string{armDigest}, Unavailable, TooOld, false, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source := &registryOf{
				resolve: resolvesTo(twoPlatforms), scan: test.scan,
				start: func(Manifest) error { return test.err },
			}
			p := with(dev(), func(p *Policy) { p.MaxScanAge, p.StartScan = 12*time.Hour, !test.forbid })
			v := check(gateOver(source, p), Request{})
			wantVerdict(t, v, test.outcome, test.cause)
			wantEqual(t, "started", source.started, test.started)
			wantEqual(t, "passing", v.Passing, test.passing)
			wantEqual(t, "warnings", len(v.Warnings), test.warnings)
			wantEqual(t, "manifests", len(v.Manifests), 2)
			wantEqual(t, "digest", v.Digest, indexDigest)
		})
	}
}

// What one look left of a result settles the next.
func TestReadingsOfARequest(t *testing.T) {
	at := now
	source := &registryOf{scan: func(Manifest) (Scan, error) {
		s := enhanced(finding("CVE-2024-1", Low))
		s.CompletedAt, s.ReadAt = now, time.Time{}
		return s, nil
	}}
	g := &Gate{Source: source, Now: func() time.Time { return at }}
	first := check(g, Request{})
	wantVerdict(t, first, Pending, NotSettled)
	at = at.Add(settleGap)
	wantVerdict(t, check(g, Request{}), Pending, NotSettled)
	wantVerdict(t, check(g, Request{Readings: map[string]Reading{amdDigest: first.Readings()[indexDigest]}}), Pending, NotSettled)
	wantVerdict(t, check(g, Request{Readings: first.Readings()}), Allowed, WithinPolicy)
}

// When a result was read is the source's word where it gives one: an answer that
// comes from a cache again is no second look.
func TestAnAnswerOfBeforeIsNoSecondLook(t *testing.T) {
	before := with(enhanced(finding("CVE-2024-1", Low)), func(s *Scan) {
		s.CompletedAt, s.ReadAt = now.Add(-time.Minute), now.Add(-2*settleGap)
	})
	source := &registryOf{scan: func(Manifest) (Scan, error) { return before, nil }}
	first := Reading{before.fingerprint(), before.ReadAt}
	v := check(gateOver(source), Request{Readings: map[string]Reading{indexDigest: first}})
	wantVerdict(t, v, Pending, NotSettled)
	first.At = first.At.Add(-settleGap)
	v = check(gateOver(source), Request{Readings: map[string]Reading{indexDigest: first}})
	wantVerdict(t, v, Allowed, WithinPolicy)

	// And so is an earlier look that the source knows of, where the request has none.
	before.Previous = &first
	wantVerdict(t, check(gateOver(source), Request{}), Allowed, WithinPolicy)
}

// However many platforms an index has, a few are read at a time.
func TestScansReadAtATime(t *testing.T) {
	var manifests []Manifest
	for i := range 9 {
		manifests = append(manifests, Manifest{fmt.Sprint("linux/", i), fmt.Sprint("sha256:", i)})
	}
	for parallel, want := range map[int]int32{0: 4, -1: 4, 1: 1, 3: 3, 20: 9} {
		synctest.Test(t, func(t *testing.T) {
			var open atomic.Int32
			answer := make(chan struct{})
			g := gateOver(&registryOf{resolve: resolvesTo(manifests), scan: func(Manifest) (Scan, error) {
				open.Add(1)
				<-answer
				return basic(), nil
			}})
			g.Parallel = parallel
			verdict := make(chan Verdict)
			go func() { verdict <- check(g, Request{}) }()
			synctest.Wait()
			if got := open.Load(); got != want {
				t.Errorf("parallel %d: %d scans are read at a time, want %d", parallel, got, want)
			}
			close(answer)
			wantVerdict(t, <-verdict, Allowed, WithinPolicy)
		})
	}
}

// The scan says nothing of which manifest it is for; the resolution does.
func TestScansAreOfTheManifestAsked(t *testing.T) {
	source := &registryOf{resolve: resolvesTo(twoPlatforms), scan: func(Manifest) (Scan, error) {
		return on("other/platform", "sha256:0", basic()), nil
	}}
	v := check(gateOver(source), Request{})
	wantEqual(t, "first", v.Manifests[0].Digest, amdDigest)
	wantEqual(t, "second", v.Manifests[1].Platform, "linux/arm64")
}

func TestManyPlatforms(t *testing.T) {
	var manifests []Manifest
	for i := range 50 {
		manifests = append(manifests, Manifest{fmt.Sprint("linux/", i), fmt.Sprint("sha256:", i)})
	}
	source := &registryOf{resolve: resolvesTo(manifests), scan: func(m Manifest) (Scan, error) {
		if m.Platform == "linux/37" {
			return basic(finding("CVE-2024-1", Critical)), nil
		}
		return basic(), nil
	}}
	for _, parallel := range []int{0, 1, 100} {
		g := gateOver(source)
		g.Parallel = parallel
		v := check(g, Request{})
		wantVerdict(t, v, Denied, OverPolicy)
		if !strings.Contains(v.Reason, "linux/37") {
			t.Error(v.Reason)
		}
	}
}

func TestNowIsNowByDefault(t *testing.T) {
	g := &Gate{Source: &registryOf{}}
	if since := time.Since(g.now()); since < 0 || since > time.Minute {
		t.Error(since)
	}
}
