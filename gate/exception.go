package gate

import (
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/package-url/packageurl-go"
)

// Exception lets findings pass that somebody has looked at. Every scope that is
// set must match; one that cannot be evaluated does not. The zero value matches
// nothing.
type Exception struct {
	// IDs are the vulnerability's names; a finding with any of them is meant.
	// Empty: any vulnerability of the packages named (Packages or PURLs are then
	// required).
	IDs          []string
	PURLs        []packageurl.PackageURL
	Paths        []string // globs over the package's file path
	Packages     []PackageName
	Repositories []string // globs over repository, or registry/repository
	Digests      []string // of the image, its index or its platform manifest
	// ExpiresAt is the instant at which the exception lapses; zero: never.
	ExpiresAt time.Time
	// UntilFixed lapses as soon as any package of the finding has a fix. A basic
	// scan does not say, so there the exception does not apply.
	UntilFixed bool
	// MaxSeverity lapses when the finding is worse than this; Untriaged: any.
	MaxSeverity Severity

	Statement string
	Owner     string
	Ticket    string
	Source    string // file and entry, for people: "exceptions.yaml: vulnerabilities[3]"
}

// PackageName is an installed package; an empty Version means any.
type PackageName struct {
	Name    string
	Version string
}

// Lapsed reports whether the exception's time is over. At the very instant it is.
func (e Exception) Lapsed(now time.Time) bool {
	return !e.ExpiresAt.IsZero() && !now.Before(e.ExpiresAt)
}

// covers reports whether the exception, were it not for its expiry, lets this
// package of the finding pass in this image. counted is what the finding's
// severity counts as.
func (e Exception) covers(img Image, manifest string, f Finding, p installed, counted Severity) bool {
	return e.misses(img, manifest, f, p, counted) == fits
}

// mismatch is what of an exception's scope does not fit a finding.
type mismatch uint8

// The scopes, in the order in which they are looked at.
const (
	fits mismatch = iota
	otherID
	otherRepository
	otherDigest
	otherPackage
	otherPURL
	otherPath
	fixedByNow
	tooSevere
)

// misses is the first scope that does not fit.
func (e Exception) misses(img Image, manifest string, f Finding, p installed, counted Severity) mismatch {
	switch {
	case !e.names(f):
		return otherID
	case !e.namesRepository(img):
		return otherRepository
	case !e.namesDigest(img, manifest):
		return otherDigest
	}
	if miss := e.missesPackage(p); miss != fits {
		return miss
	}
	switch {
	case e.UntilFixed && (f.Fix != FixNo || f.hasFixedVersion()):
		return fixedByNow
	case e.MaxSeverity != Untriaged && (counted == Untriaged || counted > e.MaxSeverity):
		return tooSevere
	default:
		return fits
	}
}

// names reports whether the finding is one of the vulnerabilities meant. A
// related ID stands for the finding only if it is the only one: an advisory that
// bundles five CVEs is not excused by an exception for one of them.
func (e Exception) names(f Finding) bool {
	if len(e.IDs) == 0 {
		return len(e.Packages) > 0 || len(e.PURLs) > 0
	}
	for _, id := range e.IDs {
		if id != "" && (id == f.ID || len(f.Related) == 1 && id == f.Related[0]) {
			return true
		}
	}
	return false
}

// AppliesTo reports whether the exception's repositories and digests include
// this image, so that it could be used there.
func (e Exception) AppliesTo(img Image, manifests ...string) bool {
	if len(manifests) == 0 {
		return e.namesImage(img, "")
	}
	for _, m := range manifests {
		if e.namesImage(img, m) {
			return true
		}
	}
	return false
}

func (e Exception) namesImage(img Image, manifest string) bool {
	return e.namesRepository(img) && e.namesDigest(img, manifest)
}

func (e Exception) namesRepository(img Image) bool {
	return len(e.Repositories) == 0 || anyGlob(e.Repositories, img.Repository) || anyGlob(e.Repositories, img.Registry+"/"+img.Repository)
}

func (e Exception) namesDigest(img Image, manifest string) bool {
	return len(e.Digests) == 0 || contains(e.Digests, img.Digest) || contains(e.Digests, manifest)
}

func anyGlob(globs []string, names ...string) bool {
	for _, g := range globs {
		for _, n := range names {
			if ok, err := doublestar.Match(g, n); ok && err == nil {
				return true
			}
		}
	}
	return false
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if s != "" && l == s {
			return true
		}
	}
	return false
}
