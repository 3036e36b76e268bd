package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// between is a time between two.
func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)+1))
}

// moveTags has tags point at a clean image and at a vulnerable one in turn.
func (w *world) moveTags(ctx context.Context, random *rand.Rand) error {
	type moving struct {
		repository string
		ref        *reference
		pictures   [2]*picture
	}
	tags := make([]moving, 4)
	for i := range tags {
		t := &tags[i]
		t.repository = w.name("moving")
		good, ref, _ := w.push("moving-clean", admit, awslocal.Image{Repository: t.repository, Scans: []awslocal.Scan{w.scanned(longAgo, enhanced(2, "LOW")...)}, Tags: []string{"latest"}})
		bad, _, _ := w.push("moving-vulnerable", deny, awslocal.Image{Repository: t.repository, Seed: "bad", Scans: []awslocal.Scan{w.scanned(longAgo, enhanced(2, "HIGH")...)}, Tags: []string{"bad"}})
		t.ref, t.pictures = ref, [2]*picture{good, bad}
		w.show(ref)
		w.keep(ref)
	}
	for n := 0; pause(ctx, between(random, 500*time.Millisecond, 4*time.Second)); n++ {
		t := &tags[random.IntN(len(tags))]
		slices.Reverse(t.pictures[:])
		t.ref.points.change(w.clock, t.pictures[0], func() { w.aws.MoveTag(t.repository, "latest", t.pictures[0].digest) })
	}
	return nil
}

// growScans has finished scans of long ago find more, and what they found go away
// again: Inspector watches images on.
func (w *world) growScans(ctx context.Context, random *rand.Rand) error {
	type growing struct {
		repository string
		*picture
		bad bool
	}
	images := make([]growing, 6)
	for i := range images {
		g := &images[i]
		g.repository = w.name("growing")
		p, tag, digest := w.push("growing", admit, awslocal.Image{Repository: g.repository, Scans: []awslocal.Scan{w.scanned(longAgo, enhanced(1, "LOW")...)}})
		g.picture = p
		w.keep(tag, digest)
	}
	for pause(ctx, between(random, time.Second, 5*time.Second)) {
		g := &images[random.IntN(len(images))]
		g.bad = !g.bad
		findings, next := enhanced(1, "LOW"), admit
		if g.bad {
			findings, next = append(findings, enhanced(3, "CRITICAL")...), deny
		}
		g.fates.change(w.clock, next, func() { w.aws.SetScans(g.repository, g.digest, w.scanned(longAgo, findings...)) })
	}
	return nil
}

// turnClock has time leap, and sets the gate's clock wrong for a while, and right
// again at the end.
func (w *world) turnClock(ctx context.Context, random *rand.Rand) error {
	steps := []time.Duration{time.Minute, -time.Minute, 30 * time.Minute, -30 * time.Minute, 2 * time.Hour, -2 * time.Hour, 6 * time.Hour, -6 * time.Hour}
	for n := 0; pause(ctx, between(random, time.Second, 4*time.Second)); n++ {
		if n%3 > 0 {
			// So much that cached results are over, or that a scan which has just begun
			// is about to count as settled.
			by := resultWindow + time.Minute
			if n%3 == 2 {
				by = between(random, 80*time.Second, 110*time.Second)
			}
			w.editing.Lock()
			err := w.leap(ctx, by)
			w.editing.Unlock()
			if err != nil {
				return err
			}
			continue
		}
		if err := w.set(ctx, steps[random.IntN(len(steps))]); err != nil {
			return err
		}
		pause(ctx, between(random, 500*time.Millisecond, 3*time.Second))
		if err := w.set(ctx, 0); err != nil {
			return err
		}
	}
	return nil
}

// heeded is how long a changed file may be overlooked.
const heeded = 1500 * time.Millisecond

// write replaces one of the gate's files and waits until it is heeded. No time leaps
// meanwhile: files are looked at by real time.
func (w *world) write(ctx context.Context, name, text string) error {
	if err := w.files.WriteFile(name, text); err != nil {
		return err
	}
	pause(context.WithoutCancel(ctx), heeded)
	return nil
}

// editConfig changes the configuration all the time: what matters to nobody, what
// matters to the images of flip, and now and then to one that cannot be read, which
// must change nothing.
func (w *world) editConfig(ctx context.Context, random *rand.Rand) error {
	limit := 0
	flip := func() error {
		limit = 1 - limit
		next := deny
		if limit > 0 {
			next = admit
		}
		var err error
		w.flip.fates.change(w.clock, next, func() { err = w.write(ctx, "gate.yaml", policies(20, limit)) })
		return err
	}
	for n := 0; pause(ctx, between(random, 500*time.Millisecond, 3*time.Second)); n++ {
		if err := w.editOnce(ctx, n, policies(20+random.IntN(10), limit), flip); err != nil {
			return err
		}
	}
	if limit > 0 {
		return flip()
	}
	return nil
}

func (w *world) editOnce(ctx context.Context, n int, text string, flip func() error) error {
	w.editing.Lock()
	defer w.editing.Unlock()
	switch n % 3 {
	case 0:
		return w.write(ctx, "gate.yaml", text)
	case 1:
		return flip()
	default:
		if err := w.write(ctx, "gate.yaml", text+"policiez: []\n"); err != nil {
			return err
		}
		return w.write(ctx, "gate.yaml", text)
	}
}
