package gate

import (
	"strings"
	"time"
)

// Evaluate judges an image by the scans of its platform manifests: one scan for
// a plain image, one per platform for an index, each of which must pass by
// itself. The worst outcome counts. No scans at all is Unavailable, never clean.
//
// It is pure and its texts are stable: the same cause gives the same bytes.
//
// Where the policy names a baseline, every finding counts: it takes a [Case] to
// know what that is.
func Evaluate(policy Policy, exceptions []Exception, img Image, scans []Scan, now time.Time) Verdict {
	return Case{Policy: policy, Exceptions: exceptions, Image: img, Scans: scans, Now: now}.Verdict()
}

// Case is all that a verdict rests on.
type Case struct {
	Policy     Policy
	Exceptions []Exception
	Image      Image
	Scans      []Scan    // one per platform manifest
	Baseline   *Baseline // what is known of the image that the policy names; nil: nothing
	Now        time.Time

	index *exceptionIndex // of Exceptions; nil: it is yet to be made
}

// Verdict judges the case. It is pure, as [Evaluate] is.
func (c Case) Verdict() Verdict { return c.rules().evaluate(c.Scans) }

func (r *rules) evaluate(scans []Scan) Verdict {
	if len(scans) == 0 {
		return Unjudged(r.policy.Name, r.img, &Trouble{
			Cause: BadImage,
			Text:  "it has no platform manifest to judge",
			Mend:  "push an image built for at least one platform",
		})
	}
	return r.verdict(r.judgeAll(scans))
}

// judgeAll judges each platform; decisive is the one that speaks for the image.
func (r *rules) judgeAll(scans []Scan) (judged []judgement, decisive int) {
	judged = make([]judgement, len(scans))
	for i, scan := range scans {
		judged[i] = r.judge(scan)
		if judged[i].worse(judged[decisive]) {
			decisive = i
		}
	}
	return judged, decisive
}

// Unjudged is the verdict on an image whose scans could not even be asked for.
func Unjudged(policy string, img Image, trouble *Trouble) Verdict {
	r := rules{policy: Policy{Name: policy}, img: img}
	j := r.judge(Scan{Trouble: trouble})
	v := r.verdict([]judgement{j}, 0)
	v.Manifests = []ManifestVerdict{}
	return v
}

// rules is what stays the same over the platforms of one image.
type rules struct {
	policy     Policy
	exceptions []Exception
	exceptionIndex
	blocked  map[string]bool
	img      Image
	baseline *Baseline
	now      time.Time
	trace    *trace // nil: nobody wants to know why
}

func (c Case) rules() *rules {
	r := &rules{
		policy: c.Policy, exceptions: c.Exceptions, img: c.Image, baseline: c.Baseline, now: c.Now,
	}
	if c.index != nil {
		r.exceptionIndex = *c.index
	} else {
		r.exceptionIndex = indexOf(c.Exceptions)
	}
	if len(c.Policy.Blocked) > 0 {
		r.blocked = make(map[string]bool, len(c.Policy.Blocked))
	}
	for _, id := range c.Policy.Blocked {
		r.blocked[strings.ToUpper(strings.TrimSpace(id))] = true
	}
	return r
}
