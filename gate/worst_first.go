package gate

import (
	"cmp"
	"slices"
)

// worstFirst orders findings for people: by severity, then what is exploited,
// then what can be mended, then by name. Only findings alike in every member are
// equal, so the order does not depend on the one AWS lists them in.
func worstFirst(a, b *Finding) int {
	if c := cmp.Or(cmp.Compare(b.Severity, a.Severity), compareBool(b.Exploit, a.Exploit)); c != 0 {
		return c // mostly, and cheaply
	}
	if c := cmp.Or(compareBool(b.hasFixedVersion(), a.hasFixedVersion()), cmp.Compare(a.ID, b.ID)); c != 0 {
		return c
	}
	if c := slices.CompareFunc(a.Packages, b.Packages, Package.compare); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(a.Fix, b.Fix),
		cmp.Compare(a.Status, b.Status),
		slices.Compare(a.Related, b.Related),
		cmp.Compare(a.Title, b.Title),
		cmp.Compare(a.URL, b.URL),
		a.FirstObserved.Compare(b.FirstObserved),
	)
}

func (p Package) compare(q Package) int {
	return cmp.Or(
		cmp.Compare(p.Name, q.Name),
		cmp.Compare(p.Version, q.Version),
		cmp.Compare(p.FixedIn, q.FixedIn),
		cmp.Compare(p.Path, q.Path),
		cmp.Compare(p.PURL, q.PURL),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}
