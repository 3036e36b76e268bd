package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// whyThisException is why an exception lets a finding pass, or why it does not.
// What fits and what does not, the exception itself says (see misses).
func (r *rules) whyThisException(i int, t traced) string {
	e, f := r.exceptions[i], t.finding
	packages := f.Packages
	if len(packages) == 0 {
		packages = []Package{{}}
	}
	var covered []string
	var other Package
	nearest := otherID
	for _, p := range packages {
		in := installed{Package: p, purl: p.parsePURL()}
		switch miss := e.misses(r.img, t.scan.Digest, f, in, t.decision.weight); {
		case miss == fits:
			covered = append(covered, cmp.Or(Clip(p.Name, 40), "the image"))
		case miss >= nearest:
			nearest, other = miss, p
		}
	}
	lapsed := ""
	if e.Lapsed(r.now) {
		lapsed = "expired at " + instant(e.ExpiresAt)
	}
	switch {
	case len(covered) == 0 && lapsed != "":
		return r.whyMissed(e, nearest, t, other) + "; it " + lapsed
	case len(covered) == 0:
		return r.whyMissed(e, nearest, t, other)
	case len(covered) < len(packages):
		return "covers " + strings.Join(covered, ", ") + " and not " + Clip(other.Name, 40) + ": it " + r.whyMissed(e, nearest, t, other) + either(lapsed == "", "", "; it "+lapsed)
	case lapsed != "":
		return lapsed
	default:
		return r.whyUsed(e, slices.Contains(t.decision.used, i))
	}
}

func (r *rules) whyUsed(e Exception, used bool) string {
	until := "without an end"
	if !e.ExpiresAt.IsZero() {
		until = "until " + instant(e.ExpiresAt)
	}
	return either(used, "lets it pass ", "would let it pass too, ") + until + inParens(e.Statement)
}

// whyMissed says which scope does not fit, and whether it could be evaluated.
func (r *rules) whyMissed(e Exception, miss mismatch, t traced, p Package) string {
	f := t.finding
	switch miss {
	case otherID:
		return whyOtherID(e, f)
	case otherRepository:
		return "is for the repositories " + few(e.Repositories) + ", not " + Clip(r.img.Repository, 60)
	case otherDigest:
		return "is for other digests than " + ShortDigest(r.img.Digest)
	case otherPackage:
		return "is for the packages " + few(e.namesAndVersions()) + ", not " + Clip(strings.TrimSpace(p.Name+" "+p.Version), 60)
	case otherPURL:
		return whyOtherPURL(e, p)
	case otherPath:
		if p.Path == "" {
			return "names paths, of which the scan gives none: it cannot be evaluated"
		}
		return "is for the paths " + few(e.Paths) + ", not " + Clip(p.Path, 60)
	case fixedByNow:
		if f.Fix == FixUnknown && !f.hasFixedVersion() {
			return "holds until there is a fix (until_fixed), which the scan does not tell: it cannot be evaluated"
		}
		return "held until there was a fix (until_fixed), and there is one"
	default:
		return fmt.Sprintf("holds up to %s (max_severity), and this counts as %s", e.MaxSeverity, t.decision.weight)
	}
}

func whyOtherID(e Exception, f Finding) string {
	if id := e.idsOf(f); len(f.Related) > 1 && !strings.EqualFold(id, f.ID) {
		return "names " + id + ", one of several that " + Clip(f.ID, 40) + " stands for"
	} else if id != "" {
		return "names " + id + ", and IDs are compared letter by letter"
	}
	return "names another vulnerability"
}

func whyOtherPURL(e Exception, p Package) string {
	var want []string
	vague := true
	for _, purl := range e.PURLs {
		want = append(want, purl.ToString())
		vague = vague && (len(purl.Qualifiers) > 0 || purl.Subpath != "")
	}
	switch {
	case p.parsePURL().Name == "":
		return "names package URLs, and the scan gives none for " + Clip(p.Name, 40) + ": it cannot be evaluated"
	case vague:
		return "names package URLs with qualifiers or a subpath: it cannot be evaluated"
	default:
		return "is for " + few(want) + ", not " + Clip(p.PURL, 80)
	}
}

func (e Exception) namesAndVersions() []string {
	list := make([]string, len(e.Packages))
	for i, p := range e.Packages {
		list[i] = p.Name + either(p.Version == "", "", "@"+p.Version)
	}
	return list
}

// few shows the first of a list.
func few(list []string) string {
	const most = 2
	text := make([]string, 0, most)
	for i, l := range list {
		if i == most {
			return strings.Join(text, ", ") + fmt.Sprintf(" and %d more", len(list)-most)
		}
		text = append(text, Clip(l, 60))
	}
	return strings.Join(text, ", ")
}

// whyExcepted goes through the exceptions that name the vulnerability, or nothing
// but its packages.
func (r *rules) whyExcepted(t traced) []Step {
	var steps []Step
	for i, e := range r.exceptions {
		if !e.nearly(t.finding) {
			continue
		}
		note := e.note()
		text := cmp.Or(Clip(e.Source, 80), "an exception") + " " + r.whyThisException(i, t)
		used := slices.Contains(t.decision.used, i)
		steps = append(steps, Step{Rule: "exceptions", Text: Clip(text, 300), Decides: used, Exception: &note})
	}
	if steps == nil {
		steps = []Step{{Rule: "exceptions", Text: "none names it or its packages"}}
	}
	return steps
}

// nearly reports whether somebody might expect the exception to be about this.
func (e Exception) nearly(f Finding) bool {
	for _, id := range e.IDs {
		if f.isCalled(id) {
			return true
		}
	}
	if len(e.IDs) > 0 {
		return false
	}
	for _, name := range e.packageNames() {
		for _, p := range f.Packages {
			if name != "" && (name == p.Name || name == p.parsePURL().Name) {
				return true
			}
		}
	}
	return false
}

func (e Exception) idsOf(f Finding) string {
	var ids []string
	for _, id := range e.IDs {
		if f.isCalled(id) {
			ids = append(ids, Clip(id, 40))
		}
	}
	return strings.Join(ids, ", ")
}
