package gate

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestExceptionIncludes(t *testing.T) {
	id := func(change func(*Exception)) Exception { return with(Exception{IDs: []string{"CVE-1"}}, change) }
	plain := id(func(*Exception) {})
	repos := func(globs ...string) Exception { return id(func(e *Exception) { e.Repositories = globs }) }
	pkgs := func(names ...PackageName) Exception { return id(func(e *Exception) { e.Packages = names }) }
	purl := func(texts ...string) Exception { return id(func(e *Exception) { e.PURLs = purls(t, texts...) }) }
	until := func(at time.Time) Exception { return id(func(e *Exception) { e.ExpiresAt = at }) }
	fixed := id(func(e *Exception) { e.UntilFixed = true })
	most := func(s Severity) Exception { return id(func(e *Exception) { e.MaxSeverity = s }) }
	digest := func(d string) Exception { return id(func(e *Exception) { e.Digests = []string{d} }) }
	path := func(globs ...string) Exception { return id(func(e *Exception) { e.Paths = globs }) }
	libxml := Exception{Packages: []PackageName{{Name: "libxml2"}}}
	soon, late := now.Add(time.Hour), now.Add(2*time.Hour)
	tests := []struct {
		name         string
		wide, narrow Exception
		want         bool
	}{
		{"the same", plain, plain, true},
		{"the zero values", Exception{}, Exception{}, false},
		{"the zero value takes nothing in", Exception{}, plain, false},
		{"another id", plain, Exception{IDs: []string{"CVE-2"}}, false},
		{"one id of two", Exception{IDs: []string{"CVE-1", "CVE-2"}}, plain, true},
		{"two ids in one", plain, Exception{IDs: []string{"CVE-1", "CVE-2"}}, false},
		{"empty ids", Exception{IDs: []string{""}}, Exception{IDs: []string{""}}, false},
		{"any id of a package", libxml, with(pkgs(PackageName{Name: "libxml2"}), func(*Exception) {}), true},
		{"any id of a package, in one of an id", pkgs(PackageName{Name: "libxml2"}), libxml, false},
		{"any id of a package, and no package", libxml, plain, false},
		{"a repository in all", plain, repos("shop/*"), true},
		{"all in a repository", repos("shop/*"), plain, false},
		{"a repository in a glob", repos("bank/*", "shop/*"), repos("shop/web"), true},
		{"a glob in a glob, which nobody can tell", repos("**"), repos("shop/*"), false},
		{"the same glob", repos("shop/*"), repos("shop/*"), true},
		{"one repository outside", repos("shop/*"), repos("shop/web", "bank/web"), false},
		{"a package of a version", pkgs(PackageName{Name: "a"}), pkgs(PackageName{"a", "1"}), true},
		{"any version in one", pkgs(PackageName{"a", "1"}), pkgs(PackageName{Name: "a"}), false},
		{"a package of another version", pkgs(PackageName{"a", "1"}), pkgs(PackageName{"a", "2"}), false},
		{"the same version", pkgs(PackageName{"a", "1"}), pkgs(PackageName{"a", "1"}), true},
		{"another package", pkgs(PackageName{Name: "a"}), pkgs(PackageName{Name: "b"}), false},
		{"packages of no name", pkgs(PackageName{}), pkgs(PackageName{}), false},
		{"a purl beside a package", pkgs(PackageName{Name: "a"}), purl("pkg:npm/a"), false},
		{"any id of a purl", Exception{PURLs: purls(t, "pkg:npm/a")}, purl("pkg:npm/a"), true},
		{"a purl of a version", purl("pkg:npm/a"), purl("pkg:npm/a@1"), true},
		{"any version in one purl", purl("pkg:npm/a@1"), purl("pkg:npm/a"), false},
		{"a purl of another type", purl("pkg:npm/a"), purl("pkg:gem/a"), false},
		{"a purl that cannot be evaluated", purl("pkg:npm/a?x=y"), purl("pkg:npm/a"), false},
		{"a path in a glob", path("app/**"), path("app/a.jar"), true},
		{"a path in all", plain, path("app/a.jar"), true},
		{"all in a path", path("app/**"), plain, false},
		{"the same digest", digest(armDigest), digest(armDigest), true},
		{"another digest", digest(armDigest), digest(amdDigest), false},
		{"all digests in one", digest(armDigest), plain, false},
		{"an empty digest", digest(""), digest(""), false},
		{"until fixed in always", plain, fixed, true},
		{"always in until fixed", fixed, plain, false},
		{"until fixed, both", fixed, fixed, true},
		{"a milder bound", most(High), most(Medium), true},
		{"the same bound", most(High), most(High), true},
		{"a worse bound", most(Medium), most(High), false},
		{"no bound in a bound", most(Critical), plain, false},
		{"a bound in no bound", plain, most(Low), true},
		{"an end before none", plain, until(soon), true},
		{"no end before an end", until(late), plain, false},
		{"a later end", until(late), until(soon), true},
		{"the same end", until(soon), until(soon), true},
		{"an earlier end", until(soon), until(late), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantEqual(t, "includes", test.wide.Includes(test.narrow), test.want)
		})
	}
	wantEqual(t, "scope, whenever it ends", until(soon).IncludesScope(until(late)), true)
}

// What an exception fits, one that includes it fits too, at any time.
func TestIncludesIsSure(t *testing.T) {
	included := 0
	rapid.Check(t, func(t *rapid.T) {
		a := someException(t)
		b := a
		if rapid.Bool().Draw(t, "another") {
			b = someException(t)
		}
		for range rapid.IntRange(0, 2).Draw(t, "narrowed") { // so that inclusion is not rare
			switch rapid.IntRange(0, 4).Draw(t, "how") {
			case 0:
				b.Repositories = []string{"shop/web"}
			case 1:
				b.UntilFixed = true
			case 2:
				b.MaxSeverity = Low
			case 3:
				b.Digests = []string{armDigest}
			default:
				b.Packages = []PackageName{{"openssl", "1"}}
			}
		}
		if !a.Includes(b) {
			return
		}
		included++
		f, manifest := someFinding(t), pick(t, "manifest", someDigests)
		weight := pick(t, "weight", someSeverities).known()
		at := now.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "hours")) * time.Hour)
		for _, p := range append(f.Packages, Package{}) {
			in := installed{Package: p, purl: p.parsePURL()}
			if b.covers(shop(), manifest, f, in, weight) && !b.Lapsed(at) && (!a.covers(shop(), manifest, f, in, weight) || a.Lapsed(at)) {
				t.Fatalf("%+v\nincludes %+v\nbut does not fit %+v", a, b, f)
			}
		}
	})
	if included == 0 {
		t.Error("no exception included another one")
	}
}

// Those that fit are told, used or not.
func TestMatching(t *testing.T) {
	f := finding("CVE-1", High, openssl(), zlib())
	c := Case{Policy: dev(), Image: shop(), Now: now, Exceptions: []Exception{
		{IDs: []string{"CVE-1"}}, // used
		{IDs: []string{"CVE-1"}}, // would be, were the first gone
		{IDs: []string{"CVE-1"}, Packages: []PackageName{{Name: "zlib1g"}}}, // a part
		{Packages: []PackageName{{Name: "openssl"}}},
		{PURLs: purls(t, "pkg:deb/debian/openssl")},
		{IDs: []string{"CVE-1"}, ExpiresAt: now}, // expired
		{IDs: []string{"CVE-2"}},
		{IDs: []string{"CVE-1"}, Repositories: []string{"bank/*"}},
		{IDs: []string{"CVE-3"}}, // of what is closed
		{IDs: []string{"CVE-4"}, MaxSeverity: High},
		{IDs: []string{"CVE-4"}, MaxSeverity: Medium},                        // as untriaged as it is, it counts as HIGH
		{IDs: []string{"CVE-1"}, Packages: []PackageName{{Name: "openssl"}}}, // the first of its packages
		{IDs: []string{"CVE-1"}, Digests: []string{armDigest}},               // another platform's
	}}
	c.Scans = []Scan{enhanced(f, with(finding("CVE-3", High, zlib()), func(f *Finding) { f.Status = Closed })), on("linux/arm64", armDigest, enhanced(finding("CVE-4", Untriaged)))}
	m := c.Matching()
	wantEqual(t, "fits", m.Fits, []bool{true, true, true, true, true, true, false, false, false, true, false, true, false})
	wantEqual(t, "applies", m.Applies, []bool{true, true, true, true, true, true, true, false, true, true, true, true, true})
	wantEqual(t, "used", m.Verdict.Used, []int{0, 9})
	wantEqual(t, "complete", m.Complete, true)

	for name, s := range map[string]Scan{
		"running": with(enhanced(f), func(s *Scan) { s.Status = StatusInProgress }),
		"in part": with(enhanced(f), func(s *Scan) { s.Counts = map[Severity]int{Critical: 9} }),
		"trouble": {Trouble: &Trouble{Cause: NoAccess}},
	} {
		wantEqual(t, name+": complete", Case{Policy: dev(), Image: shop(), Scans: []Scan{enhanced(), s}, Now: now}.Matching().Complete, false)
	}
	wantEqual(t, "no scans: complete", Case{Policy: dev(), Image: shop(), Now: now}.Matching().Complete, false)

	source := &registryOf{scan: func(Manifest) (Scan, error) { return enhanced(f), nil }}
	g := gateOver(source, with(dev(), func(p *Policy) { p.StartScan = true }))
	g.Exceptions = c.Exceptions
	m = g.Matching(t.Context(), Request{Image: shop().Written})
	wantEqual(t, "fits", m.Fits[:2], []bool{true, true})
	wantEqual(t, "verdict", m.Verdict.Outcome, Allowed)
	m = g.Matching(t.Context(), Request{Image: "shop//web"})
	wantVerdict(t, m.Verdict, Unavailable, BadReference)
	wantEqual(t, "complete", m.Complete, false)
	wantEqual(t, "applies", m.Applies, make([]bool, len(c.Exceptions)))
	wantEqual(t, "fits", m.Fits, make([]bool, len(c.Exceptions)))
	source.scan = noScan
	wantEqual(t, "complete", g.Matching(t.Context(), Request{Image: shop().Written}).Complete, false)
	wantEqual(t, "started", source.started, nil)
}

// Whatever an exception is used for, it fits.
func TestMatchingIsWider(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Case{Policy: somePolicy(t), Exceptions: someExceptions(t), Image: shop(), Scans: someScans(t), Now: now}
		m := c.Matching()
		for _, i := range c.Verdict().Used {
			if !m.Fits[i] || !m.Applies[i] {
				t.Fatalf("exception %d is used, and fits nothing", i)
			}
		}
	})
}
