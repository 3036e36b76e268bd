package report

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ecr-gate/ecr-gate/gate"
)

func found(id string, severity gate.Severity, packages ...gate.Package) gate.Finding {
	return gate.Finding{ID: id, Severity: severity, Packages: packages}
}

func pkg(name, version, fixedIn string) gate.Package {
	return gate.Package{Name: name, Version: version, FixedIn: fixedIn}
}

// summary is a fix without the findings' other members.
type summary struct {
	Package, Installed, Fixed string
	IDs                       []string
}

func summaries(fixes []fix) []summary {
	list := make([]summary, len(fixes))
	for i, f := range fixes {
		list[i] = summary{Package: f.Package, Installed: f.Installed, Fixed: f.Fixed}
		for _, g := range f.Findings {
			list[i].IDs = append(list[i].IDs, g.ID)
		}
	}
	return list
}

func TestFixes(t *testing.T) {
	tests := []struct {
		name     string
		findings []gate.Finding
		want     []summary
	}{
		{"none", nil, []summary{}},
		{"one upgrade clears all of a package", []gate.Finding{
			found("CVE-1", gate.High, pkg("openssl", "3.0.7", "3.0.14")),
			found("CVE-2", gate.High, pkg("openssl", "3.0.7", "3.0.15")),
		}, []summary{{"openssl", "3.0.7", "3.0.15", []string{"CVE-1", "CVE-2"}}}},
		{"packages that are named together are upgraded together", []gate.Finding{
			found("CVE-1", gate.High, pkg("openssl", "3.0.7", "3.0.14"), pkg("libssl3", "3.0.7", "3.0.14")),
			found("CVE-2", gate.High, pkg("libcrypto3", "3.0.7", "3.0.15"), pkg("libssl3", "3.0.7", "3.0.15")),
			found("CVE-3", gate.Low, pkg("openssl", "3.0.7", "3.0.15")),
		}, []summary{{"libcrypto3, libssl3, openssl", "3.0.7", "3.0.15", []string{"CVE-1", "CVE-2", "CVE-3"}}}},
		{"of different versions", []gate.Finding{
			found("CVE-1", gate.High, pkg("b", "1", "2"), pkg("a", "5", "6")),
		}, []summary{{"a, b", "5, 1", "6, 2", []string{"CVE-1"}}}},
		{"the same package twice", []gate.Finding{
			found("CVE-1", gate.High, pkg("golang.org/x/net", "0.1.0", "0.17.0"), pkg("golang.org/x/net", "0.2.0", "0.17.0")),
		}, []summary{{"golang.org/x/net", "0.1.0, 0.2.0", "0.17.0", []string{"CVE-1"}}}},
		{"versions that cannot be compared", []gate.Finding{
			found("CVE-1", gate.High, pkg("a", "1", "2.0")), found("CVE-2", gate.High, pkg("a", "1", "2.0-1")),
		}, []summary{{"a", "1", "2.0, 2.0-1", []string{"CVE-1", "CVE-2"}}}},
		{"the worst first, then the most, what has no fix last", []gate.Finding{
			found("CVE-1", gate.Critical, pkg("none", "1", "")),
			found("CVE-2", gate.Critical, pkg("worst", "1", "2")),
			found("CVE-3", gate.High, pkg("few", "1", "2")),
			found("CVE-4", gate.High, pkg("many", "1", "2")), found("CVE-5", gate.Low, pkg("many", "1", "2")),
			found("CVE-6", gate.Untriaged, pkg("unknown", "1", "2")),
			found("CVE-7", gate.High, pkg("none", "1", "")),
			found("CVE-8", gate.Low),
		}, []summary{
			{"worst", "1", "2", []string{"CVE-2"}}, {"many", "1", "2", []string{"CVE-4", "CVE-5"}}, {"few", "1", "2", []string{"CVE-3"}},
			{"unknown", "1", "2", []string{"CVE-6"}}, {"none", "1", "", []string{"CVE-1", "CVE-7"}}, {"", "", "", []string{"CVE-8"}},
		}},
		{"what is fixed in part is not cleared", []gate.Finding{
			found("CVE-1", gate.High, pkg("a", "1", "2"), pkg("b", "1", "")), found("CVE-2", gate.High, pkg("a", "1", "2")),
		}, []summary{{"a", "1", "2", []string{"CVE-2"}}, {"a, b", "1", "", []string{"CVE-1"}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, summaries(fixesOf(gate.Verdict{Findings: test.findings}))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFixPlatforms(t *testing.T) {
	v := gate.Verdict{
		Findings: []gate.Finding{found("CVE-1", gate.High, pkg("a", "1", "2")), found("CVE-2", gate.Low, pkg("b", "1", "2"))},
		Manifests: []gate.ManifestVerdict{
			{Platform: "linux/arm64", Findings: []int{0}},
			{Digest: "sha256:0123456789abcdef", Findings: []int{0, 1, 7, -1}},
		},
	}
	fixes := fixesOf(v)
	if want := []string{"linux/arm64", "sha256:0123456789ab"}; !slices.Equal(fixes[0].Platforms, want) {
		t.Errorf("on %q", fixes[0].Platforms)
	}
	if got := fixes[0].where(2) + fixes[1].where(2); got != " on sha256:0123456789ab" {
		t.Errorf("what is said of the platforms: %q", got)
	}
}

// Each finding is in one group, and a fix is at least as high as every version that
// one of its findings asks for, as far as that can be told.
func TestFixesCoverEveryFinding(t *testing.T) {
	anyPackage := rapid.Custom(func(t *rapid.T) gate.Package {
		return pkg(rapid.StringMatching("[a-d]").Draw(t, "name"), rapid.StringMatching("[12]").Draw(t, "version"), rapid.StringMatching(`|[1-3]\.[0-9]{1,2}(-1)?`).Draw(t, "fixed in"))
	})
	anyFinding := rapid.Custom(func(t *rapid.T) gate.Finding {
		return found(rapid.StringMatching("CVE-[0-9]").Draw(t, "id"), rapid.SampledFrom(gate.WorstFirst()).Draw(t, "severity"), rapid.SliceOfN(anyPackage, 0, 3).Draw(t, "packages")...)
	})
	rapid.Check(t, func(t *rapid.T) {
		v := gate.Verdict{Findings: rapid.SliceOfN(anyFinding, 0, 8).Draw(t, "findings")}
		n := 0
		for _, f := range fixesOf(v) {
			n += len(f.Findings)
			if f.Fixed == "" {
				continue
			}
			for _, g := range f.Findings {
				for _, p := range g.Packages {
					if p.FixedIn == "" {
						t.Errorf("%+v is no fix for %+v", f, g)
					}
				}
			}
		}
		if n != len(v.Findings) {
			t.Errorf("%d of %d findings are in a group", n, len(v.Findings))
		}
	})
}

func TestHeading(t *testing.T) {
	tests := []struct {
		findings []gate.Finding
		want     string
	}{
		{[]gate.Finding{found("CVE-1", gate.Critical, pkg("openssl", "3.0.7", "3.0.15")), found("CVE-2", gate.High, pkg("openssl", "3.0.7", "3.0.15"))},
			"upgrade openssl 3.0.7 -> 3.0.15 clears 2 (1 CRITICAL, 1 HIGH)"},
		{[]gate.Finding{{ID: "CVE-1", Severity: gate.High, Fix: gate.FixNo, Packages: []gate.Package{pkg("a", "1", "")}}}, "no fix is known for a 1: 1 finding (HIGH); take the package out, wait for a fix, or except it"},
		{[]gate.Finding{found("CVE-1", gate.High, pkg("a", "1", ""))}, "the scan does not tell fixes: a 1: 1 finding (HIGH); update the package or the base image, or except it"},
		{[]gate.Finding{{ID: "CVE-1", Severity: gate.High, Fix: gate.FixYes, Packages: []gate.Package{pkg("a", "1", "")}}}, "no fix is named for a 1: 1 finding (HIGH); update the package or the base image, or except it"},
		{[]gate.Finding{found("CVE-1", gate.High, pkg("a", "1", "2"), pkg("b", "1", ""))}, "no fix clears all of a, b 1: 1 finding (HIGH); upgrade what has a fix and take the rest out, wait for a fix, or except it"},
		{[]gate.Finding{found("CVE-1", gate.High)}, "no package is named: 1 finding (HIGH); update the base image, or except it"},
	}
	for _, test := range tests {
		if got := fixesOf(gate.Verdict{Findings: test.findings})[0].heading(0); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// What passes as it is needs no advice, and no exception lifts what a policy blocks.
func TestHeadingAdvisesWhatHelps(t *testing.T) {
	v := gate.Verdict{Findings: []gate.Finding{found("CVE-1", gate.High)}}
	for _, test := range []struct {
		outcome gate.Outcome
		cause   gate.Cause
		want    string
	}{
		{gate.Denied, gate.OverPolicy, "no package is named: 1 finding (HIGH); update the base image, or except it"},
		{gate.Denied, gate.Blocked, "no package is named: 1 finding (HIGH); update the base image"},
		{gate.Allowed, gate.WithinPolicy, "no package is named: 1 finding (HIGH)"},
	} {
		v.Outcome, v.Cause = test.outcome, test.cause
		if got := fixesOf(v)[0].heading(0); got != test.want {
			t.Errorf("%s, %s: %q, want %q", test.outcome, test.cause, got, test.want)
		}
	}
	v = gate.Verdict{
		Findings:  []gate.Finding{{ID: "CVE-1", Severity: gate.High, Fix: gate.FixNo, Packages: []gate.Package{pkg("a", "1", "")}}},
		Manifests: []gate.ManifestVerdict{{Platform: "linux/arm64", Findings: []int{0}}, {Platform: "linux/amd64"}},
	}
	if got, want := fixesOf(v)[0].heading(2), "no fix is known for a 1: 1 finding (HIGH) on linux/arm64; take the package out, wait for a fix, or except it"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
