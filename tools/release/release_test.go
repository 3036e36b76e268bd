// Package release makes the release that .goreleaser.yaml describes, and looks at
// what came out. It is a module of its own: nothing here is linked into ecr-gate.
package release

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = "../.."

func TestMain(m *testing.M) {
	code := m.Run()
	if made.dir != "" {
		_ = os.RemoveAll(made.dir) // Go's own clean-up comes too early: several tests look at it
	}
	os.Exit(code)
}

// The file is what goreleaser itself calls valid, with nothing deprecated in it.
func TestConfiguration(t *testing.T) {
	run(t, root, nil, goreleaser(t), "check", ".goreleaser.yaml")
}

// made is the release that all tests look at.
var made struct {
	sync.Mutex
	dir string
}

// released is the folder with a release of this tree, for this machine only.
func released(t *testing.T) string {
	t.Helper()
	goreleaser(t)
	made.Lock()
	defer made.Unlock()
	if made.dir == "" {
		dir, err := os.MkdirTemp("", "ecr-gate-release-")
		if err != nil {
			t.Fatal(err)
		}
		made.dir = dir
		commit(t, dir)
		release(t, dir)
	}
	return filepath.Join(made.dir, "bin", "release")
}

// release makes the release in a repository.
func release(t *testing.T, dir string, env ...string) {
	t.Helper()
	run(t, dir, env, goreleaser(t), "release", "--snapshot", "--clean", "--skip=sign,docker", "--config", thisMachine(t))
}

// commit makes a folder the repository of this tree as it is, uncommitted files
// included.
func commit(t *testing.T, dir string) {
	t.Helper()
	for _, name := range strings.Split(run(t, root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if name == "" || os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com"}
	for _, command := range [][]string{
		{"init", "--quiet"}, {"remote", "add", "origin", "https://github.com/ecr-gate/ecr-gate"}, // nobody asks it anything
		{"add", "--all"}, {"commit", "--quiet", "--message=release"}, {"tag", "v0.9.9"},
	} {
		run(t, dir, env, "git", command...)
	}
}

// thisMachine is .goreleaser.yaml for one platform only: the others would have to be
// compiled first, which takes minutes.
func thisMachine(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	for _, build := range config["builds"].([]any) {
		build := build.(map[string]any)
		build["goos"], build["goarch"] = []string{runtime.GOOS}, []string{runtime.GOARCH}
	}
	text, err = yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "goreleaser.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// goreleaser is the program, whose first compilation takes minutes: with -short
// its tests are skipped, and only the build itself is looked at.
func goreleaser(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("goreleaser is left out with -short")
	}
	return tool(t, "goreleaser")
}

// tool is a program of this module's go.mod, built once and kept in Go's cache.
func tool(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(run(t, ".", nil, "go", "tool", "-n", name))
}

// run returns what a program prints, and ends the test if it fails.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}
