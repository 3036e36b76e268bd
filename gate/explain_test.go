package gate

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// explained is an explanation as people read it.
func explained(e Explanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", e.Answer, e.Reason)
	if e.Next != "" {
		fmt.Fprintf(&b, "next: %s\n", e.Next)
	}
	for _, f := range e.Found {
		fmt.Fprintf(&b, "\n%s counts=%t as %s: %s\n", f.Platform, f.Counts, f.CountsAs, f.Finding.Line())
		for _, s := range f.Steps {
			fmt.Fprintf(&b, "%s %-13s %s\n", map[bool]string{true: " >", false: "  "}[s.Decides], s.Rule, s.Text)
		}
		if f.Next != "" {
			fmt.Fprintf(&b, "next: %s\n", f.Next)
		}
	}
	for _, u := range e.Unjudged {
		fmt.Fprintf(&b, "\nunjudged: %s %s\n", u.Platform, u.Reason)
	}
	return b.String()
}

// TestExplanations holds the texts people read. Regenerate them with
//
//	go test ./gate -run TestExplanations -update
func TestExplanations(t *testing.T) {
	const id, dir = "CVE-2024-5535", "testdata/explanations"
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	base := with(finding(id, High, fixed(openssl(), "3.0.13-1")), func(f *Finding) { f.Fix, f.FirstObserved = FixYes, day })
	set := func(change func(*Finding)) Finding { return with(base, change) }
	strict := sinceProd(func(p *Policy) {
		p.Limits = map[Severity]int{Critical: 0, High: 0}
		p.Blocked, p.FixableOnly, p.IgnoreSuppressed = []string{"CVE-2021-44228"}, true, true
		p.Grace = map[Severity]time.Duration{High: 72 * time.Hour}
	})
	exceptions := func(list ...Exception) []Exception {
		for i := range list {
			list[i].Source = fmt.Sprintf("exceptions.yaml: vulnerabilities[%d]", i)
		}
		return list
	}
	nearly := exceptions(
		Exception{IDs: []string{"CVE-1"}},
		Exception{IDs: []string{id}, Repositories: []string{"shop/api", "bank/*", "tools/**"}},
		Exception{IDs: []string{id}, Digests: []string{prodDigest}},
		Exception{IDs: []string{id}, Packages: []PackageName{{Name: "openssl", Version: "3.0.12-1"}}},
		Exception{IDs: []string{id}, PURLs: purls(t, "pkg:deb/debian/libssl3")},
		Exception{IDs: []string{id}, PURLs: purls(t, "pkg:deb/debian/openssl?arch=amd64")},
		Exception{IDs: []string{id}, Paths: []string{"app/**"}},
		Exception{IDs: []string{id}, UntilFixed: true},
		Exception{IDs: []string{id}, MaxSeverity: Medium},
		Exception{IDs: []string{id}, ExpiresAt: day},
		Exception{IDs: []string{id}, ExpiresAt: day, Repositories: []string{"shop/api"}},
		Exception{IDs: []string{strings.ToLower(id)}},
		Exception{Packages: []PackageName{{Name: "openssl"}}, Repositories: []string{"bank/*"}},
		Exception{Packages: []PackageName{{Name: "zlib1g"}}},
		Exception{PURLs: purls(t, "pkg:deb/debian/openssl@3.0.12-1")},
	)
	used := exceptions(
		Exception{IDs: []string{id}, Statement: "not reachable from our code", ExpiresAt: now.Add(24 * time.Hour)},
		Exception{IDs: []string{id}},
	)
	bundle := with(base, func(f *Finding) { f.ID, f.Related = "GHSA-1", []string{"CVE-2", id} })
	two := with(base, func(f *Finding) { f.Packages = append(slices.Clone(f.Packages), zlib()) })
	half := exceptions(Exception{IDs: []string{id}, Packages: []PackageName{{Name: "openssl"}}})
	amd := func(s Scan) Scan { return on("linux/amd64", amdDigest, s) }
	arm := func(s Scan) Scan { return on("linux/arm64", armDigest, s) }
	explain := func(p Policy, b *Baseline, e []Exception, scans ...Scan) Explanation {
		return Case{Policy: p, Exceptions: e, Image: shop(), Scans: scans, Baseline: b, Now: now}.Explain(id)
	}
	for name, e := range map[string]Explanation{
		"counts":              explain(strict, prod(enhanced()), nil, enhanced(base, finding("CVE-3", High))),
		"counts-basic":        explain(dev(), nil, nil, basic(finding(id, Untriaged, zlib()))),
		"counts-not-limited":  explain(Policy{Name: "dev", Limits: map[Severity]int{Critical: 0}}, nil, nil, enhanced(base)),
		"counts-within":       explain(dev(), nil, nil, enhanced(base)),
		"untriaged-unset":     explain(Policy{}, nil, nil, with(enhanced(set(func(f *Finding) { f.Severity = Untriaged })), func(s *Scan) { s.Type = "" })),
		"nearly":              explain(strict, prod(enhanced()), nearly, enhanced(base)),
		"nearly-basic":        explain(dev(), nil, exceptions(Exception{IDs: []string{id}, UntilFixed: true}, Exception{IDs: []string{id}, PURLs: purls(t, "pkg:deb/debian/zlib1g")}), basic(finding(id, High, zlib()))),
		"nearly-bundle":       explain(dev(), nil, exceptions(Exception{IDs: []string{id}}), enhanced(bundle)),
		"nearly-half":         explain(dev(), nil, half, enhanced(two)),
		"excepted":            explain(strict, prod(enhanced()), used, enhanced(base)),
		"blocked":             explain(with(strict, func(p *Policy) { p.Blocked = []string{"cve-2024-5535"} }), nil, used, enhanced(base)),
		"closed":              explain(strict, nil, nil, enhanced(set(func(f *Finding) { f.Status = Closed }))),
		"suppressed":          explain(strict, nil, nil, enhanced(set(func(f *Finding) { f.Status = Suppressed }))),
		"suppressed-counts":   explain(dev(), nil, nil, enhanced(set(func(f *Finding) { f.Status, f.Exploit = Suppressed, true }))),
		"exploit-ignored":     explain(with(dev(), func(p *Policy) { p.IgnoreExploits = true }), nil, nil, enhanced(set(func(f *Finding) { f.Exploit = true }))),
		"unfixable":           explain(strict, nil, nil, enhanced(set(func(f *Finding) { f.Fix = FixNo; f.Packages = []Package{zlib()} }))),
		"in-grace":            explain(strict, nil, nil, enhanced(set(func(f *Finding) { f.FirstObserved = now.Add(-time.Hour) }))),
		"grace-future":        explain(strict, nil, nil, enhanced(set(func(f *Finding) { f.FirstObserved = now.Add(time.Hour) }))),
		"grace-no-time":       explain(strict, nil, nil, enhanced(set(func(f *Finding) { f.FirstObserved = time.Time{}; f.Fix = FixPartial; f.Packages = nil }))),
		"known":               explain(strict, prod(enhanced(base)), nil, enhanced(base)),
		"baseline-unreadable": explain(strict, &Baseline{Trouble: &Trouble{Cause: NoAccess, Text: "AWS refused access"}}, nil, enhanced(base)),
		"one-platform":        explain(dev(), nil, half, amd(enhanced(base)), arm(enhanced(two, finding("CVE-4", Low)))),
		"absent":              explain(dev(), nil, used, enhanced(finding("CVE-2024-5534", Low))),
		"absent-and-unknown":  explain(dev(), nil, nil, amd(enhanced()), arm(with(enhanced(), func(s *Scan) { s.Status = StatusPending }))),
		"unscannable":         explain(dev(), nil, nil, with(basic(), func(s *Scan) { s.Status, s.Description = StatusFailed, "UnsupportedImageError: scratch" })),
		"in-part":             explain(dev(), nil, nil, with(enhanced(), func(s *Scan) { s.Counts = map[Severity]int{High: 3} })),
		"in-part-found":       explain(dev(), nil, nil, with(enhanced(base), func(s *Scan) { s.Counts = map[Severity]int{High: 3} })),
		"no-scans":            explain(dev(), nil, nil),
		"no-access": gateOver(&registryOf{resolve: func(Image) (Resolution, error) {
			return Resolution{}, &Trouble{Cause: NoAccess, Text: "AWS refused access", Mend: "grant ecr:BatchGetImage"}
		}}, dev()).Explain(t.Context(), Request{Image: shop().Written}, id),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(explained(e)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v (run with -update)", err)
			}
			wantEqual(t, "text, if it is meant run with -update", explained(e), string(want))
			wantEqual(t, "conclusive", e.Conclusive(), !strings.Contains(e.Answer, "is not known: "))
		})
	}
}

func TestExplainThroughTheGate(t *testing.T) {
	source := &registryOf{
		resolve: func(Image) (Resolution, error) {
			return Resolution{Digest: indexDigest, Manifests: []Manifest{{Digest: indexDigest}}, Stale: true}, nil
		},
		scan: func(Manifest) (Scan, error) {
			return with(enhanced(finding("CVE-2024-1", Critical, openssl())), func(s *Scan) { s.Stale = true }), nil
		},
	}
	g := gateOver(source, with(dev(), func(p *Policy) { p.StartScan = true }))
	e := g.Explain(t.Context(), Request{Image: shop().Written}, "cve-2024-1")
	v := check(g, Request{})
	wantEqual(t, "reason", e.Reason, v.Reason)
	wantEqual(t, "found", len(e.Found), 1)
	wantEqual(t, "warnings", e.Warnings, []string{staleWarning})
	wantEqual(t, "others", e.Others, []string{"CVE-2024-1"})
	wantEqual(t, "answer in the scan's spelling", e.Answer, "CVE-2024-1 counts here: 1 CRITICAL, of which policy dev tolerates 0: it denies")

	source.scan = func(Manifest) (Scan, error) { return enhanced(), nil } // fresh, by a tag that is not
	e = g.Explain(t.Context(), Request{Image: shop().Written}, "CVE-2024-1")
	wantEqual(t, "warnings", e.Warnings, []string{staleWarning})
	source.scan = noScan
	e = g.Explain(t.Context(), Request{Image: shop().Written}, "CVE-2024-1")
	wantEqual(t, "conclusive", e.Conclusive(), false)
	wantEqual(t, "started", source.started, nil)
	e = g.Explain(t.Context(), Request{Image: shop().Written, Policy: "devv"}, "CVE-2024-1")
	wantEqual(t, "conclusive", e.Conclusive(), false)
}

// What is explained is what was decided: each finding counts in the explanation
// exactly where it counts in the verdict.
func TestExplanationAgreesWithTheVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Case{Policy: somePolicy(t), Exceptions: someExceptions(t), Image: shop(), Scans: someScans(t), Now: now}
		if rapid.Bool().Draw(t, "with a baseline") {
			c.Policy.Baseline, c.Baseline = "prod", someBaseline(t, c.Scans)
		}
		v := c.Verdict()
		for _, id := range someIDs {
			e := c.Explain(id)
			if e.Reason != v.Reason || e.Outcome != v.Outcome {
				t.Fatalf("explains %s\nbut was %s", e.Reason, v.Reason)
			}
			counted := map[string]bool{}
			for _, f := range e.Found {
				if f.Counts {
					counted[f.Finding.key()] = true
				}
				if len(f.Steps) < 2 || f.because() == "" {
					t.Fatalf("%s: steps %v", f.Finding.Line(), f.Steps)
				}
			}
			for _, f := range v.Findings {
				if f.isCalled(id) && !counted[f.key()] {
					t.Fatalf("%s counts and is not explained so: %s", f.Line(), explained(e))
				}
			}
			for key := range counted {
				if !slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.key() == key }) {
					t.Fatalf("does not count and is explained so: %s", explained(e))
				}
			}
		}
	})
}

// Hostile texts reach nobody raw.
func TestExplainHostileTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(label string) string { return rapid.StringN(0, 300, -1).Draw(t, label) }
		id := text("id")
		f := someFinding(t)
		f.ID = id
		f.Packages = []Package{{Name: text("name"), Version: text("version"), FixedIn: text("fixed in"), Path: text("path"), PURL: "pkg:npm/" + text("purl")}}
		e := someException(t)
		e.IDs, e.Source, e.Statement, e.Repositories = append(e.IDs, id), text("source"), text("statement"), append(e.Repositories, text("repository"))
		p := somePolicy(t)
		p.Name, p.Baseline = text("policy"), text("tag")
		s := someScan(t)
		s.Findings, s.Platform, s.Description = append(s.Findings, f), text("platform"), text("description")
		got := Case{Policy: p, Exceptions: []Exception{e}, Image: shop(), Scans: []Scan{s}, Now: now}.Explain(id)
		texts := []string{got.ID, got.Answer, got.Reason, got.Next}
		for _, f := range got.Found {
			texts = append(texts, f.Platform)
			if !printable(f.Next) {
				t.Fatalf("%q", f.Next)
			}
			for _, s := range f.Steps {
				texts = append(texts, s.Rule, s.Text)
			}
		}
		for _, u := range got.Unjudged {
			texts = append(texts, u.Platform, u.Reason)
		}
		for _, text := range texts {
			if !printable(text) || utf8.RuneCountInString(text) > 300 {
				t.Fatalf("%q", text)
			}
		}
	})
}

func TestExplanationJSON(t *testing.T) {
	raw, err := json.Marshal(Case{Policy: dev(), Image: shop(), Scans: []Scan{enhanced()}, Now: now}.Explain("CVE-1"))
	if err != nil || !strings.Contains(string(raw), `"found":[]`) || strings.Contains(string(raw), "Others") {
		t.Errorf("%s, %v", raw, err)
	}
}
