package release

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The same commit gives the same bytes, wherever, whenever and by whomever it is
// built: programs, archives, Lambda's zip, lists of materials and checksums.
//
// Both builds share Go's cache, so what was compiled is compiled once. That the
// compiler itself repeats is Go's own promise; flags, paths, times and archives are
// this project's.
func TestReleaseRepeats(t *testing.T) {
	first := digests(t, released(t))
	elsewhere := filepath.Join(t.TempDir(), "a folder", "of another length")
	run(t, ".", nil, "git", "clone", "--quiet", made.dir, elsewhere)
	dated(t, elsewhere, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC))
	release(t, elsewhere, "TZ=Asia/Tokyo", "USER=somebody", "LANG=tr_TR.UTF-8")
	second := digests(t, filepath.Join(elsewhere, "bin", "release"))
	if len(first) < 7 {
		t.Errorf("only %d files in a release: %v", len(first), first)
	}
	for name := range first {
		if first[name] != second[name] {
			t.Errorf("%s differs from one build to the next: %s and %s", name, first[name], second[name])
		}
	}
	if len(first) != len(second) {
		t.Errorf("one build has %d files, the other %d", len(first), len(second))
	}
}

// What docs/release.md tells people to run gives the program that was released.
func TestDocumentedRebuild(t *testing.T) {
	program := one(t, "ecr-gate_*/ecr-gate")
	rebuilt := documentedBuild(t, made.dir, strings.Fields(run(t, ".", nil, program, "version"))[1])
	if got, want := digest(t, rebuilt), digest(t, program); got != want {
		t.Errorf("rebuilt it is %s, released %s", got, want)
	}
}

// What docs/release.md tells people to run gives the same bytes in two folders, and
// its list of materials is the same too.
func TestBuildRepeats(t *testing.T) {
	here, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "a folder", "of another length")
	commit(t, here)
	run(t, ".", nil, "git", "clone", "--quiet", here, elsewhere)
	dated(t, elsewhere, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC))
	first := documentedBuild(t, here, "v0.9.9")
	second := documentedBuild(t, elsewhere, "v0.9.9", "TZ=Asia/Tokyo", "USER=somebody", "LANG=tr_TR.UTF-8")
	if digest(t, first) != digest(t, second) {
		t.Error("two builds of one commit differ")
	}
	for _, program := range []string{first, second} {
		run(t, ".", nil, tool(t, "cyclonedx-gomod"), "bin", "-json", "-std", "-noserial", "-notimestamp", "-output", program+".cdx.json", program)
	}
	if digest(t, first+".cdx.json") != digest(t, second+".cdx.json") {
		t.Error("the lists of materials of two builds of one commit differ")
	}
	listsWhatIsIn(t, first, first+".cdx.json")
}

// documentedBuild does what docs/release.md shows, in a repository, and returns the
// program.
func documentedBuild(t *testing.T, dir, version string, env ...string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs", "release.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "GOTOOLCHAIN=")
	_, block, _ = strings.Cut(block, " ") // go.mod names the same
	block, _, ended := strings.Cut(block, "sha256sum")
	if !found || !ended {
		t.Fatal("docs/release.md shows no build")
	}
	run(t, dir, env, "sh", "-c", strings.NewReplacer("v1.2.3", version, "-o ecr-gate", "-o bin/rebuilt").Replace(block))
	return filepath.Join(dir, "bin", "rebuilt")
}

// dated gives every file of a tree a time.
func dated(t *testing.T, dir string, of time.Time) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chtimes(path, of, of)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// digests are those of a release's files, but for goreleaser's own notes.
func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || name == "artifacts.json" || name == "metadata.json" || name == "config.yaml" {
			return err
		}
		found[name] = digest(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func digest(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(content))
}

// One signature is enough: the checksums that it is of are of every other file.
func TestChecksumsAreOfEverything(t *testing.T) {
	dir := released(t)
	sums, err := os.ReadFile(filepath.Join(dir, "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for name, digest := range digests(t, dir) {
		if filepath.Dir(name) != "." || name == "checksums.txt" {
			continue // what is in a folder is in an archive
		}
		if !strings.Contains(string(sums), digest+"  "+name+"\n") {
			t.Errorf("checksums.txt has no %s of %s", digest, name)
		}
	}
}
