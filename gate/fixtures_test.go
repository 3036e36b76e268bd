package gate

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/package-url/packageurl-go"
)

// now is when every test takes place.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const (
	indexDigest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	armDigest   = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	amdDigest   = "sha256:3333333333333333333333333333333333333333333333333333333333333333"
	registry    = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
)

func shop() Image {
	return Image{
		Written: registry + "/shop/web:1.4", Registry: registry,
		Repository: "shop/web", Tag: "1.4", Digest: indexDigest,
	}
}

// dev is the policy most tests judge by.
func dev() Policy {
	return Policy{Name: "dev", Limits: map[Severity]int{Critical: 0, High: 1, Medium: 2}, UntriagedAs: High}
}

func basic(findings ...Finding) Scan {
	return Scan{
		Digest: indexDigest, Type: Basic, Status: StatusComplete, Pages: 1,
		CompletedAt: now.Add(-time.Hour), ReadAt: now, Findings: findings,
	}
}

func enhanced(findings ...Finding) Scan {
	s := basic(findings...)
	s.Type, s.Status = Enhanced, StatusActive
	return s
}

func on(platform, digest string, s Scan) Scan {
	s.Platform, s.Digest = platform, digest
	return s
}

func finding(id string, severity Severity, packages ...Package) Finding {
	return Finding{ID: id, Severity: severity, Packages: packages}
}

func openssl() Package {
	return Package{Name: "openssl", Version: "3.0.11-1", PURL: "pkg:deb/debian/openssl@3.0.11-1"}
}

func zlib() Package { return Package{Name: "zlib1g", Version: "1:1.2.13"} }

func lodash() Package {
	return Package{Name: "lodash", Version: "4.17.20", Path: "/app/node_modules/lodash/package.json", PURL: "pkg:npm/lodash@4.17.20"}
}

func fixed(p Package, in string) Package {
	p.FixedIn = in
	return p
}

func purls(t testing.TB, texts ...string) []packageurl.PackageURL {
	t.Helper()
	list := make([]packageurl.PackageURL, len(texts))
	for i, text := range texts {
		p, err := packageurl.FromString(text)
		if err != nil {
			t.Fatal(err)
		}
		list[i] = p
	}
	return list
}

func with[T any](x T, change func(*T)) T {
	change(&x)
	return x
}

// judge evaluates scans of the usual image at the usual time.
func judge(p Policy, exceptions []Exception, scans ...Scan) Verdict {
	return Evaluate(p, exceptions, shop(), scans, now)
}

// counts leaves out the zeros.
func counts(v Verdict) map[Severity]int {
	counted := maps.Clone(v.Counts)
	maps.DeleteFunc(counted, func(_ Severity, n int) bool { return n == 0 })
	return counted
}

func wantVerdict(t *testing.T, v Verdict, outcome Outcome, cause Cause) {
	t.Helper()
	if v.Outcome != outcome || v.Cause != cause {
		t.Errorf("got %s (%s), want %s (%s): %s", v.Outcome, v.Cause, outcome, cause, v.Reason)
	}
}

func wantEqual[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
