package gate

import (
	"fmt"
	"testing"

	"github.com/package-url/packageurl-go"
)

// manyFindings are as Inspector lists them: each with a package of its own.
func manyFindings(n int) []Finding {
	list := make([]Finding, n)
	for i := range list {
		name := fmt.Sprintf("package-%d", i%997)
		list[i] = Finding{
			ID:       fmt.Sprintf("CVE-2024-%05d", i),
			Severity: WorstFirst()[i%6],
			Fix:      FixYes,
			Packages: []Package{{Name: name, Version: "1.0", FixedIn: "1.1", Path: "app/" + name, PURL: "pkg:npm/" + name + "@1.0"}},
		}
	}
	return list
}

// manyExceptions name a vulnerability each; every other one has a purl too.
func manyExceptions(n int) []Exception {
	list := make([]Exception, n)
	for i := range list {
		list[i] = Exception{IDs: []string{fmt.Sprintf("CVE-2024-%05d", i*3)}, Repositories: []string{"shop/*"}, Source: fmt.Sprint(i)}
		if i%2 == 0 {
			list[i].PURLs = []packageurl.PackageURL{{Type: "npm", Name: fmt.Sprintf("package-%d", i*3%997)}}
		}
	}
	return list
}

// packageExceptions name packages only, so any finding may be meant.
func packageExceptions(n int) []Exception {
	list := make([]Exception, n)
	for i := range list {
		name := fmt.Sprintf("package-%d", i*3%997)
		if i%2 == 0 {
			list[i] = Exception{PURLs: []packageurl.PackageURL{{Type: "npm", Name: name}}, Source: fmt.Sprint(i)}
		} else {
			list[i] = Exception{Packages: []PackageName{{Name: name}}, Source: fmt.Sprint(i)}
		}
	}
	return list
}

var sink Verdict

func BenchmarkEvaluate(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 100_000} {
		for _, exceptions := range []struct {
			name string
			list []Exception
		}{{"none", nil}, {"200ids", manyExceptions(200)}, {"200packages", packageExceptions(200)}} {
			b.Run(fmt.Sprintf("findings=%d/exceptions=%s", n, exceptions.name), func(b *testing.B) {
				scan := []Scan{enhanced(manyFindings(n)...)}
				b.ReportAllocs()
				for b.Loop() {
					sink = Evaluate(dev(), exceptions.list, shop(), scan, now)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/finding")
			})
		}
	}
}

func BenchmarkEvaluateIndex(b *testing.B) {
	list := manyFindings(1_000)
	scans := []Scan{on("linux/amd64", amdDigest, enhanced(list...)), on("linux/arm64", armDigest, enhanced(list...))}
	exceptions := manyExceptions(200)
	b.ReportAllocs()
	for b.Loop() {
		sink = Evaluate(dev(), exceptions, shop(), scans, now)
	}
}

func BenchmarkDetail(b *testing.B) {
	v := judge(dev(), manyExceptions(200), enhanced(manyFindings(1_000)...))
	b.ReportAllocs()
	for b.Loop() {
		_ = v.Detail(1000)
	}
}

func BenchmarkEvaluateBaseline(b *testing.B) {
	c := Case{Policy: with(dev(), func(p *Policy) { p.Baseline = "prod" }), Image: shop(), Now: now}
	c.Scans, c.Baseline = []Scan{enhanced(manyFindings(1_000)...)}, prod(enhanced(manyFindings(900)...))
	b.ReportAllocs()
	for b.Loop() {
		sink = c.Verdict()
	}
}
