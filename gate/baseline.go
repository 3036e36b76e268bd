package gate

import (
	"slices"
	"strings"
)

// Baseline is what was read of the image that [Policy.Baseline] names, to measure
// another one by. The zero value says nothing, and then every finding counts:
// whatever is not known of a baseline makes the verdict stricter.
type Baseline struct {
	Digest    string     // what the tag named; empty: it was not resolved
	Manifests []Manifest // behind it
	Scans     []Scan     // of those manifests, the ones that were read
	Stale     bool       // the tag named it a while ago, and the source gave no answer now
	Trouble   *Trouble   // not nil: why it could not be resolved
}

// BaselineNote is what a report says of the image that others are measured by.
type BaselineNote struct {
	Tag    string `json:"tag"`
	Digest string `json:"digest,omitempty"` // empty: it was not resolved
}

func (r *rules) baselineNote() *BaselineNote {
	if r.policy.Baseline == "" {
		return nil
	}
	note := &BaselineNote{Tag: r.policy.Baseline}
	if r.baseline != nil {
		note.Digest = r.baseline.Digest
	}
	return note
}

// since is what a platform's findings are measured by. The zero value is nothing:
// every finding counts.
type since struct {
	known  sightings // nil: every finding counts
	digest string    // of the baseline's manifest
	stale  bool
	// warning says why every finding counts, though the policy names a baseline.
	warning string
	passing bool // that may be otherwise in a moment
}

// sinceBaseline finds what one platform's findings are measured by: the finished
// and settled scan of the same platform, and nothing less.
func (r *rules) sinceBaseline(s Scan) since {
	if r.policy.Baseline == "" {
		return since{}
	}
	b := r.baseline
	if t := b.useless(r.img); t != nil {
		return r.withoutBaseline("", t)
	}
	m, t := b.manifest(s)
	if t != nil {
		return r.withoutBaseline(s.Platform, t)
	}
	i := slices.IndexFunc(b.Scans, func(read Scan) bool { return read.Digest == m.Digest })
	if i < 0 {
		return r.withoutBaseline(s.Platform, unread())
	}
	if t := r.unusable(b.Scans[i]); t != nil {
		return r.withoutBaseline(s.Platform, t)
	}
	return since{known: sightingsIn(b.Scans[i]), digest: m.Digest, stale: b.Stale || b.Scans[i].Stale}
}

// useless is why the baseline says nothing of any platform; nil: it may.
func (b *Baseline) useless(img Image) *Trouble {
	switch {
	case b == nil:
		return unread()
	case b.Trouble != nil:
		return b.Trouble
	case b.Digest == "":
		return unread()
	case b.Digest == img.Digest:
		return sameImage()
	default:
		return nil
	}
}

// manifest is the baseline's manifest for the platform of a scan. The manifest
// that is to be judged cannot be its own baseline, whatever index it is in.
func (b *Baseline) manifest(s Scan) (Manifest, *Trouble) {
	var same []Manifest
	for _, m := range b.Manifests {
		if m.Platform == s.Platform {
			same = append(same, m)
		}
	}
	switch {
	case len(same) == 0:
		return Manifest{}, &Trouble{Cause: BadImage, Text: "it has no image for that platform", Mend: "build both for the same platforms"}
	case len(same) > 1:
		return Manifest{}, &Trouble{Cause: BadImage, Text: "it has several images for that platform"}
	case same[0].Digest == s.Digest:
		return Manifest{}, sameImage()
	default:
		return same[0], nil
	}
}

// unusable is why a scan is none to measure others by; nil: it is finished, settled,
// as young as the policy wants them and whole.
func (r *rules) unusable(s Scan) *Trouble {
	if s.Trouble != nil {
		return s.Trouble
	}
	if unscannable(s) {
		return &Trouble{Cause: Unscannable, Text: "ECR cannot scan it"}
	}
	t := unfinished(s)
	switch {
	case t != nil && t.Cause == NotFinished:
		return &Trouble{Cause: NotFinished, Text: "its scan is not finished (" + t.Text + ")"}
	case t != nil:
		return t
	case !s.settled(r.now):
		return &Trouble{Cause: NotSettled, Text: "it was scanned just now and findings may still come in"}
	}
	if t := r.outdated(s); t != nil {
		return t
	}
	if !s.whole() {
		return &Trouble{Cause: CountsDisagree, Text: "ECR counts more findings than it lists, or lists some of unknown status"}
	}
	return nil
}

func unread() *Trouble { return &Trouble{Cause: NotReadable, Text: "it was not read"} }

func sameImage() *Trouble {
	return &Trouble{Cause: BadImage, Text: "it is the very image to judge", Mend: "let the tag stay on the release before"}
}

// withoutBaseline is nothing to measure by, and the warning that says why.
func (r *rules) withoutBaseline(platform string, t *Trouble) since {
	where := ""
	if platform != "" {
		where = " for " + Clip(platform, 30)
	}
	text := "baseline " + Clip(r.policy.Baseline, 40) + " cannot be used" + where + ", so every finding counts: " + Clip(t.Text, 140)
	return since{
		warning: fit(MaxSentence, []string{strings.TrimSuffix(text+"; "+t.Mend, "; "), text}),
		passing: t.Cause == NotReadable && t.Passing,
	}
}

// knows reports whether the baseline has the finding as well.
func (s *since) knows(f *Finding) bool { return s.known != nil && s.known.all(f) }

// addBaseline names the image that the findings were measured by, if on any
// platform they were.
func (b *lines) addBaseline(v Verdict) {
	measured := slices.ContainsFunc(v.Manifests, func(m ManifestVerdict) bool { return m.Baseline != "" })
	if v.Baseline == nil || !measured {
		return
	}
	img := v.img
	img.Digest = v.Baseline.Digest
	b.add("baseline " + Clip(v.Baseline.Tag, 40) + ": " + Clean(img.Pinned()))
}
