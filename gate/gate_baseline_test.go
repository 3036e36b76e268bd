package gate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// tagged is a source with a baseline beside the usual image.
func tagged(baseline func(Image) (Resolution, error)) *registryOf {
	return &registryOf{resolve: func(img Image) (Resolution, error) {
		if img.Tag == "prod" && img.Digest == "" {
			return baseline(img)
		}
		return Resolution{Digest: indexDigest, Manifests: []Manifest{{Digest: indexDigest}}}, nil
	}}
}

func prodIs(digest string, manifests ...Manifest) func(Image) (Resolution, error) {
	return func(Image) (Resolution, error) { return Resolution{Digest: digest, Manifests: manifests}, nil }
}

func TestCheckReadsTheBaseline(t *testing.T) {
	old := finding("CVE-2024-1", Critical, openssl())
	withOld := func(Manifest) (Scan, error) { return enhanced(old), nil }
	tests := []struct {
		name     string
		request  Request
		image    []Manifest // nil: a plain image
		baseline func(Image) (Resolution, error)
		scanned  []string
		outcome  Outcome
	}{
		{"one manifest", Request{}, nil, prodIs(prodDigest, Manifest{Digest: prodDigest}), []string{indexDigest, prodDigest}, Allowed},
		{"by digest", Request{Image: registry + "/shop/web@" + indexDigest}, nil, prodIs(prodDigest, Manifest{Digest: prodDigest}),
			[]string{indexDigest, prodDigest}, Allowed},
		{"the same image", Request{}, nil, prodIs(indexDigest, Manifest{Digest: indexDigest}), []string{indexDigest}, Denied},
		{"the same manifest, another index", Request{}, twoPlatforms,
			prodIs(prodDigest, Manifest{"linux/amd64", amdDigest}, Manifest{"linux/arm64", prodArmDigest}),
			[]string{armDigest, amdDigest, prodArmDigest}, Denied},
		{"platforms of the image only", Request{}, twoPlatforms[:1],
			prodIs(prodDigest, Manifest{"linux/amd64", prodAmdDigest}, Manifest{"linux/arm64", prodArmDigest}, Manifest{"linux/s390x", "sha256:5"}),
			[]string{amdDigest, prodAmdDigest}, Allowed},
		{"a platform that it lacks", Request{}, twoPlatforms, prodIs(prodDigest, Manifest{"linux/amd64", prodAmdDigest}),
			[]string{armDigest, amdDigest, prodAmdDigest}, Denied},
		{"no such tag", Request{}, nil, func(Image) (Resolution, error) { return Resolution{}, &Trouble{Cause: NotFound, Passing: true} },
			[]string{indexDigest}, Denied},
		{"a panic", Request{}, nil, func(Image) (Resolution, error) { panic("prod") }, []string{indexDigest}, Denied},
		{"no digest", Request{}, nil, prodIs("", Manifest{Digest: prodDigest}), []string{indexDigest}, Denied},
		{"no manifest", Request{}, nil, prodIs(prodDigest), []string{indexDigest}, Denied},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source := tagged(test.baseline)
			source.scan = withOld
			if test.image != nil {
				plain := source.resolve
				source.resolve = func(img Image) (Resolution, error) {
					r, err := plain(img)
					if r.Digest == indexDigest {
						r.Manifests = test.image
					}
					return r, err
				}
			}
			v := check(gateOver(source, sinceProd(nil)), test.request)
			wantEqual(t, "outcome", v.Outcome, test.outcome)
			wantEqual(t, "resolved", len(source.resolved), 2)
			slices.Sort(source.scanned)
			wantEqual(t, "scanned", source.scanned, test.scanned)
			wantEqual(t, "warned", len(v.Warnings) > 0, test.outcome == Denied)
			wantEqual(t, "manifests", len(v.Manifests), max(1, len(test.image)))
		})
	}
}

// The tag is looked up in the image's own repository, and by nothing else.
func TestBaselineOfTheSameRepository(t *testing.T) {
	source := tagged(prodIs(prodDigest, Manifest{Digest: prodDigest}))
	check(gateOver(source, sinceProd(nil)), Request{Image: strings.ToUpper(registry) + ":443/shop/web:1.4@" + indexDigest})
	var asked []Image
	for _, img := range source.resolved {
		if img.Tag == "prod" {
			asked = append(asked, img)
		}
	}
	wantEqual(t, "asked", asked, []Image{{Registry: registry, Repository: "shop/web", Tag: "prod"}})
}

// A tag that was resolved by what ECR said before says so.
func TestStaleBaselineThroughTheGate(t *testing.T) {
	source := tagged(func(Image) (Resolution, error) {
		return Resolution{Digest: prodDigest, Manifests: []Manifest{{Digest: prodDigest}}, Stale: true}, nil
	})
	v := check(gateOver(source, sinceProd(nil)), Request{})
	wantVerdict(t, v, Allowed, WithinPolicy)
	wantEqual(t, "warnings", v.Warnings, []string{staleWarning})
}

// Without a baseline in the policy nothing is asked about one.
func TestNoBaselineIsNotAsked(t *testing.T) {
	source := tagged(func(Image) (Resolution, error) { panic("asked") })
	wantVerdict(t, check(gateOver(source, dev()), Request{}), Allowed, WithinPolicy)
	wantEqual(t, "resolved", len(source.resolved), 1)
}

// meeting is a source that answers only once several questions are open.
type meeting struct {
	*registryOf
	resolves, scans sync.WaitGroup
}

func (m *meeting) Resolve(ctx context.Context, img Image) (Resolution, error) {
	if err := meet(ctx, &m.resolves); err != nil {
		return Resolution{}, err
	}
	return m.registryOf.Resolve(ctx, img)
}

func (m *meeting) Scan(ctx context.Context, img Image, manifest Manifest) (Scan, error) {
	if err := meet(ctx, &m.scans); err != nil {
		return Scan{}, err
	}
	return m.registryOf.Scan(ctx, img, manifest)
}

func meet(ctx context.Context, all *sync.WaitGroup) error {
	all.Done()
	met := make(chan struct{})
	go func() { all.Wait(); close(met) }()
	select {
	case <-met:
		return nil
	case <-ctx.Done():
		all.Add(-1) // lets the others go
		return ctx.Err()
	}
}

func TestBaselineIsReadAtTheSameTime(t *testing.T) {
	source := &meeting{registryOf: tagged(prodIs(prodDigest, Manifest{Digest: prodDigest}))}
	source.resolves.Add(2)
	source.scans.Add(2)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	v := gateOver(source, sinceProd(nil)).Check(ctx, Request{Image: shop().Written})
	wantVerdict(t, v, Allowed, WithinPolicy)
	wantEqual(t, "warnings", v.Warnings, nil)
}

// hanging is a source whose baseline answers when it is told to stop.
type hanging struct{ *registryOf }

func (h hanging) Resolve(ctx context.Context, img Image) (Resolution, error) {
	if img.Tag == "prod" {
		<-ctx.Done()
		return Resolution{}, ctx.Err()
	}
	return h.registryOf.Resolve(ctx, img)
}

// An image that cannot be resolved is not kept waiting for its baseline, and a
// baseline that does not answer in time makes every finding count.
func TestBaselineThatHangs(t *testing.T) {
	gone := &Trouble{Cause: NotFound, Passing: true, Text: "ECR knows no such image"}
	lost := hanging{&registryOf{resolve: func(Image) (Resolution, error) { return Resolution{}, gone }}}
	patient, cancelPatient := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancelPatient()
	wantVerdict(t, gateOver(lost, sinceProd(nil)).Check(patient, Request{Image: shop().Written}), Unavailable, NotFound)
	wantEqual(t, "waited", patient.Err(), nil)

	late := hanging{&registryOf{scan: func(Manifest) (Scan, error) { return enhanced(finding("CVE-2024-1", Critical, openssl())), nil }}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	v := gateOver(late, sinceProd(nil)).Check(ctx, Request{Image: shop().Written})
	wantVerdict(t, v, Denied, OverPolicy)
	wantEqual(t, "passing", v.Passing, true)
	wantEqual(t, "warnings", v.Warnings, []string{"baseline prod cannot be used, so every finding counts: there was no answer in time; try again"})
}

// slow is a source whose baseline answers a second later than everything else.
type slow struct{ *registryOf }

func (s slow) Resolve(ctx context.Context, img Image) (Resolution, error) {
	if img.Tag == "prod" {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return Resolution{}, ctx.Err()
		}
	}
	return s.registryOf.Resolve(ctx, img)
}

// The baseline may answer after the image does.
func TestBaselineThatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := slow{tagged(prodIs(prodDigest, Manifest{Digest: prodDigest}))}
		v := gateOver(source, sinceProd(nil)).Check(t.Context(), Request{Image: shop().Written})
		wantVerdict(t, v, Allowed, WithinPolicy)
		wantEqual(t, "warnings", v.Warnings, nil)
		wantEqual(t, "measured by", v.Manifests[0].Baseline, prodDigest)
	})
}

func TestCompareThroughTheGate(t *testing.T) {
	old, fresh := finding("CVE-2024-1", Critical, openssl()), finding("CVE-2024-2", Low, zlib())
	var tags []string
	source := &registryOf{resolve: func(img Image) (Resolution, error) {
		if img.Repository == "shop/web" && img.Tag == "1.4" {
			return Resolution{Digest: indexDigest, Manifests: []Manifest{{Digest: indexDigest}}}, nil
		}
		tags = append(tags, img.String())
		if img.Tag == "none" {
			return Resolution{}, &Trouble{Cause: NotFound, Text: "ECR knows no such image", Err: errors.New("404")}
		}
		return Resolution{Digest: prodDigest, Manifests: []Manifest{{Digest: prodDigest}}, Stale: img.Tag == "stale"}, nil
	}}
	source.scan = func(m Manifest) (Scan, error) {
		if m.Digest == indexDigest {
			return enhanced(old, fresh), nil
		}
		return enhanced(old), nil
	}
	g := gateOver(source, sinceProd(nil))
	compare := func(other string) Comparison {
		return g.Compare(t.Context(), Request{Image: shop().Written, Policy: "no such policy"}, other)
	}
	for written, asked := range map[string]string{
		":prod":                  registry + "/shop/web:prod",
		"@" + prodDigest:         registry + "/shop/web@" + prodDigest,
		registry + "/shop/api:7": registry + "/shop/api:7",
		":stale":                 registry + "/shop/web:stale",
	} {
		tags = nil
		c := compare(written)
		wantEqual(t, "asked", tags, []string{asked})
		wantEqual(t, "compared", c.Compared, true)
		wantEqual(t, "new", c.New, []Finding{fresh})
		wantEqual(t, "stayed", c.Stayed, []Finding{old})
		wantEqual(t, "gone", c.Gone, []Finding{})
		wantEqual(t, "digests", []string{c.Digest, c.BaselineDigest}, []string{indexDigest, prodDigest})
		wantEqual(t, "warned", len(c.Warnings), strings.Count(written, "stale"))
	}
	wantEqual(t, "sentence", compare(":prod").Summary(), "since :prod (sha256:999999999999): 1 new, 0 gone, 1 stayed")

	c := compare(":none")
	wantEqual(t, "compared", c.Compared, false)
	wantEqual(t, "sentence", c.Summary(), "cannot be compared: :none: ECR knows no such image")
	wantEqual(t, "beneath", c.Err.Error(), "404")
	for written, want := range map[string]string{"": "invalid reference", ":": "invalid reference", "@sha256:1": "not an image reference", "\x1b[31m": "not an image reference"} {
		if c := compare(written); c.Compared || !strings.Contains(c.Reason, want) || !printable(c.Summary()) {
			t.Errorf("%q: %q", written, c.Summary())
		}
	}
	wantEqual(t, "beside what is no image", g.beside("shop//web", ":prod"), ":prod")
	if c := g.Compare(t.Context(), Request{Image: "shop//web"}, ":prod"); c.Compared || !strings.Contains(c.Reason, "shop//web") {
		t.Error(c.Reason)
	}
	if c := g.Compare(t.Context(), Request{Image: registry + "/shop/web@" + amdDigest, Digest: armDigest}, ":prod"); c.Compared {
		t.Error("compared an image that names another digest than the one to look at")
	}
}
