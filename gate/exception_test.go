package gate

import (
	"testing"
	"time"

	"github.com/package-url/packageurl-go"
)

func TestExceptions(t *testing.T) {
	const id = "CVE-2024-1234"
	critical := finding(id, Critical, openssl())
	set := func(change func(*Finding)) Finding { return with(critical, change) }
	named := func(change func(*Exception)) []Exception {
		return []Exception{with(Exception{IDs: []string{id}}, change)}
	}
	packages := func(names ...PackageName) []Exception { return []Exception{{Packages: names}} }
	purl := func(texts ...string) []Exception { return []Exception{{PURLs: purls(t, texts...)}} }
	path := func(globs ...string) []Exception { return named(func(e *Exception) { e.Paths = globs }) }
	repository := func(globs ...string) []Exception { return named(func(e *Exception) { e.Repositories = globs }) }
	digests := func(list ...string) []Exception { return named(func(e *Exception) { e.Digests = list }) }
	expires := func(at time.Time) []Exception { return named(func(e *Exception) { e.ExpiresAt = at }) }
	untilFixed := named(func(e *Exception) { e.UntilFixed = true })
	atMost := func(s Severity) []Exception { return named(func(e *Exception) { e.MaxSeverity = s }) }
	npm := finding(id, Critical, lodash())
	noPURL := finding(id, Critical, zlib())
	both := finding(id, Critical, openssl(), zlib())

	tests := []struct {
		name       string
		exceptions []Exception
		finding    Finding
		excepted   bool
	}{
		{"none", nil, critical, false},
		{"the zero value", []Exception{{}}, critical, false},
		{"the zero value, a finding of no name", []Exception{{}}, Finding{Severity: Critical}, false},
		{"a statement only", []Exception{{Statement: "all is well"}}, critical, false},
		{"repositories only", []Exception{{Repositories: []string{"**"}}}, critical, false},
		{"digests only", []Exception{{Digests: []string{indexDigest}}}, critical, false},
		{"paths only", []Exception{{Paths: []string{"**"}}}, npm, false},

		{"id", named(func(*Exception) {}), critical, true},
		{"id of several", []Exception{{IDs: []string{"CVE-1", id}}}, critical, true},
		{"another id", []Exception{{IDs: []string{"CVE-2024-1"}}}, critical, false},
		{"an id that starts alike", named(func(*Exception) {}), set(func(f *Finding) { f.ID = "CVE-2024-12345" }), false},
		{"an id inside", named(func(*Exception) {}), set(func(f *Finding) { f.ID = "X-" + id }), false},
		{"empty id", []Exception{{IDs: []string{""}}}, critical, false},
		{"empty id, a finding of no name", []Exception{{IDs: []string{""}}}, set(func(f *Finding) { f.ID = "" }), false},
		{"empty id, an empty related one", []Exception{{IDs: []string{""}}}, set(func(f *Finding) { f.Related = []string{""} }), false},
		{"id, a finding of no package", named(func(*Exception) {}), finding(id, Critical), true},
		{"the only related id", named(func(*Exception) {}), set(func(f *Finding) { f.ID, f.Related = "GHSA-1", []string{id} }), true},
		{"one of several related ids", named(func(*Exception) {}), set(func(f *Finding) { f.ID, f.Related = "GHSA-1", []string{id, "CVE-2"} }), false},

		{"package", packages(PackageName{Name: "openssl"}), critical, true},
		{"package and version", packages(PackageName{"openssl", "3.0.11-1"}), critical, true},
		{"package, another version", packages(PackageName{"openssl", "3.0.12-1"}), critical, false},
		{"another package", packages(PackageName{Name: "open"}), critical, false},
		{"package of no name", packages(PackageName{}), critical, false},
		{"package of no name, nor has the finding", packages(PackageName{}), finding(id, Critical, Package{}), false},
		{"package of no name but a version", packages(PackageName{Version: "3.0.11-1"}), critical, false},
		{"package, the finding names none", packages(PackageName{Name: "openssl"}), finding(id, Critical), false},
		{"id and package", named(func(e *Exception) { e.Packages = []PackageName{{Name: "openssl"}} }), critical, true},
		{"id and another package", named(func(e *Exception) { e.Packages = []PackageName{{Name: "zlib1g"}} }), critical, false},

		{"purl", purl("pkg:deb/debian/openssl@3.0.11-1"), critical, true},
		{"purl of any version", purl("pkg:deb/debian/openssl"), critical, true},
		{"purl of another version", purl("pkg:deb/debian/openssl@3.0.12"), critical, false},
		{"purl of another type", purl("pkg:rpm/debian/openssl"), critical, false},
		{"purl of another namespace", purl("pkg:deb/ubuntu/openssl"), critical, false},
		{"purl of no namespace", purl("pkg:deb/openssl"), critical, false},
		{"purl of another name", purl("pkg:deb/debian/libssl"), critical, false},
		{"purl alone, where the package goes by another name", purl("pkg:npm/%40angular/core"),
			finding(id, Critical, Package{Name: "@angular/core", Version: "16.0.0", PURL: "pkg:npm/%40angular/core@16.0.0"}), true},
		{"purl with qualifiers", purl("pkg:deb/debian/openssl?distro=debian-12"), critical, false},
		{"purl with subpath", purl("pkg:deb/debian/openssl#lib"), critical, false},
		{"one purl of two", purl("pkg:deb/debian/libssl", "pkg:deb/debian/openssl"), critical, true},
		{"purl, the scan has none", purl("pkg:deb/debian/zlib1g"), noPURL, false},
		{"purl, the scan's is none", purl("pkg:deb/debian/zlib1g"), finding(id, Critical, with(zlib(), func(p *Package) { p.PURL = "zlib" })), false},
		{"the zero purl", []Exception{{PURLs: make([]packageurl.PackageURL, 1)}}, critical, false},
		{"id and the zero purl, the scan has none", named(func(e *Exception) { e.PURLs = make([]packageurl.PackageURL, 1) }), noPURL, false},
		{"id and purl, the scan has none", named(func(e *Exception) { e.PURLs = purls(t, "pkg:deb/debian/zlib1g") }), noPURL, false},
		{"id and purl", named(func(e *Exception) { e.PURLs = purls(t, "pkg:deb/debian/openssl") }), critical, true},
		{"id and another purl", named(func(e *Exception) { e.PURLs = purls(t, "pkg:deb/debian/zlib1g") }), critical, false},
		{"purl alone, before an exception that has none",
			[]Exception{{PURLs: purls(t, "pkg:deb/debian/openssl")}, {Packages: []PackageName{{Name: "zlib1g"}}}}, critical, true},
		{"package and another's purl", []Exception{{Packages: []PackageName{{Name: "openssl"}}, PURLs: purls(t, "pkg:npm/x")}}, critical, false},

		{"path", path("app/node_modules/**"), npm, true},
		{"path from the root", path("/app/**/package.json"), npm, true},
		{"another path", path("srv/**"), npm, false},
		{"path, the scan has none", path("**"), critical, false},
		{"path no glob", path("app/[node"), npm, false},

		{"repository", repository("shop/web"), critical, true},
		{"repository glob", repository("shop/*"), critical, true},
		{"repository glob with registry", repository("*.dkr.ecr.*.amazonaws.com/shop/*"), critical, true},
		{"repository glob for any registry", repository("**/web"), critical, true},
		{"another repository", repository("shop/api"), critical, false},
		{"part of a repository", repository("shop", "web", "shop/w"), critical, false},
		{"another registry", repository("444455556666.dkr.ecr.*.amazonaws.com/shop/web"), critical, false},
		{"a glob does not cross folders", repository("*"), critical, false},
		{"repository no glob", repository("shop/[web"), critical, false},
		{"an empty repository", repository(""), critical, false},

		{"index digest", digests(indexDigest), critical, true},
		{"manifest digest", digests(armDigest), critical, true},
		{"another digest", digests(amdDigest), critical, false},
		{"short digest", digests(ShortDigest(armDigest)), critical, false},
		{"empty digest", digests(""), critical, false},

		{"not expired", expires(now.Add(1)), critical, true},
		{"at the instant it is over", expires(now), critical, false},
		{"expired", expires(now.Add(-time.Hour)), critical, false},
		{"in another zone", expires(now.Add(1).In(time.FixedZone("", -11*3600))), critical, true},

		{"until fixed: no fix", untilFixed, set(func(f *Finding) { f.Fix = FixNo }), true},
		{"until fixed: unknown", untilFixed, critical, false},
		{"until fixed: partly", untilFixed, set(func(f *Finding) { f.Fix = FixPartial }), false},
		{"until fixed: yes", untilFixed, set(func(f *Finding) { f.Fix = FixYes }), false},
		{"until fixed: no, but a version", untilFixed,
			set(func(f *Finding) { f.Fix = FixNo; f.Packages = []Package{fixed(openssl(), "3.0.13")} }), false},

		{"severity as bad", atMost(Critical), critical, true},
		{"severity less bad", atMost(Critical), set(func(f *Finding) { f.Severity = Medium }), true},
		{"severity worse", atMost(High), critical, false},
		{"untriaged as what it counts as", atMost(High), set(func(f *Finding) { f.Severity = Untriaged }), true},
		{"untriaged as worse", atMost(Medium), set(func(f *Finding) { f.Severity = Untriaged }), false},

		{"several packages, by id", named(func(*Exception) {}), both, true},
		{"several packages, one covered", packages(PackageName{Name: "openssl"}), both, false},
		{"several packages, all by one", packages(PackageName{Name: "openssl"}, PackageName{Name: "zlib1g"}), both, true},
		{"several packages, each by its own", []Exception{
			{Packages: []PackageName{{Name: "openssl"}}}, {Packages: []PackageName{{Name: "zlib1g"}}},
		}, both, true},
		{"several packages, one of the two expired", []Exception{
			{Packages: []PackageName{{Name: "openssl"}}}, {Packages: []PackageName{{Name: "zlib1g"}}, ExpiresAt: now},
		}, both, false},
	}
	p := Policy{Name: "strict", UntriagedAs: High}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := judge(p, test.exceptions, on("linux/arm64", armDigest, enhanced(test.finding)))
			if test.excepted {
				wantVerdict(t, v, Allowed, WithinPolicy)
				wantEqual(t, "excepted", len(v.Excepted), 1)
				wantEqual(t, "counted", len(v.Findings), 0)
				return
			}
			wantVerdict(t, v, Denied, OverPolicy)
			wantEqual(t, "excepted", len(v.Excepted), 0)
			wantEqual(t, "used", v.Used, nil)
		})
	}
}

// An untriaged finding that the policy gives no severity is never at most any.
func TestMaxSeverityOfTheUntriaged(t *testing.T) {
	e := Exception{IDs: []string{"CVE-1"}, MaxSeverity: Critical}
	wantVerdict(t, judge(Policy{}, []Exception{e}, basic(finding("CVE-1", Untriaged))), Denied, OverPolicy)
}

// Each scope refuses by itself, not only because nobody asks.
func TestCovers(t *testing.T) {
	f := finding("CVE-1", Critical, openssl())
	bundle := with(f, func(f *Finding) { f.ID, f.Related = "GHSA-1", []string{"CVE-1", "CVE-2"} })
	related := with(f, func(f *Finding) { f.ID, f.Related = "GHSA-1", []string{"CVE-1"} })
	p := installed{Package: openssl(), purl: openssl().parsePURL()}
	nowhere := Image{Repository: "shop/web"}
	tests := []struct {
		name      string
		exception Exception
		img       Image
		finding   Finding
		covers    bool
	}{
		{"by id", Exception{IDs: []string{"CVE-1"}}, shop(), f, true},
		{"the zero value", Exception{}, shop(), f, false},
		{"one of several related ids", Exception{IDs: []string{"CVE-1"}}, shop(), bundle, false},
		{"another than the only related id", Exception{IDs: []string{"CVE-2"}}, shop(), related, false},
		{"the only related id", Exception{IDs: []string{"CVE-1"}}, shop(), related, true},
		{"an empty digest, nothing resolved", Exception{IDs: []string{"CVE-1"}, Digests: []string{""}}, nowhere, f, false},
	}
	for _, test := range tests {
		if got := test.exception.covers(test.img, "", test.finding, p, Critical); got != test.covers {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

func TestUsed(t *testing.T) {
	exceptions := []Exception{
		{IDs: []string{"CVE-9"}},
		{IDs: []string{"CVE-2"}, Packages: []PackageName{{Name: "zlib1g"}}},
		{IDs: []string{"CVE-1"}, ExpiresAt: now},
		{IDs: []string{"CVE-1"}},
		{Packages: []PackageName{{Name: "openssl"}}},
	}
	list := []Finding{finding("CVE-2", High, openssl(), zlib()), finding("CVE-1", Critical, openssl())}
	want := []int{1, 3, 4}
	v := judge(Policy{}, exceptions, basic(list...))
	wantVerdict(t, v, Allowed, WithinPolicy)
	wantEqual(t, "used", v.Used, want)
	wantEqual(t, "excepted", len(v.Excepted), 2)
	wantEqual(t, "an exception that took over is no loss", v.Lapsed, nil)

	notes := func(x ExceptedFinding) (sources []string) {
		for _, n := range x.Exceptions {
			sources = append(sources, n.Source)
		}
		return sources
	}
	one := judge(Policy{}, []Exception{{IDs: []string{"CVE-2"}, Source: "one"}}, basic(list[0]))
	wantEqual(t, "one exception for both packages is named once", notes(one.Excepted[0]), []string{"one"})

	swapped := judge(Policy{}, exceptions, basic(list[1], list[0]))
	wantEqual(t, "in whatever order AWS lists them", swapped.Excepted, v.Excepted)

	v = judge(Policy{}, exceptions, on("a", amdDigest, basic(list...)), on("b", armDigest, basic(list...)))
	wantEqual(t, "used on two platforms", v.Used, want)
	wantEqual(t, "excepted on two platforms", len(v.Excepted), 2)
}

func TestLapsed(t *testing.T) {
	old := Exception{IDs: []string{"CVE-1"}, ExpiresAt: now.Add(-time.Hour), Source: "a.yaml: vulnerabilities[0]", Owner: "team-a"}
	older := Exception{IDs: []string{"CVE-1"}, ExpiresAt: now.Add(-2 * time.Hour), Source: "a.yaml: vulnerabilities[1]"}
	elsewhere := with(old, func(e *Exception) { e.Repositories = []string{"other/**"} })
	f := finding("CVE-1", Critical, openssl())
	lapsed := func(exceptions []Exception, scans ...Scan) []LapsedException {
		v := judge(dev(), exceptions, scans...)
		wantVerdict(t, v, Denied, OverPolicy)
		return v.Lapsed
	}
	wantEqual(t, "one", lapsed([]Exception{old}, basic(f)), []LapsedException{{"CVE-1", old.note()}})
	wantEqual(t, "two", lapsed([]Exception{old, older}, basic(f)), []LapsedException{{"CVE-1", old.note()}, {"CVE-1", older.note()}})
	wantEqual(t, "on two platforms", len(lapsed([]Exception{old}, on("a", amdDigest, basic(f)), on("b", armDigest, basic(f)))), 1)
	two := with(older, func(e *Exception) { e.IDs = []string{"CVE-2"} })
	wantEqual(t, "in whatever order AWS lists them",
		lapsed([]Exception{old, two}, basic(finding("CVE-2", Critical), f)),
		lapsed([]Exception{old, two}, basic(f, finding("CVE-2", Critical))))
	wantEqual(t, "elsewhere", lapsed([]Exception{elsewhere}, basic(f)), nil)

	// It covers one package only, so the finding would have counted all the same.
	partly := with(old, func(e *Exception) { e.Packages = []PackageName{{Name: "openssl"}} })
	wantEqual(t, "would not have been enough", lapsed([]Exception{partly}, basic(finding("CVE-1", Critical, openssl(), zlib()))), nil)
	rest := Exception{IDs: []string{"CVE-1"}, Packages: []PackageName{{Name: "zlib1g"}}}
	wantEqual(t, "with another", len(lapsed([]Exception{partly, rest}, basic(finding("CVE-1", Critical, openssl(), zlib())))), 1)
}

func TestExceptionReports(t *testing.T) {
	f := finding("CVE-1", Critical)
	e := func(id string, expires time.Duration) Exception {
		x := Exception{IDs: []string{id}, Source: id}
		if expires != 0 {
			x.ExpiresAt = now.Add(expires)
		}
		return x
	}
	elsewhere := with(e("CVE-9", 0), func(e *Exception) { e.Repositories = []string{"other/**"} })
	tests := []struct {
		name       string
		exceptions []Exception
		scans      []Scan
		want       []ExceptionState
	}{
		{"used", []Exception{e("CVE-1", 0)}, []Scan{basic(f)}, nil},
		{"used, far from its end", []Exception{e("CVE-1", SoonExpiring+1)}, []Scan{basic(f)}, nil},
		{"used, soon expiring", []Exception{e("CVE-1", SoonExpiring)}, []Scan{basic(f)}, []ExceptionState{ExceptionExpiring}},
		{"expired", []Exception{e("CVE-1", -1)}, []Scan{basic(f)}, []ExceptionState{ExceptionExpired}},
		{"unused", []Exception{e("CVE-2", 0)}, []Scan{basic(f)}, []ExceptionState{ExceptionUnused}},
		{"meant for another image", []Exception{elsewhere}, []Scan{basic(f)}, nil},
		{"nothing judged", []Exception{e("CVE-2", 0)}, []Scan{{}}, nil},
		{"nothing judged, expired", []Exception{e("CVE-2", -1)}, []Scan{{}}, []ExceptionState{ExceptionExpired}},
		{"not scanned", []Exception{e("CVE-2", 0)}, []Scan{{Status: StatusUnsupported}}, nil},
		{"one platform not judged", []Exception{e("CVE-2", 0)}, []Scan{basic(f), {Status: StatusPending}}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []ExceptionState
			for _, r := range judge(dev(), test.exceptions, test.scans...).Exceptions {
				got = append(got, r.State)
			}
			wantEqual(t, "states", got, test.want)
		})
	}
}

// Of several images, an exception is unused only if none used it.
func TestMergeReports(t *testing.T) {
	exceptions := []Exception{
		{IDs: []string{"CVE-1"}, Source: "one"},
		{IDs: []string{"CVE-2"}, Source: "two"},
		{IDs: []string{"CVE-3"}, Source: "three", ExpiresAt: now},
	}
	a := judge(dev(), exceptions, basic(finding("CVE-1", Critical)))
	b := judge(dev(), exceptions, basic())
	for _, verdicts := range [][]Verdict{{a, b}, {b, a}} {
		merged := MergeReports(verdicts)
		got := map[string]ExceptionState{}
		for _, r := range merged {
			got[r.Source] = r.State
		}
		wantEqual(t, "states", got, map[string]ExceptionState{"two": ExceptionUnused, "three": ExceptionExpired})
		wantEqual(t, "reports", len(merged), 2)
	}
}

func TestAppliesTo(t *testing.T) {
	e := Exception{IDs: []string{"CVE-1"}, Digests: []string{armDigest}}
	for want, manifests := range map[bool][]string{true: {amdDigest, armDigest}, false: {amdDigest}} {
		if e.AppliesTo(shop(), manifests...) != want {
			t.Errorf("applies to %v: not %t", manifests, want)
		}
	}
	if e.AppliesTo(shop()) {
		t.Error("applies to an image without manifests")
	}
	for _, e := range []Exception{{Repositories: []string{"shop/*"}}, {Digests: []string{indexDigest}}} {
		if !e.AppliesTo(shop()) {
			t.Errorf("%+v does not apply to an image whose manifests are not known", e)
		}
	}
}

// A package URL that breaks the rules of its type is none, though it can be taken
// apart.
func TestUnreadablePURLIsNone(t *testing.T) {
	for _, text := range []string{"", "zlib", "pkg:deb", "pkg:1deb/debian/zlib", "pkg:swift/zlib@1", "pkg:deb/debian/zlib?=1"} {
		if purl := (Package{PURL: text}).parsePURL(); purl.Name != "" || purl.Type != "" {
			t.Errorf("%q was read as %+v", text, purl)
		}
	}
	wantEqual(t, "one that can be read", openssl().parsePURL().Name, "openssl")
}
