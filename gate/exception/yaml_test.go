package exception

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/package-url/packageurl-go"

	"github.com/ecr-gate/ecr-gate/gate"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func mustParse(t *testing.T, name, text string, rules Rules) []gate.Exception {
	t.Helper()
	exceptions, err := Parse(name, []byte(text), rules, now)
	if err != nil {
		t.Fatal(err)
	}
	return exceptions
}

func TestYAMLEveryKey(t *testing.T) {
	got := mustParse(t, "exceptions.yaml", `
vulnerabilities:
- id: CVE-2024-3094
  purls: ["pkg:deb/debian/xz-utils@5.6.0"]
  paths: ["usr/lib/**"]
  expired_at: 2026-12-31
  statement: |
    Not reachable:
    no sshd in the image.
  packages: [xz-utils, openssl@3.0.1, "@scope/name", "@scope/name@1.0"]
  repositories: ["**/shop/*"]
  digests: [`+digest+`]
  until_fixed: true
  owner: payments
  ticket: 4711
  max_severity: HIGH
- packages: [busybox]
`, Rules{})
	want := []gate.Exception{{
		IDs:          []string{"CVE-2024-3094"},
		PURLs:        []packageurl.PackageURL{{Type: "deb", Namespace: "debian", Name: "xz-utils", Version: "5.6.0"}},
		Paths:        []string{"usr/lib/**"},
		Packages:     []gate.PackageName{{Name: "xz-utils"}, {Name: "openssl", Version: "3.0.1"}, {Name: "@scope/name"}, {Name: "@scope/name", Version: "1.0"}},
		Repositories: []string{"**/shop/*"},
		Digests:      []string{digest},
		ExpiresAt:    time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
		UntilFixed:   true,
		MaxSeverity:  gate.High,
		Statement:    "Not reachable: no sshd in the image.",
		Owner:        "payments",
		Ticket:       "4711",
		Source:       "exceptions.yaml: vulnerabilities[0]",
	}, {
		Packages: []gate.PackageName{{Name: "busybox"}},
		Source:   "exceptions.yaml: vulnerabilities[1]",
	}}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// TestTrivyFileUnchanged holds that Trivy's own sections pass, whatever is in them.
func TestTrivyFileUnchanged(t *testing.T) {
	got := mustParse(t, ".trivyignore.yaml", `
vulnerabilities:
  - id: CVE-2022-40897
    paths:
      - "usr/local/lib/python3.9/site-packages/setuptools-58.1.0.dist-info/METADATA"
    statement: Accept the risk
  - id: CVE-2023-2650
    expired_at: 2023-09-01
misconfigurations:
  - id: AVD-DS-0001
    whatever: [1, {a: b}]
secrets:
  - id: aws-access-key-id
licenses:
  - id: GPL-3.0
`, Rules{})
	if len(got) != 2 || got[0].Lapsed(now) || !got[1].Lapsed(now) {
		t.Errorf("got %+v, want two exceptions, the second one lapsed", got)
	}
	for _, text := range []string{"", "# all comments\n", "vulnerabilities:\n# - id: CVE-1\n", "misconfigurations: [{id: x}]\n", "\ufeffvulnerabilities: []\r\n"} {
		if got := mustParse(t, "e.yaml", text, Rules{}); len(got) != 0 {
			t.Errorf("%q: got %+v, want no exception", text, got)
		}
	}
}

func TestYAMLInstants(t *testing.T) {
	for written, want := range map[string]time.Time{
		"2026-12-31":                  time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
		`"2026-12-31"`:                time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
		"2026-12-31T18:00:00+02:00":   time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC),
		`"2026-12-31T18:00:00Z"`:      time.Date(2026, 12, 31, 18, 0, 0, 0, time.UTC),
		"2026-12-31 18:00:00":         time.Date(2026, 12, 31, 18, 0, 0, 0, time.UTC),
		"2026-12-31t18:00:00.5-05:00": time.Date(2026, 12, 31, 23, 0, 0, 5e8, time.UTC),
	} {
		e := mustParse(t, "e.yaml", "vulnerabilities: [{id: CVE-1, expired_at: "+written+"}]", Rules{})[0]
		if !e.ExpiresAt.Equal(want) || e.ExpiresAt.Location() != time.UTC {
			t.Errorf("%s: got %v, want %v", written, e.ExpiresAt, want)
		}
		if !e.Lapsed(want) || e.Lapsed(want.Add(-1)) {
			t.Errorf("%s: must lapse at %v, not before", written, want)
		}
	}
}

func TestYAMLFaults(t *testing.T) {
	entry := func(keys string) string { return "vulnerabilities:\n- {" + keys + "}\n" }
	const e = "e.yaml:2: vulnerabilities[0]"
	for _, tc := range []struct{ name, text, want string }{
		{"misspelt", entry("id: CVE-1, expires_at: 2026-12-31"), e + ".expires_at: unknown key; did you mean expired_at?"},
		{"other case", entry("ID: CVE-1, packages: [a]"), e + ".ID: unknown key; did you mean id?"},
		{"top level", "vulnerabilitys: []", "e.yaml:1: vulnerabilitys: unknown key; did you mean vulnerabilities?"},
		{"twice", entry("id: CVE-1, id: CVE-2"), e + ".id: is given twice; keep one"},
		{"section twice", "vulnerabilities: []\nvulnerabilities: []", "e.yaml:2: vulnerabilities: is given twice; keep one"},
		{"second document", "vulnerabilities: []\n---\nvulnerabilities: []", "e.yaml:2: a second YAML document starts here; keep one document to a file"},
		{"everything", entry("statement: all is well"), e + ": names neither a vulnerability (id) nor a package (packages, purls), so it would excuse everything; name one"},
		{"everything in a place", entry(`repositories: ["**"], paths: ["**"]`), e + ": names neither a vulnerability (id) nor a package (packages, purls), so it would excuse everything; name one"},
		{"empty packages", entry("packages: []"), e + ".packages: is an empty list, which would leave the exception as wide as without it; fill it in or take it out"},
		{"empty scope", entry("id: CVE-1, digests: []"), e + ".digests: is an empty list, which would leave the exception as wide as without it; fill it in or take it out"},
		{"purl without its version", entry(`id: CVE-1, purls: ["pkg:npm/lodash@"]`), e + `.purls[0]: "pkg:npm/lodash@" has nothing after its @; fill it in or take it out`},
		{"purl without its qualifier", entry(`id: CVE-1, purls: ["pkg:npm/lodash@1?arch="]`), e + `.purls[0]: "pkg:npm/lodash@1?arch=" has nothing after its =; fill it in or take it out`},
		{"empty id", entry(`id: "", packages: [a]`), e + ".id: is empty; name a vulnerability, or leave it out and name packages or purls"},
		{"blank id", entry(`id: "CVE-1 "`), e + `.id: "CVE-1 " has blanks or hidden characters in it, so no finding is called that; write one vulnerability, as CVE-2024-3094`},
		{"null id", entry("id: "), e + ".id: has no value; give it one or leave it out"},
		{"null scope", entry("id: CVE-1, purls: "), e + ".purls: has no value; give it one or leave it out"},
		{"empty package", entry(`id: CVE-1, packages: [a, ""]`), e + ".packages[1]: is empty; fill it in or take it out"},
		{"blank path", entry(`id: CVE-1, paths: [" "]`), e + ".paths[0]: is empty; fill it in or take it out"},
		{"no version", entry(`id: CVE-1, packages: ["a@"]`), e + `.packages[0]: "a@" has no version after its @; write NAME or NAME@VERSION`},
		{"glob", entry(`id: CVE-1, repositories: ["a["]`), e + `.repositories[0]: "a[" is no glob; close its brackets and braces`},
		{"digest", entry(`id: CVE-1, digests: ["sha256:AA"]`), e + `.digests[0]: "sha256:AA" is no digest; write sha256: and 64 digits, 0-9 and a-f`},
		{"purl", entry("id: CVE-1, purls: [openssl]"), e + `.purls[0]: "openssl" is no package URL (purl scheme is not "pkg": "openssl"); write it as pkg:deb/debian/openssl`},
		{"date", entry("id: CVE-1, expired_at: 2026-99-99"), e + `.expired_at: "2026-99-99" is no date; write YYYY-MM-DD, which is 00:00 UTC of that day, or RFC 3339 as 2026-12-31T18:00:00Z`},
		{"zero date", entry("id: CVE-1, expired_at: 0001-01-01"), e + `.expired_at: "0001-01-01" is no date; write YYYY-MM-DD, which is 00:00 UTC of that day, or RFC 3339 as 2026-12-31T18:00:00Z`},
		{"severity", entry("id: CVE-1, max_severity: SEVERE"), e + `.max_severity: "SEVERE" is no severity; one of CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL`},
		{"no bound", entry("id: CVE-1, max_severity: UNTRIAGED"), e + ".max_severity: UNTRIAGED is no bound; write one of CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL, or leave it out"},
		{"flag", entry("id: CVE-1, until_fixed: maybe"), e + `.until_fixed: want true or false, got "maybe"`},
		{"not a list", entry("id: CVE-1, purls: pkg:deb/debian/a"), e + ".purls: want a list, got text"},
		{"not entries", "vulnerabilities: [CVE-1]", "e.yaml:1: vulnerabilities[0]: want keys with values, got text"},
		{"merge key", "vulnerabilities:\n- &a {id: CVE-1}\n- {<<: *a, id: CVE-2}", "e.yaml:3: vulnerabilities[1]: merge keys (<<) are not read; write the keys out"},
		{"plain list", "CVE-1", "e.yaml: want keys with values, got text"},
		{"binary", entry("id: !!binary Q1ZFLTE="), e + ".id: want a single value, got a value tagged !!binary"},
	} {
		_, err := Parse("e.yaml", []byte(tc.text), Rules{}, now)
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s:\n got %v\nwant %s", tc.name, err, tc.want)
		}
	}
}

func TestYAMLAllFaultsAtOnce(t *testing.T) {
	_, err := Parse("e.yaml", []byte("vulnerabilities:\n- ids: CVE-1\n- id: CVE-2\n  paths: [\"[\"]\n- {}\nsecret: []\n"), Rules{Require: []string{"owner"}}, now)
	want := `e.yaml:2: vulnerabilities[0].ids: unknown key; did you mean id?
e.yaml:2: vulnerabilities[0].owner: is missing, and exceptions.require asks for it; add it
e.yaml:3: vulnerabilities[1].owner: is missing, and exceptions.require asks for it; add it
e.yaml:4: vulnerabilities[1].paths[0]: "[" is no glob; close its brackets and braces
e.yaml:5: vulnerabilities[2]: names neither a vulnerability (id) nor a package (packages, purls), so it would excuse everything; name one
e.yaml:5: vulnerabilities[2].owner: is missing, and exceptions.require asks for it; add it
e.yaml:6: secret: unknown key; did you mean secrets?`
	if diff := cmp.Diff(want, errorText(err)); diff != "" {
		t.Error(diff)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRules(t *testing.T) {
	day := Rules{MaxLifetime: 24 * time.Hour}
	for _, tc := range []struct {
		name, keys string
		rules      Rules
		want       string // "": no fault
	}{
		{"all given", "statement: s, expired_at: 2026-11-02, owner: o, ticket: t", Rules{Require: Requirable(), MaxLifetime: 24 * time.Hour}, ""},
		{"blank statement", `statement: " "`, Rules{Require: []string{"statement"}}, "e.yaml:1: vulnerabilities[0].statement: is missing, and exceptions.require asks for it; add it"},
		{"no expiry", "owner: o", Rules{Require: []string{"expired_at"}, MaxLifetime: time.Hour}, "e.yaml:1: vulnerabilities[0].expired_at: is missing, and exceptions.require asks for it; add it"},
		{"endless", "owner: o", day, "e.yaml:1: vulnerabilities[0].expired_at: has no end, and maxLifetime is 24h0m0s; let it expire at 2026-11-02T12:00:00Z or before"},
		{"at the limit", "expired_at: 2026-11-02T12:00:00Z", day, ""},
		{"over the limit", "expired_at: 2026-11-02T12:00:01Z", day, "e.yaml:1: vulnerabilities[0].expired_at: 2026-11-02T12:00:01Z is farther away than maxLifetime (24h0m0s) allows; the latest is 2026-11-02T12:00:00Z"},
		{"lapsed already", "expired_at: 2020-01-01", day, ""},
		{"nothing asked", "owner: o", Rules{}, ""},
	} {
		_, err := Parse("e.yaml", []byte("vulnerabilities: [{id: CVE-1, "+tc.keys+"}]"), tc.rules, now)
		if got := errorText(err); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

// TestAliasBomb holds that a small file cannot become a large one.
func TestAliasBomb(t *testing.T) {
	list := "vulnerabilities:\n- &e\n  id: CVE-1\n  paths: &p [" + strings.Repeat("a,", 5000) + "a]\n" + strings.Repeat("- *e\n", 5000)
	_, err := Parse("e.yaml", []byte(list), Rules{}, now)
	if got := errorText(err); got != "e.yaml: it holds too many values, those of aliases counted; split it" {
		t.Errorf("got %.200s", got)
	}
	if got := mustParse(t, "e.yaml", "vulnerabilities:\n- {id: CVE-1, paths: &p [a]}\n- {id: CVE-2, paths: *p}\n", Rules{}); len(got) != 2 || got[1].Paths[0] != "a" {
		t.Errorf("a plain alias: got %+v", got)
	}
}
