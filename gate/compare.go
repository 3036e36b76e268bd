package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Comparison is what an image's findings are beside another one's, on what is known
// of both today: everything open that the scans list, whatever a policy or an
// exception makes of it. Of an index it is over all platforms.
type Comparison struct {
	Image          string `json:"image"`
	Digest         string `json:"digest,omitempty"`
	Baseline       string `json:"baseline"` // the other image, as it was given
	BaselineDigest string `json:"baselineDigest,omitempty"`
	// Compared says that the lists tell something; if not, Reason says why.
	Compared bool      `json:"compared"`
	Reason   string    `json:"reason,omitempty"`
	New      []Finding `json:"new"`    // only the image has them
	Gone     []Finding `json:"gone"`   // only the baseline has them
	Stayed   []Finding `json:"stayed"` // both have them; as they are in the image
	Warnings []string  `json:"warnings,omitempty"`
	// Err is what lies beneath a reason, for the log; it may be nil.
	Err error `json:"-"`
}

// Compare reads both images and compares them. The baseline is a reference; ":tag"
// and "@sha256:…" are of the image's own repository. No scan is started, and the
// policy has no say.
func (g *Gate) Compare(ctx context.Context, req Request, baseline string) Comparison {
	var image, other looked
	var both sync.WaitGroup
	both.Go(func() { other = g.look(ctx, Request{Image: g.beside(req.Image, baseline)}) })
	image = g.look(ctx, req)
	both.Wait()
	c := Comparison{
		Image: Clip(req.Image, MaxSentence), Digest: image.digest,
		Baseline: Clip(baseline, MaxSentence), BaselineDigest: other.digest,
	}
	if t := image.trouble; t != nil {
		return c.impossible(c.Image, t)
	}
	if t := other.trouble; t != nil {
		return c.impossible(c.Baseline, t)
	}
	if image.stale || other.stale {
		c.Warnings = []string{staleWarning}
	}
	return c.of(image.scans, other.scans, g.now())
}

// beside reads the short forms of a reference in the image's own repository. A
// reference that cannot be read is whoever's to tell who looks.
func (g *Gate) beside(image, written string) string {
	if !strings.HasPrefix(written, ":") && !strings.HasPrefix(written, "@") {
		return written
	}
	img, err := g.references.parse(image, g.Canonical)
	if err != nil {
		return written
	}
	return img.Registry + "/" + img.Repository + written
}

// looked is what was read of an image.
type looked struct {
	digest  string
	scans   []Scan
	stale   bool
	trouble *Trouble // not nil: nothing
}

func (g *Gate) look(ctx context.Context, req Request) (l looked) {
	img, err := g.references.parse(req.Image, g.Canonical)
	if err == nil {
		img, err = img.at(req.Digest)
	}
	if err != nil {
		l.trouble = AsTrouble(err)
		return l
	}
	resolved, err := g.resolve(ctx, img)
	if err != nil {
		l.trouble = AsTrouble(err)
		return l
	}
	l.digest, l.stale = resolved.Digest, resolved.Stale
	scans, place, err := g.openScans(ctx, img, resolved.Manifests, len(resolved.Manifests), req.Readings)
	place.leave() // at once: two that hold one and wait for another could wait for ever
	if err != nil {
		l.trouble = AsTrouble(err)
		return l
	}
	l.scans = scans
	for i := range l.scans {
		l.stale = l.stale || l.scans[i].Stale
	}
	return l
}

// of compares what the scans of two images list. Every scan has to be finished and
// settled: of a part nobody can say what is new and what is gone.
func (c Comparison) of(image, baseline []Scan, now time.Time) Comparison {
	r := &rules{now: now}
	for _, side := range []struct {
		name  string
		scans []Scan
	}{{c.Image, image}, {c.Baseline, baseline}} {
		if len(side.scans) == 0 {
			return c.impossible(side.name, &Trouble{Cause: BadImage, Text: "it has no platform manifest"})
		}
		for _, s := range side.scans {
			if t := r.unusable(s); t != nil {
				return c.impossible(side.name, t)
			}
		}
	}
	before, after := sightingsIn(baseline...), sightingsIn(image...)
	c.New = open(image, func(f *Finding) bool { return !before.all(f) })
	c.Stayed = open(image, before.all)
	c.Gone = open(baseline, func(f *Finding) bool { return !after.any(f) })
	c.Compared = true
	return c
}

func (c Comparison) impossible(name string, t *Trouble) Comparison {
	c.Reason = Clip("cannot be compared: "+elide(Clean(name), 100)+": "+t.Text, MaxSentence)
	c.New, c.Gone, c.Stayed = []Finding{}, []Finding{}, []Finding{}
	c.Err = t.Err
	return c
}

// Summary is the comparison in one sentence.
func (c Comparison) Summary() string {
	if !c.Compared {
		return c.Reason
	}
	return fmt.Sprintf("since %s (%s): %d new, %d gone, %d stayed", Clip(c.Baseline, 120), ShortDigest(c.BaselineDigest), len(c.New), len(c.Gone), len(c.Stayed))
}

// open lists the findings that are not closed and are wanted, each once and the
// worst first.
func open(scans []Scan, wanted func(*Finding) bool) []Finding {
	var list []*Finding
	for i := range scans {
		for j := range scans[i].Findings {
			if f := &scans[i].Findings[j]; f.Status != Closed && wanted(f) {
				list = append(list, f)
			}
		}
	}
	slices.SortFunc(list, worstFirst)
	list = distinct(list, (*Finding).key)
	findings := make([]Finding, len(list))
	for i, f := range list {
		findings[i] = *f
	}
	return findings
}
