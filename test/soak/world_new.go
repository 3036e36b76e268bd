package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// pushOn pushes new images all the time, and has happen to them what happens to new
// images.
func (w *world) pushOn(ctx context.Context, random *rand.Rand) error {
	ways := []func(context.Context, *rand.Rand) error{w.rollIn, w.trickleIn, w.scanLate, w.except, w.rollIn, w.scanEnhanced}
	deletions := []deletion{}
	for n := 0; pause(ctx, between(random, 200*time.Millisecond, time.Second)); n++ {
		if err := ways[n%len(ways)](ctx, random); err != nil {
			return err
		}
		if n%4 == 0 {
			deletions = append(deletions, w.pushDoomed())
		}
		if len(deletions) > 5 {
			d := deletions[0]
			deletions = deletions[1:]
			d.fates.change(w.clock, fail, func() { w.aws.DeleteImage(d.repository, d.digest) })
		}
	}
	return nil
}

// rollIn pushes an image whose enhanced scan says that it is done and has found
// nothing, and finds critical vulnerabilities before it is to be believed.
func (w *world) rollIn(_ context.Context, random *rand.Rand) error {
	after := between(random, 3*time.Second, 30*time.Second)
	if random.IntN(2) == 0 {
		after = between(random, 100*time.Second, 119*time.Second)
	}
	now := w.now()
	p, tag, digest := w.push("rolling-in", wait|deny, awslocal.Image{Scans: []awslocal.Scan{
		{Status: "ACTIVE", CompletedAt: now, EnhancedFindings: enhanced(0, "")},
		{After: after, Status: "ACTIVE", CompletedAt: now, EnhancedFindings: enhanced(2, "CRITICAL")},
	}})
	p.aged = true
	w.show(tag, digest)
	return nil
}

// trickleIn pushes an image whose scan finds a little more every few seconds, and
// the worst last: no two looks at it may agree before.
func (w *world) trickleIn(_ context.Context, random *rand.Rand) error {
	now := w.now()
	steps, at := []awslocal.Scan{}, time.Duration(0)
	for i := range 6 {
		findings := enhanced(1+i, "LOW")
		if i == 5 {
			findings = append(findings, enhanced(1, "CRITICAL")...)
		}
		steps = append(steps, awslocal.Scan{After: at, Status: "ACTIVE", CompletedAt: now, EnhancedFindings: findings})
		at += between(random, 3*time.Second, 8*time.Second)
	}
	p, tag, _ := w.push("trickling-in", wait|deny, awslocal.Image{Scans: steps})
	p.aged = true
	w.show(tag)
	return nil
}

// scanLate pushes an image that nobody has scanned yet.
func (w *world) scanLate(_ context.Context, random *rand.Rand) error {
	begins := between(random, time.Second, 8*time.Second)
	done := begins + between(random, time.Second, 8*time.Second)
	findings, then := basic(2, "LOW"), admit
	if random.IntN(2) == 0 {
		findings, then = basic(2, "CRITICAL"), deny
	}
	now := w.now()
	p, tag, digest := w.push("scanned-late", wait, awslocal.Image{Scans: []awslocal.Scan{
		{Error: "ScanNotFoundException"},
		{After: begins, Status: "IN_PROGRESS"},
		{After: done, Status: "COMPLETE", CompletedAt: now.Add(done), Findings: findings},
	}})
	p.fates.begin(then, now.Add(done), w.now().Add(done))
	w.show(tag, digest)
	return nil
}

// settledAfter is the time after which a finished enhanced scan is believed.
const settledAfter = 2 * time.Minute

// scanEnhanced pushes an image whose scan is done at once, and stays as it is: it is
// not ready until it is old enough, or two looks agree.
func (w *world) scanEnhanced(_ context.Context, random *rand.Rand) error {
	findings, first, then := enhanced(2, "LOW"), wait|admit, admit
	switch random.IntN(3) {
	case 0:
		findings, first = enhanced(0, ""), wait
	case 1:
		findings, first, then = enhanced(2, "HIGH"), wait|deny, deny
	}
	now := w.now()
	p, tag, digest := w.push("just-scanned", first, awslocal.Image{Scans: []awslocal.Scan{{Status: "ACTIVE", CompletedAt: now, EnhancedFindings: findings}}})
	p.aged = true
	p.fates.begin(then, now.Add(settledAfter), w.now().Add(settledAfter))
	w.show(tag, digest)
	return nil
}

// except pushes an image whose one critical vulnerability is excepted for a while.
func (w *world) except(ctx context.Context, random *rand.Rand) error {
	id := fmt.Sprintf("CVE-2027-%d", 10_000+random.IntN(1_000_000))
	found := enhanced(1, "CRITICAL")
	found[0].ID = id
	ends := w.now().Add(between(random, 10*time.Second, 5*time.Minute)).Truncate(time.Second)
	w.editing.Lock()
	defer w.editing.Unlock()
	w.ending = append(w.ending, ending{id, ends})
	w.ending = w.ending[max(0, len(w.ending)-50):]
	if err := w.write(ctx, "exceptions.yaml", exceptions(w.ending)); err != nil {
		return err
	}
	p, tag, _ := w.push("excepted", admit, awslocal.Image{Scans: []awslocal.Scan{w.scanned(longAgo, found...)}})
	p.aged, p.exact = true, true
	p.fates.begin(deny, ends, ends)
	w.show(tag)
	return nil
}

type deletion struct {
	*picture
	repository string
}

// pushDoomed pushes a clean image that will be deleted.
func (w *world) pushDoomed() deletion {
	repository := w.name("doomed")
	p, tag, digest := w.push("doomed", admit, awslocal.Image{Repository: repository, Scans: []awslocal.Scan{w.scanned(longAgo)}})
	w.show(tag, digest)
	return deletion{p, repository}
}
