package gate

import "testing"

// What is the same finding in another image, and what is not.
func TestSighting(t *testing.T) {
	base := finding("CVE-2024-1", High, openssl())
	npm := finding("CVE-2024-1", High, lodash())
	jar := func(name, version, path string) Finding {
		return finding("CVE-2024-1", High, Package{Name: name, Version: version, Path: path, PURL: "pkg:maven/org/" + name + "@" + version})
	}
	set := func(f Finding, change func(*Package)) Finding {
		return with(f, func(f *Finding) { f.Packages = []Package{with(f.Packages[0], change)} })
	}
	tests := []struct {
		name          string
		before, after Finding
		known         bool
	}{
		{"the same", base, base, true},
		{"upgraded, and no better", base, set(base, func(p *Package) { p.Version, p.PURL = "3.0.12-1", "pkg:deb/debian/openssl@3.0.12-1" }), true},
		{"downgraded", base, set(base, func(p *Package) { p.Version, p.PURL = "1.1.1", "pkg:deb/debian/openssl@1.1.1" }), true},
		{"of another severity by now", base, with(base, func(f *Finding) { f.Severity = Critical }), true},
		{"another vulnerability", base, with(base, func(f *Finding) { f.ID = "CVE-2024-2" }), false},
		{"in other letters", base, with(base, func(f *Finding) { f.ID = "cve-2024-1" }), false},
		{"another package", base, set(base, func(p *Package) { p.Name = "libssl3" }), false},
		{"another manager's package", base, set(base, func(p *Package) { p.PURL = "pkg:npm/openssl@3" }), false},
		{"another distribution's package", base, set(base, func(p *Package) { p.PURL = "pkg:deb/ubuntu/openssl@3.0.11-1" }), false},
		{"the scan says no manager now", base, set(base, func(p *Package) { p.PURL = "" }), false},
		{"nor did it before", set(base, func(p *Package) { p.PURL = "" }), base, false},
		{"in scope and name alike", finding("CVE-1", High, Package{Name: "@a/b", PURL: "pkg:npm/%40a/b@1"}),
			finding("CVE-1", High, Package{Name: "@a/b", PURL: "pkg:npm/%40a/b@2"}), true},

		{"at its place", npm, npm, true},
		{"at another place", npm, set(npm, func(p *Package) { p.Path = "/srv/node_modules/lodash/package.json" }), false},
		{"a jar with its version in the name", jar("log4j", "2.14.1", "app/lib/log4j-2.14.1.jar"), jar("log4j", "2.15.0", "app/lib/log4j-2.15.0.jar"), true},
		{"a jar in a jar", jar("log4j", "2.14.1", "app-1.0.3.jar/lib/log4j-2.14.1.jar"), jar("log4j", "2.14.1", "app-1.0.4.jar/lib/log4j-2.14.1.jar"), true},
		{"another folder with a number", jar("log4j", "2.14.1", "app1/log4j.jar"), jar("log4j", "2.14.1", "app2/log4j.jar"), false},

		{"of no name", finding("", High, openssl()), finding("", High, openssl()), false},
		{"of no package", finding("CVE-2024-1", High), finding("CVE-2024-1", High), false},
		{"of a package of no name", finding("CVE-2024-1", High, Package{Version: "1"}), finding("CVE-2024-1", High, Package{Version: "1"}), false},
		{"one package of two", base, finding("CVE-2024-1", High, openssl(), zlib()), false},
		{"both packages of two", finding("CVE-2024-1", High, zlib(), openssl()), finding("CVE-2024-1", High, openssl(), zlib()), true},

		{"suppressed before", with(base, func(f *Finding) { f.Status = Suppressed }), base, true},
		{"closed before", with(base, func(f *Finding) { f.Status = Closed }), base, false},
		{"of unknown status before", with(base, func(f *Finding) { f.Status = StatusUnknown }), base, false},
		{"of a status of no name before", with(base, func(f *Finding) { f.Status = 200 }), base, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantEqual(t, "known", sightingsIn(enhanced(test.before)).all(&test.after), test.known)
		})
	}
}

func TestUnversioned(t *testing.T) {
	for path, want := range map[string]string{
		"":                               "",
		"app":                            "app",
		"usr/lib/python3.11/site":        "usr/lib/python*/site",
		"requests-2.28.1.dist-info/META": "requests-*.dist-info/META",
		"app1/app2":                      "app1/app2",
		"app1.js":                        "app1.js",
		"a.b/1.2":                        "a.b/*",
		"1.2.":                           "*.",
		".5":                             ".5",
		".5.1":                           ".*",
		"lib-1.9.jar":                    "lib-*.jar",
		"lib-9.1.jar":                    "lib-*.jar",
		"v1./x":                          "v1./x",
		"v1.:x":                          "v1.:x",
		"1-2.3":                          "1-*",
		"2024.01/log4j-1.2.17-beta9.jar": "*/log4j-*-beta9.jar",
	} {
		if got := unversioned(path); got != want {
			t.Errorf("%q is %q, want %q", path, got, want)
		}
	}
}
