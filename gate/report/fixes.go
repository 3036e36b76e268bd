package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// fix is one upgrade and what it clears. Packages that one finding names
// together are upgraded together: names, versions are then lists, as "a, b".
type fix struct {
	Package   string // empty: the findings name none
	Installed string
	// Fixed is the lowest version that clears all Findings, or a list where it
	// cannot be told which of several is higher. Empty: no fix is known, or not for
	// every package that the findings name.
	Fixed     string
	Platforms []string // of an index; nil for an image that is none
	Findings  []gate.Finding
	Places    []int // of the Findings in the verdict's list
	Denied    bool  // the image is, so that something has to be done
	Blocked   bool  // and that for a finding which no exception lets pass
}

// fixesOf groups the counted findings by the upgrade that clears them: the one
// that clears the worst comes first, what no upgrade clears comes last.
func fixesOf(v gate.Verdict) []fix {
	var fixable, unfixable []int
	for i, f := range v.Findings {
		if clearable(f) {
			fixable = append(fixable, i)
		} else {
			unfixable = append(unfixable, i)
		}
	}
	fixes := append(groups(v, fixable, true), groups(v, unfixable, false)...)
	slices.SortStableFunc(fixes, compareFixes)
	return fixes
}

// clearable reports whether upgrades clear the finding altogether. Inspector's
// PARTIAL is a finding of which one package has a fix and another has none.
func clearable(f gate.Finding) bool {
	return len(f.Packages) > 0 && !slices.ContainsFunc(f.Packages, func(p gate.Package) bool { return p.FixedIn == "" })
}

// installation is a package as it is installed; several files may hold it.
type installation struct{ name, version string }

func installationOf(p gate.Package) installation { return installation{p.Name, p.Version} }

// groups puts those findings together that share an installed package, directly
// or by way of a third: one upgrade is then named once.
func groups(v gate.Verdict, findings []int, fixed bool) []fix {
	sets := sets{}
	for _, i := range findings {
		packages := v.Findings[i].Packages
		for _, p := range packages {
			sets.join(installationOf(packages[0]), installationOf(p))
		}
	}
	members := map[installation][]int{}
	for _, i := range findings {
		var root installation // of findings that name no package
		if packages := v.Findings[i].Packages; len(packages) > 0 {
			root = sets.root(installationOf(packages[0]))
		}
		members[root] = append(members[root], i)
	}
	platforms := platformsOf(v)
	fixes := make([]fix, 0, len(members))
	for _, indexes := range members {
		fixes = append(fixes, newFix(v, indexes, platforms, fixed))
	}
	return fixes
}

func newFix(v gate.Verdict, indexes []int, platforms [][]string, fixed bool) fix {
	made := fix{Denied: v.Outcome == gate.Denied, Blocked: v.Cause == gate.Blocked}
	versions := map[installation][]string{} // that fix something
	for _, i := range indexes {
		f := v.Findings[i]
		made.Findings, made.Places = append(made.Findings, f), append(made.Places, i)
		for _, p := range f.Packages {
			at := installationOf(p)
			versions[at] = append(versions[at], p.FixedIn)
		}
		for _, platform := range platforms[i] {
			if !slices.Contains(made.Platforms, platform) {
				made.Platforms = append(made.Platforms, platform)
			}
		}
	}
	slices.Sort(made.Platforms)
	var names, installed, fixes []string
	for _, at := range slices.SortedFunc(maps.Keys(versions), installation.compare) {
		names, installed = append(names, cmp.Or(at.name, "(unnamed)")), append(installed, at.version)
		fixes = append(fixes, strings.Join(highest(versions[at]), ", "))
	}
	made.Package, made.Installed = listed(names), listed(installed)
	if fixed {
		made.Fixed = listed(fixes)
	}
	return made
}

// listed is the one text that all are, else all of them.
func listed(texts []string) string {
	if len(slices.Compact(slices.Clone(texts))) == 1 {
		return texts[0]
	}
	return strings.Join(texts, ", ")
}

// platformsOf says of each finding on which platforms of an index it counts.
func platformsOf(v gate.Verdict) [][]string {
	platforms := make([][]string, len(v.Findings))
	for _, m := range v.Manifests {
		for _, i := range m.Findings {
			if i >= 0 && i < len(platforms) {
				platforms[i] = append(platforms[i], cmp.Or(m.Platform, gate.ShortDigest(m.Digest)))
			}
		}
	}
	return platforms
}

// compareFixes puts the fix first that clears more of the worst severity, and
// what has no fix after all others.
func compareFixes(a, b fix) int {
	if (a.Fixed == "") != (b.Fixed == "") {
		return cmp.Compare(b.Fixed, a.Fixed) // one of them is empty
	}
	inA, inB := countsOf(a.Findings), countsOf(b.Findings)
	for _, s := range gate.WorstFirst() {
		if c := cmp.Compare(inB[s], inA[s]); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Installed, b.Installed))
}

func countsOf(findings []gate.Finding) map[gate.Severity]int {
	counts := map[gate.Severity]int{}
	for _, f := range findings {
		s := f.Severity
		if s > gate.Critical {
			s = gate.Untriaged // as the gate counts them
		}
		counts[s]++
	}
	return counts
}

func (a installation) compare(b installation) int {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version))
}

// sets are disjoint sets of installations, each by its root.
type sets map[installation]installation

func (s sets) root(a installation) installation {
	for {
		parent, ok := s[a]
		if !ok || parent == a {
			return a
		}
		if grand, ok := s[parent]; ok {
			s[a] = grand // halves the way for the next
		}
		a = parent
	}
}

func (s sets) join(a, b installation) {
	if a, b = s.root(a), s.root(b); a != b {
		s[b] = a
	}
}
