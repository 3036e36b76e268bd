package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Source is where scans come from. Its errors are *[Trouble] where it knows what
// went wrong; any other error counts as trouble of our own.
type Source interface {
	// Resolve turns the reference into one digest, once, and lists the platform
	// manifests behind it.
	Resolve(ctx context.Context, img Image) (Resolution, error)
	// Scan reads the whole scan of one platform manifest.
	Scan(ctx context.Context, img Image, manifest Manifest) (Scan, error)
	// StartScan asks for a new scan of a platform manifest. A scan already under
	// way is no error.
	StartScan(ctx context.Context, img Image, manifest Manifest) error
}

// Resolution is what a reference stands for at one moment.
type Resolution struct {
	Digest    string     // what the reference named: an image or an index
	Manifests []Manifest // one, or one per platform of an index
	// Stale: it was so a while ago, and the source gave no answer now.
	Stale bool
}

// Manifest is one platform's image.
type Manifest struct {
	Platform string // os/arch[/variant]; empty for an image that is no index
	Digest   string
}

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

	references references
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
	c, stale, trouble := g.read(ctx, req)
	if trouble != nil {
		return Unjudged(c.Policy.Name, c.Image, trouble)
	}
	v := c.Verdict()
	if stale {
		v.warn(staleWarning)
	}
	if v.WantsScan && !req.DryRun {
		g.startScans(ctx, c.Image, &v)
	}
	return v
}

// read gathers what the verdict rests on; stale says that the tag was resolved by
// what ECR said before. Where there is trouble, the case holds what was known by
// then.
func (g *Gate) read(ctx context.Context, req Request) (c Case, stale bool, trouble *Trouble) {
	c.Policy.Name, c.Exceptions = req.Policy, g.Exceptions
	img, err := g.references.parse(req.Image, g.Canonical)
	if err != nil {
		c.Image.Written = clip(req.Image, MaxSentence) // what cannot be read has no end either
		return c, false, asTrouble(err)
	}
	c.Image = img
	policy, err := g.policy(req.Policy, img)
	if err != nil {
		return c, false, asTrouble(err)
	}
	c.Policy = policy
	if c.Image, err = img.at(req.Digest); err != nil {
		return c, false, asTrouble(err)
	}
	resolved, baseline, err := g.resolveBoth(ctx, c.Image, policy.Baseline)
	if err != nil {
		return c, false, asTrouble(err)
	}
	c.Image.Digest, c.Baseline = resolved.Digest, baseline
	manifests, n := resolved.Manifests, len(resolved.Manifests)
	if baseline != nil { // in one list, so that all are read at the same time
		manifests = slices.Concat(manifests, baseline.toRead(resolved))
	}
	c.Scans = g.readScans(ctx, c.Image, manifests, req.Readings)
	if baseline != nil {
		c.Scans, baseline.Scans = c.Scans[:n:n], c.Scans[n:]
	}
	c.Now = g.now()
	return c, resolved.Stale, nil
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
	for _, p := range g.Policies {
		if name != "" && p.Name == name || name == "" && p.Matches(img) {
			return p, nil
		}
	}
	if name == "" || name == Default().Name {
		return Default(), nil
	}
	return Policy{}, &Trouble{
		Cause: UnknownPolicy,
		Text:  fmt.Sprintf("there is no policy named %q", clip(name, 40)),
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

// contain turns a panic into an error: in a goroutine of ours it would take the
// whole process with it.
func contain(err *error) {
	if p := recover(); p != nil {
		*err = fault(fmt.Errorf("panic: %v", p))
	}
}

// readScans reads every platform's scan; one that cannot be read carries its
// trouble, and the others count all the same.
func (g *Gate) readScans(ctx context.Context, img Image, manifests []Manifest, readings map[string]Reading) []Scan {
	scans := make([]Scan, len(manifests))
	if len(manifests) == 1 { // most images
		scans[0] = g.readScan(ctx, img, manifests[0], readings)
		return scans
	}
	var group errgroup.Group
	group.SetLimit(orDefault(g.Parallel, 4))
	for i, m := range manifests {
		group.Go(func() error {
			scans[i] = g.readScan(ctx, img, m, readings)
			return nil
		})
	}
	_ = group.Wait() // the goroutines return no errors
	return scans
}

func (g *Gate) readScan(ctx context.Context, img Image, m Manifest, readings map[string]Reading) Scan {
	scan, err := g.scan(ctx, img, m)
	if err != nil {
		scan = Scan{Trouble: asTrouble(err)}
	}
	scan.Platform, scan.Digest = m.Platform, m.Digest
	if scan.ReadAt.IsZero() {
		scan.ReadAt = g.now()
	}
	if r, ok := readings[m.Digest]; ok {
		scan.Previous = &r
	}
	return scan
}

func (g *Gate) scan(ctx context.Context, img Image, m Manifest) (scan Scan, err error) {
	defer contain(&err)
	return g.Source.Scan(ctx, img, m)
}

func (g *Gate) startScan(ctx context.Context, img Image, m Manifest) (err error) {
	defer contain(&err)
	return g.Source.StartScan(ctx, img, m)
}

// startScans asks for new scans where that is why the verdict waits. An old
// result that cannot be renewed is not worth waiting for; a missing one is, since
// the scan on push may still come (an enhanced registry refuses to start any).
func (g *Gate) startScans(ctx context.Context, img Image, v *Verdict) {
	for _, m := range v.Manifests {
		if !m.rescan {
			continue
		}
		err := g.startScan(ctx, img, Manifest{m.Platform, m.Digest})
		if err == nil {
			continue
		}
		t := asTrouble(err)
		if m.Cause == TooOld && v.Outcome == Pending && !t.Passing {
			warnings := v.Warnings
			*v = v.because(t)
			v.Warnings = warnings
			return
		}
		v.Warnings = append(v.Warnings, clip("no new scan could be started: "+t.Text, MaxSentence))
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

// asTrouble makes trouble of any error. One that nobody has classified is ours,
// and whether it passes nobody can say: it is not waited for.
func asTrouble(err error) *Trouble {
	var t *Trouble
	if errors.As(err, &t) {
		if t == nil { // a nil *Trouble in an error: the source has a fault
			return fault(errors.New("an error that says nothing"))
		}
		return t
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Trouble{Cause: NotReadable, Passing: true, Text: "there was no answer in time", Mend: "try again", Err: err}
	}
	return fault(err)
}

func fault(err error) *Trouble {
	return &Trouble{Cause: Internal, Text: "a fault of ecr-gate itself", Mend: "report it with ecr-gate's log", Err: err}
}

func orDefault(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
