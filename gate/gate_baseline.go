package gate

import (
	"context"
	"slices"
	"sync"
)

// resolveBoth resolves the image and, at the same time, its baseline: the tag in
// the image's own repository, nil where the policy names none. Only the image's
// trouble is an error.
func (g *Gate) resolveBoth(ctx context.Context, img Image, tag string) (resolved Resolution, b *Baseline, err error) {
	if tag == "" {
		resolved, err = g.resolve(ctx, img)
		return resolved, nil, err
	}
	return g.resolveTwo(ctx, img, tag)
}

// resolveTwo stands apart so that images without a baseline pay nothing for it.
func (g *Gate) resolveTwo(ctx context.Context, img Image, tag string) (resolved Resolution, b *Baseline, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var both sync.WaitGroup
	both.Go(func() {
		b = g.resolveBaseline(ctx, Image{Registry: img.Registry, Repository: img.Repository, Tag: tag})
	})
	if resolved, err = g.resolve(ctx, img); err != nil {
		cancel() // there is nothing to measure
	}
	both.Wait()
	return resolved, b, err
}

func (g *Gate) resolveBaseline(ctx context.Context, img Image) *Baseline {
	r, err := g.resolve(ctx, img)
	if err != nil {
		return &Baseline{Trouble: AsTrouble(err)}
	}
	return &Baseline{Digest: r.Digest, Manifests: r.Manifests, Stale: r.Stale}
}

// toRead are the baseline's manifests that an image can be measured by: those of
// its platforms, but not its own.
func (b *Baseline) toRead(img Resolution) []Manifest {
	var list []Manifest
	for _, m := range b.Manifests {
		platform := func(own Manifest) bool { return own.Platform == m.Platform }
		same := func(own Manifest) bool { return own.Digest == m.Digest }
		if slices.ContainsFunc(img.Manifests, platform) && !slices.ContainsFunc(img.Manifests, same) {
			list = append(list, m)
		}
	}
	return list
}
