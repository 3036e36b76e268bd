package gate

import (
	"strings"

	"github.com/package-url/packageurl-go"
)

// installed is a package of a finding with its package URL taken apart, once.
type installed struct {
	Package
	purl packageurl.PackageURL // zero: none that can be read
}

// parsePURL is the zero value for a package URL that cannot be read: it matches
// nothing.
func (p Package) parsePURL() packageurl.PackageURL {
	if p.PURL == "" {
		return packageurl.PackageURL{}
	}
	purl, err := packageurl.FromString(p.PURL)
	if err != nil {
		return packageurl.PackageURL{}
	}
	return purl
}

func (e Exception) missesPackage(p installed) mismatch {
	switch {
	case len(e.Packages) > 0 && !e.hasName(p.Package):
		return otherPackage
	case len(e.PURLs) > 0 && !e.hasPURL(p.purl):
		return otherPURL
	case len(e.Paths) > 0 && !e.hasPath(p.Package):
		return otherPath
	default:
		return fits
	}
}

func (e Exception) hasPath(p Package) bool {
	return p.Path != "" && anyGlob(e.Paths, strings.TrimPrefix(p.Path, "/"), p.Path)
}

func (e Exception) hasName(p Package) bool {
	for _, n := range e.Packages {
		if n.Name != "" && n.Name == p.Name && (n.Version == "" || n.Version == p.Version) {
			return true
		}
	}
	return false
}

func (e Exception) hasPURL(got packageurl.PackageURL) bool {
	if got.Name == "" {
		return false
	}
	for _, want := range e.PURLs {
		if samePackage(want, got) {
			return true
		}
	}
	return false
}

// packageNames are the names under which a package may be meant.
func (e Exception) packageNames() []string {
	var names []string
	for _, p := range e.Packages {
		names = append(names, p.Name)
	}
	for _, p := range e.PURLs {
		names = append(names, p.Name)
	}
	return names
}

// samePackage compares what the exception's purl names; the version only where
// it names one. Qualifiers and a subpath cannot be evaluated against a scan, so
// a purl that carries them matches nothing.
func samePackage(want, got packageurl.PackageURL) bool {
	return len(want.Qualifiers) == 0 && want.Subpath == "" &&
		want.Type == got.Type && want.Namespace == got.Namespace && want.Name == got.Name &&
		(want.Version == "" || want.Version == got.Version)
}
