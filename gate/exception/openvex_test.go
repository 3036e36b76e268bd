package exception

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate"
)

func vexDocument(statements ...string) string {
	return `{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/1", "author": "Example Security",
"timestamp": "2026-10-01T00:00:00Z", "version": 1, "statements": [` + strings.Join(statements, ",") + `]}`
}

// about is a statement on CVE-1; more holds further keys.
func about(status, products, more string) string {
	switch status {
	case "not_affected":
		more += `, "justification": "component_not_present"`
	case "affected":
		more += `, "action_statement": "update"`
	}
	return fmt.Sprintf(`{"vulnerability": {"name": "CVE-1"}, "status": %q, "products": [%s]%s}`, status, products, more)
}

func product(id string, parts ...string) string {
	for i, p := range parts {
		parts[i] = fmt.Sprintf(`{"@id": %q}`, p)
	}
	return fmt.Sprintf(`{"@id": %q, "subcomponents": [%s]}`, id, strings.Join(parts, ","))
}

// scopes shows exceptions as "IDs repositories digests purls".
func scopes(exceptions []gate.Exception) []string {
	var lines []string
	for _, e := range exceptions {
		var purls []string
		for _, p := range e.PURLs {
			purls = append(purls, p.ToString())
		}
		lines = append(lines, fmt.Sprintf("%v %v %v %v", e.IDs, e.Repositories, e.Digests, purls))
	}
	return lines
}

func TestOpenVEXWhole(t *testing.T) {
	got := mustParse(t, "product.openvex.json", vexDocument(
		about("under_investigation", product("pkg:oci/other"), ""),
		`{"vulnerability": {"name": "GO-1", "aliases": ["CVE-1", "GHSA-1"]}, "status": "not_affected", "timestamp": "2026-10-02T02:00:00+02:00",
		"justification": "vulnerable_code_not_present", "impact_statement": "not\ncalled",
		"products": [`+product("pkg:oci/web@"+digest+"?repository_url=REG.example.com:443/shop/web", "pkg:apk/alpine/busybox")+`]}`,
	), Rules{MaxLifetime: 48 * time.Hour, Require: []string{"statement", "expired_at", "owner"}})
	want := []string{"[GO-1 CVE-1 GHSA-1] [reg.example.com/shop/web] [" + digest + "] [pkg:apk/alpine/busybox]"}
	if diff := cmp.Diff(want, scopes(got)); diff != "" {
		t.Fatal(diff)
	}
	e := got[0]
	e.IDs, e.Repositories, e.Digests, e.PURLs = nil, nil, nil, nil
	wantRest := gate.Exception{
		ExpiresAt: time.Date(2026, 10, 4, 0, 0, 0, 0, time.UTC), Statement: "vulnerable_code_not_present: not called",
		Owner: "Example Security", Source: "product.openvex.json: statement 2",
	}
	if diff := cmp.Diff(wantRest, e); diff != "" {
		t.Error(diff)
	}
	if !got[0].AppliesTo(gate.Image{Registry: "reg.example.com", Repository: "shop/web", Digest: digest}) ||
		got[0].AppliesTo(gate.Image{Registry: "other.example.com", Repository: "shop/web", Digest: digest}) {
		t.Error("want it to apply to its own repository only")
	}
}

func TestOpenVEXScopes(t *testing.T) {
	for _, tc := range []struct {
		name, products string
		want           []string
	}{
		{"image by name", product("pkg:oci/web"), []string{"[CVE-1] [web **/web] [] []"}},
		{"image by digest", product("pkg:oci/web@" + strings.Replace(digest, ":", "%3A", 1)), []string{"[CVE-1] [web **/web] [" + digest + "] []"}},
		{"globs are text", product("pkg:oci/web?repository_url=reg%2F**%2Fweb"), []string{`[CVE-1] [reg/\*\*/web] [] []`}},
		{"purl among the identifiers", `{"@id": "https://x", "identifiers": {"purl": "pkg:oci/web"}}`, []string{"[CVE-1] [web **/web] [] []"}},
		{"two products", product("pkg:oci/a") + "," + product("pkg:oci/b"), []string{"[CVE-1] [a **/a] [] []", "[CVE-1] [b **/b] [] []"}},
		{"a package", product("pkg:deb/debian/bash"), []string{"[CVE-1] [] [] [pkg:deb/debian/bash]"}},
		{"parts that are no purls", product("pkg:oci/web", "bash", "pkg:deb/debian/bash"), []string{"[CVE-1] [web **/web] [] [pkg:deb/debian/bash]"}},

		{"no part is a purl", product("pkg:oci/web", "bash"), nil},
		{"parts with qualifiers", product("pkg:oci/web", "pkg:deb/debian/bash?arch=amd64"), nil},
		{"a tag", product("pkg:oci/web?tag=1.0"), nil},
		{"a platform", product("pkg:oci/web@" + digest + "?arch=amd64"), nil},
		{"a version that is no digest", product("pkg:oci/web@1.0"), nil},
		{"another repository", product("pkg:oci/web?repository_url=reg/shop"), nil},
		{"a repository without host", product("pkg:oci/web?repository_url=web"), nil},
		{"a package with parts", product("pkg:golang/a.example/b", "pkg:golang/c.example/d"), nil},
		{"a package with qualifiers", product("pkg:deb/debian/bash?distro=12"), nil},
		{"no purl", product("https://example.com/web"), nil},
		{"hashes only", `{"hashes": {"sha-256": "aa"}}`, nil},
		{"no product", "", nil},
	} {
		for _, status := range []string{"not_affected", "fixed"} {
			got := mustParse(t, "v.json", vexDocument(about(status, tc.products, "")), Rules{})
			if diff := cmp.Diff(tc.want, scopes(got)); diff != "" {
				t.Errorf("%s, %s: %s", tc.name, status, diff)
			}
		}
		for _, status := range []string{"affected", "under_investigation"} {
			if got := mustParse(t, "v.json", vexDocument(about(status, tc.products, "")), Rules{}); len(got) > 0 {
				t.Errorf("%s, %s: got %v, want none", tc.name, status, scopes(got))
			}
		}
	}
}

func TestOpenVEXLatestHolds(t *testing.T) {
	at := func(day int) string { return fmt.Sprintf(`, "timestamp": "2026-10-%02dT00:00:00Z"`, day) }
	const bash, ssl = "pkg:deb/debian/bash", "pkg:deb/debian/openssl"
	whole, both, oneLeft := "[CVE-1] [web **/web] [] []", "[CVE-1] [web **/web] [] ["+bash+" "+ssl+"]", "[CVE-1] [web **/web] [] ["+ssl+"]"
	for _, tc := range []struct {
		name       string
		statements []string
		want       []string
	}{
		{"later", []string{about("not_affected", product("pkg:oci/web"), at(2)), about("affected", product("pkg:oci/web"), at(3))}, nil},
		{"later, written first", []string{about("under_investigation", product("pkg:oci/web"), at(3)), about("fixed", product("pkg:oci/web"), at(2))}, nil},
		{"same time", []string{about("not_affected", product("pkg:oci/web"), ""), about("affected", product("pkg:oci/web"), "")}, nil},
		{"earlier", []string{about("not_affected", product("pkg:oci/web"), at(3)), about("affected", product("pkg:oci/web"), at(2))}, []string{whole}},
		{"the document's time", []string{about("not_affected", product("pkg:oci/web"), ""), about("affected", product("pkg:oci/web"), at(2))}, nil},
		{"again", []string{about("fixed", product("pkg:oci/web"), at(1)), about("affected", product("pkg:oci/web"), at(2)), about("fixed", product("pkg:oci/web"), at(3))}, []string{whole}},
		{"another product", []string{about("fixed", product("pkg:oci/web"), at(2)), about("affected", product("pkg:oci/api"), at(3))}, []string{whole}},
		{"one digest of it", []string{about("fixed", product("pkg:oci/web"), at(2)), about("affected", product("pkg:oci/web@"+digest), at(3))}, nil},
		{"one part of it", []string{about("fixed", product("pkg:oci/web"), at(2)), about("affected", product("pkg:oci/web", bash), at(3))}, nil},
		{"one part of two", []string{about("fixed", product("pkg:oci/web", bash, ssl), at(2)), about("affected", product("pkg:oci/web", bash), at(3))}, []string{oneLeft}},
		{"the last part", []string{about("fixed", product("pkg:oci/web", bash), at(2)), about("affected", product("pkg:oci/web", bash+"@1"), at(3))}, nil},
		{"the whole of it", []string{about("fixed", product("pkg:oci/web", bash, ssl), at(2)), about("affected", product("pkg:oci/web"), at(3))}, nil},
		{"another part", []string{about("fixed", product("pkg:oci/web", bash, ssl), at(2)), about("affected", product("pkg:oci/web", "pkg:deb/debian/zlib"), at(3))}, []string{both}},
		{"a package, in an image", []string{about("fixed", product(bash), at(2)), about("affected", product("pkg:oci/web", bash), at(3))}, nil},
		{"no product", []string{about("fixed", product("pkg:oci/web"), at(2)), about("affected", "", at(3))}, nil},
		{"by its alias", []string{about("fixed", product("pkg:oci/web"), at(2)), strings.Replace(about("affected", product("pkg:oci/web"), at(3)), `"CVE-1"`, `"GO-1", "aliases": ["CVE-1"]`, 1)}, nil},
		{"another vulnerability", []string{about("fixed", product("pkg:oci/web"), at(2)), strings.Replace(about("affected", product("pkg:oci/web"), at(3)), "CVE-1", "CVE-2", 1)}, []string{whole}},
		{"no purl, same ID", []string{about("fixed", `{"@id": "https://x", "identifiers": {"purl": "pkg:oci/web"}}`, at(2)), about("affected", product("https://x"), at(3))}, nil},
	} {
		got := mustParse(t, "v.json", vexDocument(tc.statements...), Rules{})
		if diff := cmp.Diff(tc.want, scopes(got)); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

func TestOpenVEXFaults(t *testing.T) {
	fixed := about("fixed", product("pkg:oci/web"), "")
	for _, tc := range []struct {
		name, text string
		rules      Rules
		want       string
	}{
		{"status", vexDocument(fixed, about("great", "", "")), Rules{}, `v.json: statement 2: invalid status value "great", must be one of [not_affected, affected, fixed, under_investigation]`},
		{"no reason", vexDocument(strings.Replace(about("not_affected", "", ""), "justification", "x", 1)), Rules{}, `v.json: statement 1: either justification or impact statement must be defined when using status "not_affected"`},
		{"no vulnerability", vexDocument(strings.Replace(fixed, "CVE-1", "", 1)), Rules{}, "v.json: statement 1: names no vulnerability; add its name, as CVE-2024-3094"},
		{"no time", strings.Replace(vexDocument(fixed), `"timestamp"`, `"time"`, 1), Rules{}, "v.json: statement 1: has no timestamp and nor has the document, so nobody can tell which statement is the latest; add one"},
		{"no expiry", vexDocument(fixed, fixed), Rules{Require: []string{"expired_at", "ticket"}}, "v.json: OpenVEX has no expiry, and exceptions.require asks for expired_at; set exceptions.maxLifetime, which then counts from each statement's timestamp\n" +
			"v.json: OpenVEX has no ticket, and exceptions.require asks for one; use the YAML form"},
		{"no author", strings.Replace(vexDocument(fixed), "Example Security", "", 1), Rules{Require: []string{"owner"}}, "v.json: the document has no author, and exceptions.require asks for owner; add it"},
		{"from the future", vexDocument(about("fixed", product("pkg:oci/web"), `, "timestamp": "2030-01-01T00:00:00Z"`)), Rules{MaxLifetime: time.Hour}, "v.json: statement 1: is dated in the future (2030-01-01T00:00:00Z), so maxLifetime cannot count from there; correct its timestamp"},
		{"old version", `{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": "CVE-1"}]}`, Rules{}, "v.json: is not OpenVEX v0.2.0 (statements.vulnerability is a string); older documents need converting"},
		{"broken time", strings.Replace(vexDocument(fixed), `"timestamp": "2026`, "\"timestamp\": \"2026-10-01T00:0\x7fZ"+strings.Repeat("9", 200), 1), Rules{}, `v.json: is not OpenVEX v0.2.0 (parsing time "2026-10-01T00:0Z` + strings.Repeat("9", 169) + "…); older documents need converting"},
		{"CSAF", `{"document": {"category": "csaf_vex"}}`, Rules{}, `v.json: is JSON but not OpenVEX (no "@context": "https://openvex.dev/ns/…"); exception files are OpenVEX, YAML like .trivyignore.yaml, or plain .trivyignore`},
		{"allowlist", `[{"vulnerability_id": "CVE-1"}]`, Rules{}, `v.json: is JSON but not OpenVEX (no "@context": "https://openvex.dev/ns/…"); exception files are OpenVEX, YAML like .trivyignore.yaml, or plain .trivyignore`},
		{"no JSON", "", Rules{}, "v.json: is not JSON (unexpected end of JSON input); exception files are OpenVEX, YAML like .trivyignore.yaml, or plain .trivyignore"},
	} {
		_, err := Parse("v.json", []byte(tc.text), tc.rules, now)
		if diff := cmp.Diff(tc.want, errorText(err)); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

// What more identifies a product than its purl cannot be evaluated, so the purl
// alone, which is wider, makes no exception.
func TestOpenVEXNarrowedProduct(t *testing.T) {
	const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for name, products := range map[string]string{
		"a hash":              `{"@id": "pkg:oci/web", "hashes": {"sha-256": "aa"}}`,
		"a second purl":       `{"@id": "pkg:oci/web", "identifiers": {"purl": "pkg:oci/web@` + digest + `"}}`,
		"a CPE":               `{"@id": "pkg:npm/lodash", "identifiers": {"cpe23": "cpe:2.3:a:lodash:lodash:1:*:*:*:*:*:*:*"}}`,
		"a part's CPE":        `{"@id": "pkg:oci/web", "subcomponents": [{"@id": "pkg:npm/lodash", "identifiers": {"cpe23": "cpe:2.3:a:l:l:1:*:*:*:*:*:*:*"}}]}`,
		"an unfinished purl":  `{"@id": "pkg:oci/web?repository_url="}`,
		"an unfinished purl@": `{"@id": "pkg:npm/lodash@"}`,
	} {
		if got := mustParse(t, "a.openvex.json", vexDocument(about("not_affected", products, "")), Rules{}); len(got) != 0 {
			t.Errorf("%s: %v", name, scopes(got))
		}
	}
}
