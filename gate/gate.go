package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Gate resolves, reads scans and evaluates. It is safe for concurrent use; its
// fields must not change after first use.
type Gate struct {
	Source     Source
	Policies   []Policy // the first whose globs fit is used; [Default] where none does
	Exceptions []Exception
	// Canonical turns the spellings of one registry's host into one, for policies and
	// exceptions to match; nil: each spelling is its own registry.
	Canonical func(registry string) string
	Now       func() time.Time // nil: time.Now
	// Parallel is how many scans of one index are read at a time; 0: 4.
	Parallel int
	// Room bounds what all gates that share it judge at a time; nil: nothing does, but
	// for one image's own size.
	Room *Room

	references references
	indexed    sync.Once
	index      exceptionIndex // of Exceptions
}

// Request asks for a verdict on one image.
type Request struct {
	Image string // as written
	// Digest is what the image was resolved to earlier, if it was: then that
	// digest is judged, wherever the tag points by now.
	Digest string
	// Policy names the policy to use; empty: the first that matches.
	Policy string
	// Readings are the traces of an earlier look, by manifest digest.
	Readings map[string]Reading
	// DryRun starts no scan: nothing may come of a dry run. The verdict is otherwise
	// the same.
	DryRun bool
}

// Check is the verdict on one image. It never fails: what cannot be judged has
// its own outcome. It makes one resolve call and reads each platform's scan; where
// the policy names a baseline, as much again for that, at the same time.
func (g *Gate) Check(ctx context.Context, req Request) Verdict {
	v := g.judge(ctx, req)
	if v.WantsScan && !req.DryRun {
		g.startScans(ctx, v.img, &v)
	}
	return v
}

func (g *Gate) judge(ctx context.Context, req Request) Verdict {
	c, stale, place, trouble := g.read(ctx, req)
	defer place.leave()
	if trouble != nil {
		return Unjudged(c.Policy.Name, c.Image, trouble)
	}
	v := c.Verdict()
	if stale {
		v.warn(staleWarning)
	}
	return v
}

// read gathers what the verdict rests on; stale says that the tag was resolved by
// what ECR said before. Where there is trouble, the case holds what was known by
// then. The place in the room is to be left once the case is judged.
func (g *Gate) read(ctx context.Context, req Request) (c Case, stale bool, in place, trouble *Trouble) {
	g.indexed.Do(func() { g.index = indexOf(g.Exceptions) })
	c.Policy.Name, c.Exceptions, c.index = req.Policy, g.Exceptions, &g.index
	img, err := g.references.parse(req.Image, g.Canonical)
	if err != nil {
		c.Image.Written = Clip(req.Image, MaxSentence) // what cannot be read has no end either
		return c, false, in, AsTrouble(err)
	}
	c.Image = img
	policy, err := g.policy(req.Policy, img)
	if err != nil {
		return c, false, in, AsTrouble(err)
	}
	c.Policy = policy
	if c.Image, err = img.at(req.Digest); err != nil {
		return c, false, in, AsTrouble(err)
	}
	resolved, baseline, err := g.resolveBoth(ctx, c.Image, policy.Baseline)
	if err != nil {
		return c, false, in, AsTrouble(err)
	}
	c.Image.Digest, c.Baseline = resolved.Digest, baseline
	manifests, n := resolved.Manifests, len(resolved.Manifests)
	if baseline != nil { // in one list, so that all are read at the same time
		manifests = slices.Concat(manifests, baseline.toRead(resolved))
	}
	if c.Scans, in, err = g.openScans(ctx, c.Image, manifests, n, req.Readings); err != nil {
		return c, false, in, AsTrouble(err)
	}
	if baseline != nil {
		c.Scans, baseline.Scans = c.Scans[:n:n], c.Scans[n:]
	}
	c.Now = g.now()
	return c, resolved.Stale, in, nil
}

// PolicyNames lists the policies a request may name.
func (g *Gate) PolicyNames() []string {
	names := make([]string, 0, len(g.Policies)+1)
	for _, p := range g.Policies {
		names = append(names, p.Name)
	}
	if !slices.Contains(names, Default().Name) {
		names = append(names, Default().Name)
	}
	return names
}

// policy finds the policy by name, else by match.
func (g *Gate) policy(name string, img Image) (Policy, error) {
	full := "" // written down once, and only for globs
	for _, p := range g.Policies {
		if name == "" && len(p.Images) > 0 && full == "" {
			full = img.Registry + "/" + img.Repository
		}
		if name != "" && p.Name == name || name == "" && p.matches(full) {
			return p, nil
		}
	}
	if name == "" || name == Default().Name {
		return Default(), nil
	}
	return Policy{}, &Trouble{
		Cause: UnknownPolicy,
		Text:  fmt.Sprintf("there is no policy named %q", Clip(name, 40)),
		Mend:  "use one of " + strings.Join(g.PolicyNames(), ", "),
	}
}

// resolve holds the source to its word: one digest, and the one asked for.
func (g *Gate) resolve(ctx context.Context, img Image) (resolved Resolution, err error) {
	defer contain(&err)
	resolved, err = g.Source.Resolve(ctx, img)
	if err == nil && (resolved.Digest == "" || img.Digest != "" && img.Digest != resolved.Digest) {
		err = fault(errors.New("the image was not resolved to the digest asked for"))
	}
	return resolved, err
}

func (g *Gate) startScan(ctx context.Context, img Image, m Manifest) (err error) {
	defer contain(&err)
	return g.Source.StartScan(ctx, img, m)
}

// RescanAfter is how long ECR refuses to scan an image again
// (https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-basic.html).
const RescanAfter = 24 * time.Hour

// startScans asks for new scans where that is why the verdict waits. An old
// result that cannot be renewed is not worth waiting for; a missing one is, since
// the scan on push may still come (an enhanced registry refuses to start any). So is
// one that ECR is renewing already: another replica, another job or a call whose
// answer was lost asked for it.
func (g *Gate) startScans(ctx context.Context, img Image, v *Verdict) {
	for _, m := range v.Manifests {
		if !m.rescan {
			continue
		}
		err := g.startScan(ctx, img, Manifest{m.Platform, m.Digest})
		if err == nil {
			continue
		}
		t := AsTrouble(err)
		if t.ScannedLately && g.now().Sub(m.CompletedAt) > RescanAfter { // or there is none
			continue
		}
		if m.Cause == TooOld && v.Outcome == Pending && !t.Passing {
			warnings := v.Warnings
			*v = v.because(t)
			v.Warnings = warnings
			return
		}
		v.Warnings = append(v.Warnings, Clip("no new scan could be started: "+t.Text, MaxSentence))
	}
}

// because turns the verdict into one that could not be had, for this trouble.
func (v Verdict) because(t *Trouble) Verdict {
	u := Unjudged(v.Policy, v.img, t)
	u.Manifests = v.Manifests
	return u
}

func (g *Gate) now() time.Time {
	if g.Now == nil {
		return time.Now()
	}
	return g.Now()
}

func orDefault(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
