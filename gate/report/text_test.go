package report

import "testing"

// Only what a browser may be sent to is a link.
func TestWebAddress(t *testing.T) {
	for address, want := range map[string]string{
		"https://nvd.nist.gov/vuln/detail/CVE-2026-1": "https://nvd.nist.gov/vuln/detail/CVE-2026-1",
		"http://example.com/a b":                      "http://example.com/a%20b",
		"https://example.com/\u202ea":                 "https://example.com/a",
		"javascript:alert(1)":                         "",
		"javascript://example.com/%0aalert(1)":        "",
		"file://example.com/etc/passwd":               "",
		"https://user@example.com/":                   "",
		"https:///path":                               "",
		"//example.com/":                              "",
		"CVE-2026-1":                                  "",
		"":                                            "",
		"https://example.com/%zz":                     "",
	} {
		if got := webAddress(address); got != want {
			t.Errorf("%q is %q", address, got)
		}
	}
}

func TestElide(t *testing.T) {
	for _, test := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 5, ""}, {"abcde", 5, "abcde"}, {"abcdef", 5, "ab…ef"}, {"abcdef", 4, "ab…f"}, {"äöüß", 3, "ä…ß"}, {"abc", 1, "…"}, {"abc", 0, "…"},
	} {
		if got := elide(test.text, test.limit); got != test.want {
			t.Errorf("%q in %d is %q", test.text, test.limit, got)
		}
	}
}
