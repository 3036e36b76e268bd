package main

import (
	"bytes"
	"go/build/constraint"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/test/process"
)

// What tests do to a running process is in no binary but theirs: of every variable
// that a file built with the tag faults names, the usual build has no trace.
func TestNoFaultsInTheRelease(t *testing.T) {
	variables := faultVariables(t)
	for name, c := range map[string]struct {
		build process.Build
		has   bool
	}{
		"release": {process.Build{LDFlags: "-s -w"}, false},
		"faults":  {process.Build{LDFlags: "-s -w", Tags: []string{"faults"}}, true}, // or the search proves nothing
	} {
		binary, err := c.build.Make(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		for _, variable := range variables {
			if bytes.Contains(raw, []byte(variable)) != c.has {
				t.Errorf("%s: %s is in the binary: %t, want %t", name, variable, !c.has, c.has)
			}
		}
	}
}

// faultVariables are the environment variables named in files of the tag faults.
func faultVariables(t *testing.T) []string {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "faults",
		"-f", `{{with .Module}}{{if .Main}}{{range $.GoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for file := range strings.Lines(string(text)) {
		source, err := os.ReadFile(strings.TrimSpace(file))
		if err != nil {
			t.Fatal(err)
		}
		if needsFaults(t, source) {
			found = append(found, regexp.MustCompile(`ECR_GATE_FAULT_[A-Z_]+`).FindAllString(string(source), -1)...)
		}
	}
	if len(found) == 0 {
		t.Fatal("no file of the tag faults names a variable")
	}
	return found
}

// needsFaults reports whether a file is built with the tag faults only.
func needsFaults(t *testing.T, source []byte) bool {
	t.Helper()
	for line := range strings.Lines(string(source)) {
		if !constraint.IsGoBuild(line) {
			continue
		}
		expression, err := constraint.Parse(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		return !expression.Eval(func(tag string) bool { return tag != "faults" })
	}
	return false
}

// Whoever builds for others does not ask for the tag.
func TestNobodyReleasesFaults(t *testing.T) {
	for _, name := range []string{"Makefile", "Dockerfile", ".goreleaser.yaml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if regexp.MustCompile(`tags\S*[ =:].*faults`).MatchString(line) && !strings.Contains(line, "go test ") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}
