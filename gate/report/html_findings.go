package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// findingsView is the list of what counts, grouped by fix.
type findingsView struct {
	Rows     int
	Chips    []countView
	Groups   []groupView
	Lines    string // of a Dockerfile, for all groups at once
	On, Seen bool   // whether there is a column of platforms, of first observations
	Columns  int
}

type groupView struct {
	Package, Installed, Fixed string
	Obstacle                  string // why no upgrade is named
	Line                      string
	Clears                    string
	Tally                     []countView
	Rows                      []rowView
}

type rowView struct {
	Severity severityView
	ID, Link string
	Exploit  bool
	Packages []packageView
	Title    string // where it says more than the ID
	Related  string
	Seen     string // the day
	On       string // platforms, in words
	Places   string // and by their number, if not all
}

type packageView struct {
	Name, Version, Fixed, Path string
	PURL                       string // without the version: an exception's scope
	NoFix                      bool
}

func newFindingsView(v gate.Verdict) findingsView {
	counts := map[gate.Severity]int{}
	view := findingsView{Rows: len(v.Findings), On: len(v.Manifests) > 1, Columns: 4}
	for _, f := range v.Findings {
		counts[f.Severity]++
		view.Seen = view.Seen || !f.FirstObserved.IsZero()
	}
	view.Chips = countViews(counts)
	for _, shown := range []bool{view.On, view.Seen} {
		if shown {
			view.Columns++
		}
	}
	places := newPlaces(v)
	var upgraded []gate.Package
	for _, x := range fixesOf(v) {
		group := newGroupView(x, places)
		if group.Line != "" {
			upgraded = append(upgraded, packagesOf(x)...)
		}
		view.Groups = append(view.Groups, group)
	}
	view.Lines = upgradeLines(upgraded)
	return view
}

func newGroupView(x fix, places places) groupView {
	group := groupView{
		Package: shown(x.Package, longestName), Installed: shown(x.Installed, longestVersion), Fixed: shown(x.Fixed, longestVersion),
		Tally: countViews(countsOf(x.Findings)),
		Rows:  make([]rowView, len(x.Findings)),
	}
	if x.Fixed == "" {
		group.Obstacle, group.Clears = x.obstacle()+x.advice(), plural(len(x.Findings), "finding")
	} else {
		group.Line, group.Clears = upgradeLines(packagesOf(x)), "clears "+strconv.Itoa(len(x.Findings))
	}
	for i, f := range x.Findings {
		group.Rows[i] = newRowView(f)
		group.Rows[i].On, group.Rows[i].Places = places.of(x.Places[i])
	}
	return group
}

func packagesOf(x fix) []gate.Package {
	var packages []gate.Package
	for _, f := range x.Findings {
		packages = append(packages, f.Packages...)
	}
	return packages
}

func newRowView(f gate.Finding) rowView {
	row := rowView{
		Severity: newSeverityView(f.Severity),
		ID:       cmp.Or(shown(f.ID, longestID), "without a name"), Link: webAddress(f.URL), Exploit: f.Exploit,
		Related:  shown(strings.Join(f.Related, ", "), longestTitle),
		Title:    titleOf(f),
		Packages: make([]packageView, len(f.Packages)),
	}
	if !f.FirstObserved.IsZero() {
		row.Seen = f.FirstObserved.UTC().Format(time.DateOnly)
	}
	for i, p := range f.Packages {
		row.Packages[i] = packageView{
			Name: shown(p.Name, longestName), Version: shown(p.Version, longestVersion), Fixed: shown(p.FixedIn, longestVersion),
			Path: shown(p.Path, longestPath), PURL: scopeOf(p), NoFix: p.FixedIn == "" && f.Fix != gate.FixUnknown,
		}
	}
	return row
}

// titleOf is the title where it says more than the ID and the packages, of which
// Inspector makes most of its titles.
func titleOf(f gate.Finding) string {
	rest := strings.TrimPrefix(f.Title, f.ID)
	for part := range strings.FieldsFuncSeq(strings.TrimPrefix(rest, " - "), func(c rune) bool { return c == ',' || c == ' ' }) {
		if !slices.ContainsFunc(f.Packages, func(p gate.Package) bool { return p.Name == part }) {
			return shown(f.Title, longestTitle)
		}
	}
	return ""
}

// scopeOf is the package URL as an exception names it: without the version, or the
// exception would be gone with the next build.
func scopeOf(p gate.Package) string {
	purl := p.UnversionedPURL()
	if purl != visible(purl) || len(purl) > longestPath {
		return "" // of no use cut, and none that is meant well
	}
	return purl
}

// places says of each finding of an index on which platforms it counts.
type places struct {
	names []string
	by    map[int][]int // by the finding's place in the verdict's list
}

func newPlaces(v gate.Verdict) places {
	p := places{by: map[int][]int{}}
	if len(v.Manifests) < 2 {
		return p
	}
	for i, m := range v.Manifests {
		p.names = append(p.names, shown(nameOf(m, v), longestName))
		for _, f := range m.Findings {
			p.by[f] = append(p.by[f], i)
		}
	}
	return p
}

func (p places) of(finding int) (words, numbers string) {
	if len(p.names) == 0 {
		return "", ""
	}
	found := p.by[finding]
	names, places := make([]string, len(found)), make([]string, len(found))
	for i, at := range found {
		names[i], places[i] = p.names[at], strconv.Itoa(at)
	}
	if len(found) == len(p.names) {
		return "all", ""
	}
	return strings.Join(names, ", "), strings.Join(places, " ")
}
