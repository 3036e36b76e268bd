package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// grown is a cost measured at several sizes.
type grown struct {
	title string
	size  string // what grows
	unit  string // what it is the cost of
	sizes []int
	// at makes ready for a size, and returns what to measure and what to clean up.
	at func(ctx context.Context, n int) (do func() error, done func(), err error)
}

// growth measures the same again and again with more of one thing, so that what
// grows faster than it should is seen.
func growth(ctx context.Context, r *figures, s settings) error {
	r.printf("\n## Growth\n\nEach line is the lowest of up to %d measurements. A cost per unit of more than %.1f times that of a smaller size is marked.\n", batches, steep)
	var times []curve
	for _, g := range []grown{
		{"exceptions of different IDs, 1,000 findings", "exceptions", "evaluate, per exception", []int{10, 100, 1_000, 10_000}, exceptionsByID},
		{"exceptions of one ID in different repositories, 1,000 findings", "exceptions", "evaluate, per exception", []int{10, 100, 1_000, 10_000}, exceptionsByRepository},
		{"exceptions of packages, 1,000 findings", "exceptions", "evaluate, per exception", []int{10, 100, 1_000, 10_000}, exceptionsByPackage},
		{"exceptions, a cached check of 20 findings", "exceptions", "check, per exception", []int{10, 100, 1_000, 10_000}, exceptionsInCheck},
		{"policies, the last of them fits", "policies", "check, per policy", []int{1, 10, 100, 1_000}, policies},
		{"containers in a pod, each with a cached image of its own", "containers", "review over TLS, per container", []int{1, 5, 10, 25, 50, 100}, containers},
		{"platforms in a cached index of 20 findings each", "platforms", "check, per platform", []int{1, 2, 4, 8, 16, 32}, platforms},
		{"cached images in turn", "images", "check", []int{100, 1_000, 4_000, 8_000}, inTurn},
	} {
		took, err := g.measure(ctx, r, s)
		if err != nil {
			return fmt.Errorf("%s: %w", g.title, err)
		}
		times = append(times, took)
	}
	r.relative(times...)
	return nil
}

func (g grown) measure(ctx context.Context, r *figures, s settings) (curve, error) {
	r.printf("\n### %s\n\n| %s | CPU | %s | allocations | per unit | |\n|---|---|---|---|---|---|\n", g.title, g.size, g.unit)
	took, allocs := curve{name: "time"}, curve{name: "allocations"}
	for i, n := range g.sizes {
		do, done, err := g.at(ctx, n)
		if err != nil {
			return took, err
		}
		c, err := costOf(s.budget(), do)
		done()
		if err != nil {
			return took, err
		}
		took.add(n, float64(c.time.Nanoseconds()))
		allocs.add(n, c.allocs)
		r.printf("| %d | %.3f ms | %.2f µs | %.0f | %.1f | %s |\n", n, inMilliseconds(c.time),
			float64(c.time.Nanoseconds())/1e3/float64(n), c.allocs, c.allocs/float64(n), marks(i, took, allocs))
	}
	took.name = g.title
	return took, nil
}

func nothing() {}

// evaluating judges an image of a thousand findings by these exceptions.
func evaluating(ctx context.Context, exceptions []gate.Exception) (func() error, func(), error) {
	scan, err := invented{findings: 1_000, platforms: 1}.Scan(ctx, gate.Image{}, gate.Manifest{Digest: digest(0)})
	img := gate.Image{Written: registry + "/shop/web:1", Registry: registry, Repository: "shop/web", Digest: digest(0)}
	scans, now := []gate.Scan{scan}, time.Now()
	return func() error { return allowed(gate.Evaluate(tolerant, exceptions, img, scans, now)) }, nothing, err
}

// named is the n-th finding of an invented image's.
func named(n int) (id, pkg string) {
	d := digest(0)
	return fmt.Sprintf("CVE-2026-%s-%05d", d[7:11], n), fmt.Sprintf("libpackage-%s-%d", d[11:15], n)
}

func byID(n int) []gate.Exception {
	list := make([]gate.Exception, n)
	for i := range list {
		id, _ := named(i) // the first thousand are there
		list[i] = gate.Exception{IDs: []string{id}, Repositories: []string{"shop/*"}, Source: fmt.Sprint(i)}
	}
	return list
}

func exceptionsByID(ctx context.Context, n int) (func() error, func(), error) {
	return evaluating(ctx, byID(n))
}

func exceptionsByRepository(ctx context.Context, n int) (func() error, func(), error) {
	list := make([]gate.Exception, n)
	id, _ := named(0)
	for i := range list {
		list[i] = gate.Exception{IDs: []string{id}, Repositories: []string{fmt.Sprintf("shop/web-%d", i)}, Source: fmt.Sprint(i)}
	}
	return evaluating(ctx, list)
}

func exceptionsByPackage(ctx context.Context, n int) (func() error, func(), error) {
	list := make([]gate.Exception, n)
	for i := range list {
		_, pkg := named(i)
		list[i] = gate.Exception{Packages: []gate.PackageName{{Name: pkg}}, Source: fmt.Sprint(i)}
	}
	return evaluating(ctx, list)
}

// checking asks a gate with a cache, for one image after the other.
func checking(ctx context.Context, g *gate.Gate, from invented, images int) (func() error, func(), error) {
	facts := gate.NewCache(from, gate.CacheOptions{})
	g.Source = facts
	requests := make([]gate.Request, images)
	for i := range requests {
		requests[i].Image = fmt.Sprintf("%s/shop/web-%d@%s", registry, i, digest(0))
	}
	do := func() error {
		for _, request := range requests {
			if err := allowed(g.Check(ctx, request)); err != nil {
				return err
			}
		}
		return nil
	}
	return do, facts.Close, nil
}

func exceptionsInCheck(ctx context.Context, n int) (func() error, func(), error) {
	return checking(ctx, &gate.Gate{Policies: []gate.Policy{tolerant}, Exceptions: byID(n)}, invented{findings: 20, platforms: 1}, 1)
}

func policies(ctx context.Context, n int) (func() error, func(), error) {
	list := make([]gate.Policy, n)
	for i := range list {
		list[i] = tolerant
		list[i].Images = []string{fmt.Sprintf("**/team-%d/**", i)}
	}
	list[n-1].Images = []string{"**/shop/**"}
	return checking(ctx, &gate.Gate{Policies: list}, invented{findings: 20, platforms: 1}, 1)
}

func platforms(ctx context.Context, n int) (func() error, func(), error) {
	return checking(ctx, &gate.Gate{Policies: []gate.Policy{tolerant}}, invented{findings: 20, platforms: n}, 1)
}

func inTurn(ctx context.Context, n int) (func() error, func(), error) {
	return checking(ctx, &gate.Gate{Policies: []gate.Policy{tolerant}}, invented{findings: 20, platforms: 1}, n)
}

func containers(ctx context.Context, n int) (func() error, func(), error) {
	shop, err := newShop()
	if err != nil {
		return nil, nil, err
	}
	images := make([]string, n)
	for i := range images {
		images[i] = shop.put(fmt.Sprintf("container-%d", i), 20)
	}
	body := review(images...)
	return func() error { return shop.ask(ctx, body) }, shop.close, nil
}
