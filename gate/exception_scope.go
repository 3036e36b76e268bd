package gate

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/package-url/packageurl-go"
)

// Includes reports whether the exception fits whatever another one fits, for as
// long: the other one adds nothing to it. It is sure of what it says; where it
// cannot tell (a glob within another, a package beside a package URL) it says no.
func (e Exception) Includes(other Exception) bool {
	if e.ExpiresAt.IsZero() || !other.ExpiresAt.IsZero() && !e.ExpiresAt.Before(other.ExpiresAt) {
		return e.IncludesScope(other)
	}
	return false
}

// IncludesScope is [Exception.Includes] whenever either expires.
func (e Exception) IncludesScope(other Exception) bool {
	return e.includesIDs(other) &&
		within(other.Packages, e.Packages, PackageName.includes) &&
		within(other.PURLs, e.PURLs, includesPURL) &&
		within(other.Paths, e.Paths, includesGlob) &&
		within(other.Repositories, e.Repositories, includesGlob) &&
		within(other.Digests, e.Digests, func(a, b string) bool { return a == b && a != "" }) &&
		(!e.UntilFixed || other.UntilFixed) &&
		(e.MaxSeverity == Untriaged || other.MaxSeverity != Untriaged && other.MaxSeverity <= e.MaxSeverity)
}

// includesIDs: none at all stands for every vulnerability, but only where the
// exception names packages.
func (e Exception) includesIDs(other Exception) bool {
	if len(e.IDs) == 0 {
		return len(e.Packages) > 0 || len(e.PURLs) > 0
	}
	return within(other.IDs, e.IDs, func(a, b string) bool { return a == b && a != "" })
}

// within reports whether each of the narrow scope's items is in some item of the
// wide one. A wide scope without items is no scope, and takes everything in.
func within[T any](narrow, wide []T, includes func(wide, narrow T) bool) bool {
	if len(wide) == 0 {
		return true
	}
	for _, n := range narrow {
		if !slices.ContainsFunc(wide, func(w T) bool { return includes(w, n) }) {
			return false
		}
	}
	return len(narrow) > 0
}

func (p PackageName) includes(other PackageName) bool {
	return p.Name != "" && p.Name == other.Name && (p.Version == "" || p.Version == other.Version)
}

// includesGlob is sure of equal globs, and of a text without any wildcard.
func includesGlob(wide, narrow string) bool {
	if wide == narrow {
		return true
	}
	ok, err := doublestar.Match(wide, narrow)
	return ok && err == nil && !strings.ContainsAny(narrow, `*?[]{}\`)
}

// includesPURL: one that carries what cannot be evaluated fits nothing.
func includesPURL(wide, narrow packageurl.PackageURL) bool {
	return samePackage(wide, packageurl.PackageURL{Type: narrow.Type, Namespace: narrow.Namespace, Name: narrow.Name, Version: narrow.Version})
}
