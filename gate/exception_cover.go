package gate

import "slices"

// exceptionsFor returns the exceptions that together cover every package of the
// finding, nil if any package is left, and then the expired ones that would have
// made up for it.
func (r *rules) exceptionsFor(manifest string, f Finding, weight Severity) (used, old []int) {
	named := r.naming(f)
	if len(named) == 0 && len(r.byPackage) == 0 {
		return nil, nil
	}
	packages := f.Packages
	if len(packages) == 0 {
		packages = []Package{{}} // a finding about the image itself
	}
	whole, wasWhole := true, true
	for _, p := range packages {
		in := installed{Package: p}
		if len(named) > 0 || r.purlAlone {
			in.purl = p.parsePURL()
		}
		live, expired := r.covering(r.candidates(named, in), manifest, f, in, weight)
		switch {
		case live >= 0:
			used = appendNew(used, live)
		case len(expired) > 0:
			whole, old = false, appendNew(old, expired...)
		default:
			whole, wasWhole = false, false
		}
	}
	switch {
	case whole:
		return used, nil
	case wasWhole:
		return nil, old
	default:
		return nil, nil
	}
}

func appendNew(list []int, numbers ...int) []int {
	for _, n := range numbers {
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// naming are the exceptions that name the vulnerability.
func (r *rules) naming(f Finding) []int {
	list := r.byID[f.ID]
	if len(f.Related) == 1 {
		list = append(slices.Clip(list), r.byID[f.Related[0]]...)
	}
	return list
}

// candidates adds to them those that name no vulnerability, but could mean this
// package.
func (r *rules) candidates(named []int, p installed) []int {
	list := append(slices.Clip(named), r.byPackage[p.Name]...)
	if p.purl.Name != p.Name {
		list = append(slices.Clip(list), r.byPackage[p.purl.Name]...)
	}
	return list
}

// covering is the first exception in force that covers the package, -1 if none
// does, and then the expired ones that would.
func (r *rules) covering(candidates []int, manifest string, f Finding, p installed, weight Severity) (live int, expired []int) {
	for _, i := range candidates {
		e := r.exceptions[i]
		switch {
		case !e.covers(r.img, manifest, f, p, weight):
		case e.Lapsed(r.now):
			expired = append(expired, i)
		default:
			return i, nil
		}
	}
	return -1, expired
}
