package gate

import (
	"strings"
	"testing"
)

// A finding that denies ends with what to do about it; one that does not says nothing.
func TestNextStep(t *testing.T) {
	const except = ", or except it: ecr-gate exceptions add --file exceptions.yaml --id "
	const end = " --expires 30d --statement WHY"
	noFix := func(f *Finding) { f.Fix = FixNo }
	for _, test := range []struct {
		name    string
		policy  Policy
		finding Finding
		want    string
	}{
		{"a fix", dev(), finding("CVE-1", Critical, fixed(openssl(), "3.0.13-1")), "upgrade openssl to 3.0.13-1, rebuild and push"},
		{"two fixes", dev(), finding("CVE-1", Critical, fixed(openssl(), "3.0.13-1"), fixed(zlib(), "2")), "upgrade openssl to 3.0.13-1, zlib1g to 2, rebuild and push"},
		{"none", dev(), with(finding("CVE-1", Critical, zlib()), noFix),
			"no fix is known; take zlib1g out" + except + "CVE-1 --package zlib1g" + end},
		{"in part", dev(), finding("CVE-1", Critical, fixed(openssl(), "3.0.13-1"), zlib()),
			"no fix clears all of it; upgrade openssl to 3.0.13-1, and take zlib1g out" + except + "CVE-1 --package openssl --package zlib1g" + end},
		{"not told", dev(), finding("CVE-1", Critical, zlib()),
			"the scan names no fix; update zlib1g or the base image" + except + "CVE-1 --package zlib1g" + end},
		{"no package", dev(), with(finding("CVE-1", Critical), noFix), "no fix is known; take the package out" + except + "CVE-1" + end},
		{"blocked, which no exception lifts", with(dev(), func(p *Policy) { p.Blocked = []string{"CVE-1"} }), with(finding("CVE-1", Low, zlib()), noFix),
			"no fix is known; take zlib1g out"},
		{"exploited", dev(), with(finding("CVE-1", Low, zlib()), func(f *Finding) { f.Fix, f.Exploit = FixNo, true }),
			"no fix is known; take zlib1g out" + except + "CVE-1 --package zlib1g" + end},
		{"a name that a shell would read", dev(), with(finding("CVE-1", Critical, Package{Name: "a'; rm -rf $HOME"}), noFix),
			"no fix is known; take a'; rm -rf $HOME out" + except + `CVE-1 --package 'a'\''; rm -rf $HOME'` + end},
		{"within the limits", dev(), finding("CVE-1", Medium, zlib()), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := Case{Policy: test.policy, Image: shop(), Scans: []Scan{enhanced(test.finding)}, Now: now}.Explain("CVE-1")
			wantEqual(t, "found", len(e.Found), 1)
			wantEqual(t, "next", e.Found[0].Next, test.want)
			wantEqual(t, "denies", e.Found[0].Next != "", e.Outcome == Denied)
		})
	}
}

// The ID is spelled as the scan does, also where it is but related.
func TestExplainSpellsAsTheScan(t *testing.T) {
	f := with(finding("GHSA-abcd", Low, zlib()), func(f *Finding) { f.Related = []string{"CVE-2026-1234"} })
	for asked, want := range map[string]string{"ghsa-ABCD": "GHSA-abcd counts here", "cve-2026-1234": "CVE-2026-1234 counts here", "cve-1": "cve-1 is not in this image"} {
		e := Case{Policy: dev(), Image: shop(), Scans: []Scan{enhanced(f)}, Now: now}.Explain(asked)
		wantEqual(t, asked, strings.HasPrefix(e.Answer, want), true)
	}
}
