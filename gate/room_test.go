package gate

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// crammed is a list of so many bytes, in few findings: they are quick to make.
func crammed(size int) Scan {
	const packages = 100
	s := basic()
	for range size / (findingBytes + packages*packageBytes) {
		s.Findings = append(s.Findings, Finding{ID: "CVE-1", Severity: Low, Packages: make([]Package, packages)})
	}
	return s
}

// shared is a gate as a process has it, with a cache and a room, whose images'
// repositories say how large their scans are.
func shared(t *testing.T, sizes map[string]int) *Gate {
	t.Helper()
	source := &bySize{sizes: sizes}
	cache := NewCache(source, CacheOptions{Now: func() time.Time { return now }})
	t.Cleanup(cache.Close)
	return &Gate{Source: cache, Policies: []Policy{lenient()}, Room: NewRoom(), Now: func() time.Time { return now }}
}

type bySize struct {
	asked
	sizes map[string]int
}

func (s *bySize) Resolve(context.Context, Image) (Resolution, error) {
	return Resolution{Digest: amdDigest, Manifests: []Manifest{{Digest: amdDigest}}}, nil
}

func (s *bySize) Scan(_ context.Context, img Image, _ Manifest) (Scan, error) {
	return crammed(s.sizes[img.Repository]), nil
}

func review(t *testing.T, g *Gate, repository string) Verdict {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
	defer cancel()
	return g.Check(ctx, Request{Image: registry + "/" + repository + ":1"})
}

// wantEmpty holds a room to having nobody in it.
func wantEmpty(t *testing.T, r *Room) {
	t.Helper()
	if !r.large.TryAcquire(1) || !r.small.TryAcquire(smallRoom) {
		t.Fatal("somebody has not left")
	}
	r.large.Release(1)
	r.small.Release(smallRoom)
}

// A large image waits while another is judged, as long as its caller can, and nobody
// else waits for it.
func TestLargeImagesAreJudgedOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := shared(t, map[string]int{"large": 2 * smallImage, "small": smallImage / 2})
		another, err := g.Room.enter(t.Context(), maxImage)
		if err != nil {
			t.Fatal(err)
		}
		if v := review(t, g, "large"); v.Outcome != Unavailable || !v.Passing || !strings.Contains(v.Reason, "ecr-gate is busy judging other images") {
			t.Errorf("while another is judged: %s %s", v.Outcome, v.Reason)
		}
		if v := review(t, g, "small"); v.Outcome != Allowed {
			t.Errorf("a small one: %s %s", v.Outcome, v.Reason)
		}
		time.AfterFunc(3*time.Second, another.leave)
		if v := review(t, g, "large"); v.Outcome != Allowed {
			t.Errorf("once there is room: %s %s", v.Outcome, v.Reason)
		}
		wantEmpty(t, g.Room)
	})
}

func TestSmallImagesShareTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := shared(t, map[string]int{"large": 2 * smallImage, "small": smallImage / 2})
		var others []place
		for range smallRoom / smallImage {
			p, err := g.Room.enter(t.Context(), smallImage)
			if err != nil {
				t.Fatal(err)
			}
			others = append(others, p)
		}
		for _, repository := range []string{"small", "none"} {
			if v := review(t, g, repository); v.Outcome != Unavailable || !v.Passing {
				t.Errorf("%s, in a full room: %s %s", repository, v.Outcome, v.Reason)
			}
		}
		if v := review(t, g, "large"); v.Outcome != Allowed {
			t.Errorf("a large one: %s %s", v.Outcome, v.Reason)
		}
		for _, p := range others {
			p.leave()
		}
		if v := review(t, g, "small"); v.Outcome != Allowed {
			t.Errorf("once there is room: %s %s", v.Outcome, v.Reason)
		}
		wantEmpty(t, g.Room)
	})
}

// Whatever comes of it, the place is given back.
func TestPlacesAreGivenBack(t *testing.T) {
	g := shared(t, map[string]int{"large": 2 * smallImage})
	source := &asked{scan: func(context.Context, Manifest) (Scan, error) { panic("a fault of ours") }}
	broken := &Gate{Source: source, Policies: []Policy{lenient()}, Room: g.Room}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // who waits for it waits for ever
	defer cancel()
	for range 2 {
		if v := review(t, broken, "shop/web"); v.Outcome != Unavailable {
			t.Errorf("%s %s", v.Outcome, v.Reason)
		}
		g.Explain(ctx, Request{Image: registry + "/large:1"}, "CVE-1")
		g.Matching(ctx, Request{Image: registry + "/large:1"})
		if c := g.Compare(ctx, Request{Image: registry + "/large:1"}, ":2"); !c.Compared {
			t.Error(c.Reason)
		}
		g.Check(ctx, Request{Image: registry + "/large:1", Policy: "no such"})
	}
	wantEmpty(t, g.Room)
}

// packing is a source like the cache, of which each reading is as it is told.
type packing struct {
	asked
	reads func(ctx context.Context, n int) (packedScan, error) // counted from 1
	n     atomic.Int32
}

func (s *packing) packedScan(ctx context.Context, _ Image, _ Manifest) (*packedScan, bool, error) {
	scan, err := s.reads(ctx, int(s.n.Add(1)))
	return &scan, false, err
}

// Who waits for a large place holds nothing: it is read again by then, and judged as it
// is by then.
func TestLargeImagesAreReadAgain(t *testing.T) {
	for name, c := range map[string]struct {
		second  packedScan
		outcome Outcome
		cause   Cause
	}{
		"as it was":               {pack(crammed(2 * smallImage)), Allowed, WithinPolicy},
		"grown in the meantime":   {pack(crammed(2 * maxImage)), Unavailable, BadImage},
		"denied by now":           {pack(basic(Finding{ID: "CVE-2", Severity: Critical})), Denied, OverPolicy},
		"what cannot be opened":   {packedScan{size: 2 * smallImage}, Unavailable, Internal},
		"what has trouble by now": {pack(Scan{Trouble: &Trouble{Cause: NoAccess, Text: "no"}}), Unavailable, NoAccess},
	} {
		source := &packing{reads: func(_ context.Context, n int) (packedScan, error) {
			if n == 1 {
				return pack(crammed(2 * smallImage)), nil
			}
			return c.second, nil
		}}
		g := &Gate{Source: source, Policies: []Policy{lenient()}, Room: NewRoom(), Now: func() time.Time { return now }}
		if v := review(t, g, "shop/web"); v.Outcome != c.outcome || v.Cause != c.cause {
			t.Errorf("%s: %s %s", name, v.Outcome, v.Reason)
		}
		if n := source.n.Load(); n != 2 {
			t.Errorf("%s: read %d times", name, n)
		}
		wantEmpty(t, g.Room)
	}
}

// A small image that cannot be opened is a fault of ours, and leaves its place too.
func TestPlaceOfWhatCannotBeOpened(t *testing.T) {
	source := &packing{reads: func(context.Context, int) (packedScan, error) { return packedScan{}, nil }}
	g := &Gate{Source: source, Policies: []Policy{lenient()}, Room: NewRoom()}
	if v := review(t, g, "shop/web"); v.Cause != Internal {
		t.Errorf("%s %s", v.Outcome, v.Reason)
	}
	wantEmpty(t, g.Room)
}

// What the cache has forgotten meanwhile is not waited for in the place: others have it.
func TestPlaceIsNotHeldWhileECRIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &packing{reads: func(ctx context.Context, n int) (packedScan, error) {
			if n == 1 || n > 3 {
				return pack(crammed(2 * smallImage)), nil
			}
			select {
			case <-time.After(4 * time.Second):
				return pack(crammed(2 * smallImage)), nil
			case <-ctx.Done():
				return packedScan{}, ctx.Err()
			}
		}}
		g := shared(t, map[string]int{"large": 2 * smallImage})
		other := &Gate{Source: slow, Policies: g.Policies, Room: g.Room, Now: g.Now}
		verdict := make(chan Verdict, 1)
		began := time.Now()
		go func() { verdict <- review(t, other, "shop/web") }()
		synctest.Wait()
		if v := review(t, g, "large"); v.Outcome != Allowed || time.Since(began) != readAgain {
			t.Errorf("another's: %s after %s", v.Outcome, time.Since(began))
		}
		if v := <-verdict; v.Outcome != Allowed || time.Since(began) != readAgain+4*time.Second {
			t.Errorf("%s %s after %s", v.Outcome, v.Reason, time.Since(began))
		}
		if n := slow.n.Load(); n != 4 {
			t.Errorf("read %d times", n)
		}
		wantEmpty(t, g.Room)
	})
}

// A baseline too large to be judged is one that cannot be used, and no fault of the
// image: every finding counts.
func TestBaselineTooLargeToBeJudged(t *testing.T) {
	source := &asked{resolve: func(_ context.Context, img Image) (Resolution, error) {
		if img.Tag == "prod" {
			return Resolution{Digest: armDigest, Manifests: []Manifest{{Digest: armDigest}}}, nil
		}
		return Resolution{Digest: amdDigest, Manifests: []Manifest{{Digest: amdDigest}}}, nil
	}}
	for name, c := range map[string]struct {
		image, baseline int
		cause           Cause
		warnings        int
	}{
		"both are small":            {smallImage / 2, smallImage / 2, WithinPolicy, 0},
		"the baseline is too large": {smallImage / 2, maxImage * 5 / 4, WithinPolicy, 1},
		"together they are":         {maxImage * 3 / 4, maxImage * 3 / 4, WithinPolicy, 1},
		"the image is":              {maxImage * 5 / 4, smallImage / 2, BadImage, 0},
	} {
		source.scanBy(func(_ context.Context, m Manifest) (Scan, error) {
			if m.Digest == armDigest {
				return crammed(c.baseline), nil
			}
			return crammed(c.image), nil
		})
		policy := Policy{Name: "all", Limits: map[Severity]int{Critical: 0}, Baseline: "prod"}
		g := &Gate{Source: source, Policies: []Policy{policy}, Room: NewRoom(), Now: func() time.Time { return now }}
		v := review(t, g, "shop/web")
		if v.Cause != c.cause || len(v.Warnings) != c.warnings {
			t.Errorf("%s: %s %q", name, v.Reason, v.Warnings)
		}
		if c.warnings > 0 && !strings.Contains(v.Warnings[0], "more findings") {
			t.Errorf("%s: %q", name, v.Warnings)
		}
		wantEmpty(t, g.Room)
	}
}

// More findings than are judged at once are refused, and not read to the end. That
// holds whoever asks, with a room and without.
func TestTooManyFindingsAreNotJudged(t *testing.T) {
	const platforms = 40
	for _, room := range []*Room{nil, NewRoom()} {
		source := &asked{scan: func(context.Context, Manifest) (Scan, error) { return crammed(maxImage / 10), nil }}
		source.resolve = func(context.Context, Image) (Resolution, error) {
			r := Resolution{Digest: indexDigest}
			for i := range platforms {
				r.Manifests = append(r.Manifests, Manifest{fmt.Sprintf("linux/a%d", i), fmt.Sprintf("sha256:%064x", i)})
			}
			return r, nil
		}
		g := &Gate{Source: source, Policies: []Policy{{Name: "all", Limits: map[Severity]int{Critical: 0}}}, Room: room, Now: func() time.Time { return now }}
		v := review(t, g, "shop/web")
		want := "could not check: shop/web:1 (sha256:111111111111): it has more findings, over all its platforms, than are judged at once; build it on a newer base image, or for fewer platforms"
		if v.Outcome != Unavailable || v.Cause != BadImage || v.Passing || v.Reason != want {
			t.Errorf("%s %s %q", v.Outcome, v.Cause, v.Reason)
		}
		if n := source.scans.Load(); n < 10 || n >= platforms/2 {
			t.Errorf("%d of %d scans were read", n, platforms)
		}
	}
}

// A place is taken by what a list takes, packed or not.
func TestSizeOfFindings(t *testing.T) {
	for name, c := range map[string]struct {
		of   reflect.Type
		want int
	}{
		"finding": {reflect.TypeFor[Finding](), findingBytes},
		"package": {reflect.TypeFor[Package](), packageBytes},
		"related": {reflect.TypeFor[string](), relatedBytes},
	} {
		if got := int(c.of.Size()); got != c.want {
			t.Errorf("a %s has %d bytes, counted as %d", name, got, c.want)
		}
	}
	s := inspected(1, 100)
	s.Findings[0].Related = []string{"a", "b"}
	if got, want := pack(s).size, sizeOf(s.Findings); got != want || want < 100*(findingBytes+packageBytes)+2*relatedBytes {
		t.Errorf("packed it counts as %d, as it is as %d", got, want)
	}
}

// A short verdict says the same, and holds on to no scan.
func TestShortVerdict(t *testing.T) {
	denied := Evaluate(Default(), nil, shop(), []Scan{on("linux/amd64", amdDigest, inspected(1, 50)), on("linux/arm64", armDigest, basic(Finding{ID: "CVE-9", Severity: Critical}))}, now)
	for _, v := range []Verdict{denied, Unjudged("dev", shop(), &Trouble{Cause: NoAccess, Text: "no"})} {
		short := v.Short()
		if got, want := fmt.Sprintf("%q", short.Brief()), fmt.Sprintf("%q", v.Brief()); got != want || len(v.Brief()) == 0 {
			t.Errorf("got %s, want %s", got, want)
		}
		if short.Outcome != v.Outcome || short.Reason != v.Reason || short.Digest != v.Digest || short.Cause != v.Cause {
			t.Errorf("got %+v", short)
		}
		if short.Findings != nil || short.Excepted != nil || short.Manifests != nil || short.Lapsed != nil || short.Exceptions != nil {
			t.Errorf("it has lists: %+v", short)
		}
		if again := short.Short(); fmt.Sprint(again.Brief()) != fmt.Sprint(short.Brief()) {
			t.Errorf("again: %q", again.Brief())
		}
	}
	if allowed := Evaluate(lenient(), nil, shop(), []Scan{inspected(1, 50)}, now).Short(); allowed.Outcome != Allowed || len(allowed.Brief()) > 0 {
		t.Errorf("%s, %q", allowed.Outcome, allowed.Brief())
	}
}
