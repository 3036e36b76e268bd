package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program is a module whose main function calls url.Parse.
func program(t *testing.T, toolchain string) string {
	t.Helper()
	return folder(t, map[string]string{
		"go.mod":  "module example.com/program\n\ngo 1.26.0\n" + toolchain,
		"main.go": "package main\n\nimport \"net/url\"\n\nfunc main() { _, _ = url.Parse(\"\") }\n",
	})
}

// database has one vulnerability: url.Parse, up to a version of Go.
func database(t *testing.T, fixed string) string {
	t.Helper()
	return "file://" + folder(t, map[string]string{"GO-2026-0001.json": fmt.Sprintf(`{
		"schema_version": "1.3.1", "id": "GO-2026-0001", "modified": "2026-01-01T00:00:00Z", "published": "2026-01-01T00:00:00Z",
		"summary": "Parse parses too much", "details": "It does.",
		"affected": [{
			"package": {"name": "stdlib", "ecosystem": "Go"},
			"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": %q}]}],
			"ecosystem_specific": {"imports": [{"path": "net/url", "symbols": ["Parse"]}]}
		}],
		"database_specific": {"url": "https://pkg.go.dev/vuln/GO-2026-0001", "review_status": "REVIEWED"}
	}`, fixed)})
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestVulnerabilities(t *testing.T) {
	for name, test := range map[string]struct {
		toolchain string // a line of go.mod
		fixed     string
		found     bool
		says      string
	}{
		"in this Go":                  {"", "1.99.0", true, "GO-2026-0001"},
		"not in this Go":              {"", "1.20.0", false, "No vulnerabilities found"},
		"not in the release's":        {"\ntoolchain go1.98.1\n", "1.98.1", false, "judged as that of go1.98.1"},
		"in the release's too":        {"\ntoolchain go1.98.0\n", "1.98.1", true, "GO-2026-0001"},
		"a toolchain older than ours": {"\ntoolchain go1.26.1\n", "1.26.2", false, "No vulnerabilities found"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := check{root: program(t, test.toolchain), packages: []string{"."}, database: database(t, test.fixed), out: &out}.run(t.Context())
			if (err != nil) != test.found || !strings.Contains(out.String(), test.says) {
				t.Errorf("%v, and it says\n%s", err, &out)
			}
		})
	}
}

// Only what cannot be asked is forgiven, and it is said in one line.
func TestUnreachable(t *testing.T) {
	firewall := httptest.NewServer(http.NotFoundHandler())
	defer firewall.Close()
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	var out bytes.Buffer
	if err := (check{root: program(t, ""), packages: []string{"."}, database: firewall.URL, out: &out}).run(t.Context()); err != nil {
		t.Error(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "vulnerabilities were not looked for: ") || strings.Count(got, "\n") != 1 {
		t.Errorf("it says %q", got)
	}
}

func TestProgramThatDoesNotCompile(t *testing.T) {
	root := folder(t, map[string]string{"go.mod": "module example.com/program\n\ngo 1.26.0\n", "main.go": "package main\n\nfunc main() { nowhere() }\n"})
	var out bytes.Buffer
	err := check{root: root, packages: []string{"."}, database: database(t, "1.99.0"), out: &out}.run(t.Context())
	if err == nil {
		t.Errorf("no error; it says\n%s", &out)
	}
}

// The copy is the whole database, in the form that govulncheck reads.
func TestCopy(t *testing.T) {
	dir, of, err := copied(t.Context())
	if err != nil {
		t.Skip("the copy cannot be had: ", err)
	}
	var out bytes.Buffer
	c := check{database: "file://" + dir}
	if err := c.govulncheck(t.Context(), &out, os.Environ(), "-mode=query", "-format=json", "golang.org/x/net@v0.1.0"); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), `"osv"`); n < 10 || of.Year() < 2026 {
		t.Errorf("%d vulnerabilities in an old golang.org/x/net, as of %s", n, of)
	}
}
