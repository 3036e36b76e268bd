package gate

import (
	"context"
	"slices"
)

// Matching is what an image has to do with each of the exceptions, by index.
type Matching struct {
	Verdict Verdict
	// Complete says that every platform's findings were looked at. If not, an
	// exception that fits nothing may fit what was not seen.
	Complete bool
	// Applies says that the exception's repositories and digests include the image.
	Applies []bool
	// Fits says that it fits some package of an open finding, expired or not. That is
	// more than the verdict's Used: where several fit, one is used, and the others
	// would be if it were gone.
	Fits []bool
}

// Matching judges an image as [Gate.Check] does, and holds the gate's exceptions
// against it. It starts no scan.
func (g *Gate) Matching(ctx context.Context, req Request) Matching {
	c, _, place, trouble := g.read(ctx, req)
	defer place.leave()
	if trouble != nil {
		n := len(c.Exceptions)
		return Matching{Verdict: Unjudged(c.Policy.Name, c.Image, trouble), Applies: make([]bool, n), Fits: make([]bool, n)}
	}
	return c.Matching()
}

// Matching judges the case and holds its exceptions against it.
func (c Case) Matching() Matching {
	m := Matching{Verdict: c.Verdict(), Applies: make([]bool, len(c.Exceptions)), Fits: make([]bool, len(c.Exceptions))}
	unseen := func(m ManifestVerdict) bool { return !m.judged() }
	m.Complete = len(c.Scans) > 0 && !slices.ContainsFunc(m.Verdict.Manifests, unseen)
	digests := make([]string, len(c.Scans))
	r := c.rules()
	for i, s := range c.Scans {
		digests[i] = s.Digest
		for _, f := range s.Findings {
			if f.Status != Closed {
				r.fitting(s.Digest, f, m.Fits)
			}
		}
	}
	for i, e := range c.Exceptions {
		m.Applies[i] = e.AppliesTo(c.Image, digests...)
	}
	return m
}

// fitting marks the exceptions that fit some package of the finding.
func (r *rules) fitting(manifest string, f Finding, fits []bool) {
	named, weight := r.naming(f), r.policy.weigh(f.Severity)
	packages := f.Packages
	if len(packages) == 0 {
		packages = []Package{{}}
	}
	for _, p := range packages {
		in := installed{Package: p, purl: p.parsePURL()}
		for _, i := range r.candidates(named, in) {
			fits[i] = fits[i] || r.exceptions[i].covers(r.img, manifest, f, in, weight)
		}
	}
}
