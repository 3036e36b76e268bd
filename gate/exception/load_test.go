package exception

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.yaml":       "vulnerabilities: [{id: CVE-1}]",
		".trivyignore": "CVE-2\n",
		"v.json":       vexDocument(about("fixed", product("pkg:oci/web"), "")),
		"noname":       vexDocument(about("fixed", product("pkg:oci/api"), "")),
		"bad.yaml":     "vulnerabilities: [{}]",
		"large.txt":    strings.Repeat("#", strict.MaxSize+1),
		"flow.yaml":    "{vulnerabilities: [{id: CVE-3}]}",
		"csaf.txt":     "{}",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Load(dir, []string{"a.yaml", ".trivyignore", filepath.Join(dir, "v.json"), "noname", "flow.yaml"}, Rules{}, now)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"[CVE-1]", "[CVE-2]", "[CVE-1] web", "[CVE-1] api", "[CVE-3]"}, short(got)); diff != "" {
		t.Error(diff)
	}

	got, err = Load(dir, []string{"a.yaml", "gone.yaml", "bad.yaml", ".", "large.txt", "csaf.txt"}, Rules{}, now)
	want := `gone.yaml: no such file; paths are relative to the configuration file
bad.yaml:1: vulnerabilities[0]: names neither a vulnerability (id) nor a package (packages, purls), so it would excuse everything; name one
.: is a directory; name a file in it
large.txt: is larger than 1 MiB, which is the most that is read
csaf.txt: is JSON but not OpenVEX (no "@context": "https://openvex.dev/ns/…"); exception files are OpenVEX, YAML like .trivyignore.yaml, or plain .trivyignore`
	if diff := cmp.Diff(want, errorText(err)); diff != "" || got != nil {
		t.Errorf("got %v, %s", got, diff)
	}
	var faults strict.Faults
	if !errors.As(err, &faults) || faults[1].File != "bad.yaml" || faults[1].Line != 1 || faults[1].Path != "vulnerabilities[0]" {
		t.Errorf("got %#v, want faults that name file, line and path", faults)
	}
}

func short(exceptions []gate.Exception) []string {
	var lines []string
	for _, e := range exceptions {
		line := "[" + strings.Join(e.IDs, " ") + "]"
		if len(e.Repositories) > 0 {
			line += " " + e.Repositories[0]
		}
		lines = append(lines, line)
	}
	return lines
}
