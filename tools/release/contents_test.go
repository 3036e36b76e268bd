package release

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// one is the single file that a pattern names.
func one(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(released(t), pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	return files[0]
}

// The lists of materials are of what was released.
func TestMaterials(t *testing.T) {
	listsWhatIsIn(t, one(t, "ecr-gate_*/ecr-gate"), one(t, "ecr-gate_*.cdx.json"))
	listsWhatIsIn(t, one(t, "lambda_*/bootstrap"), one(t, "bootstrap_*.cdx.json"))
}

// listsWhatIsIn holds a list of materials to the modules that are in the program,
// with their versions, and no others.
func listsWhatIsIn(t *testing.T, program, document string) {
	t.Helper()
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"std " + info.GoVersion}
	for _, m := range info.Deps {
		want = append(want, m.Path+" "+m.Version)
	}
	var bom struct {
		BOMFormat  string
		Components []struct{ Name, Version string }
	}
	text, err := os.ReadFile(document)
	if err == nil {
		err = json.Unmarshal(text, &bom)
	}
	if err != nil || bom.BOMFormat != "CycloneDX" {
		t.Fatal(bom.BOMFormat, err)
	}
	var got []string
	for _, c := range bom.Components {
		got = append(got, c.Name+" "+c.Version)
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) < 50 || !slices.Equal(got, want) {
		t.Errorf("%s: the list has\n%s\nthe program\n%s", filepath.Base(document), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The program knows which release it is, and of which commit.
func TestVersion(t *testing.T) {
	program := one(t, "ecr-gate_*/ecr-gate")
	if got := run(t, ".", nil, program, "version"); !strings.HasPrefix(got, "ecr-gate v0.9.9-SNAPSHOT-") {
		t.Errorf("version: %s", got)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["vcs.revision"] == "" || settings["vcs.modified"] != "false" || settings["CGO_ENABLED"] != "0" || settings["-trimpath"] != "true" {
		t.Errorf("built with %v", settings)
	}
}

func TestArchives(t *testing.T) {
	want := map[string]fs.FileMode{"ecr-gate": 0o755, "LICENSE": 0o644, "third-party-licences.txt": 0o644}
	if got := tarred(t, one(t, "ecr-gate_*.tar.gz")); !equal(got, want) {
		t.Errorf("the archive has %v", got)
	}
	want = map[string]fs.FileMode{"bootstrap": 0o755, "LICENSE": 0o644, "third-party-licences.txt": 0o644}
	if got := zipped(t, one(t, "ecr-gate-lambda_*_"+runtime.GOARCH+".zip")); !equal(got, want) {
		t.Errorf("Lambda's zip has %v", got)
	}
}

func equal(a, b map[string]fs.FileMode) bool {
	for name, mode := range a {
		if b[name] != mode {
			return false
		}
	}
	return len(a) == len(b)
}

func tarred(t *testing.T, name string) map[string]fs.FileMode {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]fs.FileMode{}
	for archive := tar.NewReader(unpacked); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = header.FileInfo().Mode()
	}
}

func zipped(t *testing.T, name string) map[string]fs.FileMode {
	t.Helper()
	archive, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	found := map[string]fs.FileMode{}
	for _, file := range archive.File {
		found[file.Name] = file.Mode()
	}
	return found
}

// The image is compiled from the folders that .goreleaser.yaml names: all those with
// a package that is linked, and what the Dockerfile copies beside them.
func TestImageContext(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Images []struct {
			Files []string `yaml:"extra_files"`
		} `yaml:"dockers_v2"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	want := []string{"go.mod", "go.sum", "LICENSE"}
	const module = "github.com/ecr-gate/ecr-gate/"
	for path := range strings.FieldsSeq(run(t, root, nil, "go", "list", "-deps", "./cmd/ecr-gate")) {
		if within, ok := strings.CutPrefix(path, module); ok {
			folder, _, _ := strings.Cut(within, "/")
			want = append(want, folder)
		}
	}
	slices.Sort(want)
	want = slices.Compact(want)
	got := config.Images[0].Files
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("dockers_v2.extra_files in .goreleaser.yaml has %v, the build needs %v", got, want)
	}
}
