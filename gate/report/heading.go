package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// heading says what to do and what it clears: "upgrade openssl 3.0.7 -> 3.0.15
// clears 3 (1 CRITICAL, 2 HIGH)". Of an index with so many platforms it says where.
func (f fix) heading(platforms int) string {
	counts := " (" + severities(countsOf(f.Findings)) + ")" + f.where(platforms)
	if f.Fixed != "" {
		return fmt.Sprintf("upgrade %s -> %s clears %d", f.subject(), brief(f.Fixed, longestVersion), len(f.Findings)) + counts
	}
	return f.obstacle() + ": " + plural(len(f.Findings), "finding") + counts + f.advice()
}

func (f fix) subject() string {
	return strings.TrimSpace(brief(f.Package, longestName) + " " + brief(f.Installed, longestVersion))
}

// obstacle says why no upgrade is named.
func (f fix) obstacle() string {
	subject := f.subject()
	switch {
	case subject == "":
		return "no package is named"
	case f.partly():
		return "no fix clears all of " + subject
	case f.all(gate.FixNo):
		return "no fix is known for " + subject
	case f.all(gate.FixUnknown): // as of every basic scan
		return "the scan does not tell fixes: " + subject
	default:
		return "no fix is named for " + subject
	}
}

func (f fix) partly() bool {
	return slices.ContainsFunc(f.Findings, func(g gate.Finding) bool {
		return g.Fix == gate.FixPartial || slices.ContainsFunc(g.Packages, func(p gate.Package) bool { return p.FixedIn != "" })
	})
}

func (f fix) all(state gate.Fix) bool {
	return !slices.ContainsFunc(f.Findings, func(g gate.Finding) bool { return g.Fix != state })
}

// advice is what to do where no upgrade is named, after a semicolon; of an image that
// may pass as it is there is none.
func (f fix) advice() string {
	var ways []string
	switch {
	case !f.Denied:
		return ""
	case f.subject() == "":
		ways = []string{"update the base image"}
	case f.partly():
		ways = []string{"upgrade what has a fix and take the rest out", "wait for a fix"}
	case f.all(gate.FixNo):
		ways = []string{"take the package out", "wait for a fix"}
	default:
		ways = []string{"update the package or the base image"}
	}
	if !f.Blocked {
		ways = append(ways, "except it")
	}
	last := len(ways) - 1
	if last == 0 {
		return "; " + ways[0]
	}
	return "; " + strings.Join(ways[:last], ", ") + ", or " + ways[last]
}

// where names the platforms, if they are not all of an index.
func (f fix) where(platforms int) string {
	if len(f.Platforms) == 0 || len(f.Platforms) >= platforms {
		return ""
	}
	return " on " + brief(strings.Join(f.Platforms, ", "), 60)
}

// remark is what else is to be said of a finding in its line.
func remark(f gate.Finding) string {
	if f.Exploit {
		return " (known exploit)"
	}
	return ""
}
