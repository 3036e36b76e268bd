package gate

import "testing"

func TestUnversionedPURL(t *testing.T) {
	for purl, want := range map[string]string{
		"":                               "",
		"pkg:deb/debian/openssl@3.0.7-1": "pkg:deb/debian/openssl",
		"pkg:deb/debian/openssl":         "pkg:deb/debian/openssl",
		"pkg:npm/%40scope/name@1.0":      "pkg:npm/%40scope/name",
		"pkg:npm/@scope/name":            "pkg:npm/@scope/name", // no version, and not well written
	} {
		if got := (Package{PURL: purl}).UnversionedPURL(); got != want {
			t.Errorf("%q: %q, want %q", purl, got, want)
		}
	}
}
