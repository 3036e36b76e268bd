package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// heading says what to do and what it clears: "upgrade openssl 3.0.7 -> 3.0.15
// clears 3 (1 CRITICAL, 2 HIGH)".
func (f fix) heading() string {
	counts := " (" + severities(countsOf(f.Findings)) + ")"
	if f.Fixed != "" {
		return fmt.Sprintf("upgrade %s -> %s clears %d", f.subject(), brief(f.Fixed, longestVersion), len(f.Findings)) + counts
	}
	return f.obstacle() + ": " + plural(len(f.Findings), "finding") + counts
}

func (f fix) subject() string {
	return strings.TrimSpace(brief(f.Package, longestName) + " " + brief(f.Installed, longestVersion))
}

// obstacle says why no upgrade is named.
func (f fix) obstacle() string {
	subject := f.subject()
	known := func(g gate.Finding) bool { return g.Fix == gate.FixNo }
	partly := func(g gate.Finding) bool {
		return g.Fix == gate.FixPartial || slices.ContainsFunc(g.Packages, func(p gate.Package) bool { return p.FixedIn != "" })
	}
	switch {
	case subject == "":
		return "no package is named"
	case slices.ContainsFunc(f.Findings, partly):
		return "no fix clears all of " + subject
	case !slices.ContainsFunc(f.Findings, func(g gate.Finding) bool { return !known(g) }):
		return "no fix is known for " + subject
	default: // a basic scan never says
		return "no fix is named for " + subject
	}
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
