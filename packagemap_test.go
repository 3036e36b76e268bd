// Package ecrgate_test holds the tree against its package map. docs/packages.md
// says the same in words.
package ecrgate_test

import (
	"bufio"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/ecr-gate/ecr-gate"

// anything, in place of a list of project packages, allows them all.
var anything = []string{"..."}

// folder is what the Go files of one folder may import beside the standard
// library. Tests may import what they like.
type folder struct {
	project []string // project packages, exactly
	others  []string // prefixes of other modules' packages
	planned bool     // no such folder yet
}

// packageMap has every folder with Go files. Imports point inward: cmd → doors →
// gate → standard library and a few small libraries.
var packageMap = map[string]folder{
	"cmd/ecr-gate": {
		project: anything,
		others: []string{
			"github.com/aws/aws-lambda-go",
			"github.com/aws/aws-sdk-go-v2",
			"github.com/aws/smithy-go",
			"github.com/go-logr/logr",
			"github.com/prometheus/client_golang",
			"github.com/spf13/cobra",
			"go.yaml.in/yaml/v3",
			"golang.org/x/sync",
			"golang.org/x/term",
			"k8s.io/api",
			"k8s.io/apimachinery",
			"k8s.io/klog/v2",
			"sigs.k8s.io/controller-runtime",
		},
	},
	"config": {
		project: []string{"gate", "gate/exception", "gate/exception/strict"},
		others: []string{
			"github.com/bmatcuk/doublestar/v4",
			"github.com/fsnotify/fsnotify",
			"go.yaml.in/yaml/v3",
		},
	},
	"gate": {
		others: []string{
			"github.com/bmatcuk/doublestar/v4",
			"github.com/distribution/reference",
			"github.com/maypok86/otter/v2",
			"github.com/package-url/packageurl-go",
			"golang.org/x/sync",
		},
	},
	"gate/doctor": {
		project: []string{"gate"},
	},
	"gate/ecr": {
		project: []string{"gate", "gate/doctor"},
		others: []string{
			"github.com/aws/aws-sdk-go-v2/aws",
			"github.com/aws/aws-sdk-go-v2/config",
			"github.com/aws/aws-sdk-go-v2/credentials",
			"github.com/aws/aws-sdk-go-v2/service/ecr",
			"github.com/aws/aws-sdk-go-v2/service/inspector2",
			"github.com/aws/aws-sdk-go-v2/service/sts",
			"github.com/aws/smithy-go",
			"github.com/package-url/packageurl-go",
			"golang.org/x/sync",
		},
	},
	"gate/exception": {
		project: []string{"gate", "gate/exception/strict"},
		others: []string{
			"github.com/bmatcuk/doublestar/v4",
			"github.com/openvex/go-vex",
			"github.com/package-url/packageurl-go",
			"go.yaml.in/yaml/v3",
		},
	},
	"gate/exception/strict": {
		project: []string{"gate"},
		others: []string{
			"github.com/agext/levenshtein",
			"go.yaml.in/yaml/v3",
		},
	},
	"gate/report": {
		project: []string{"gate"},
		others: []string{
			"github.com/openvex/go-vex",
			"github.com/owenrumney/go-sarif/v3",
			"github.com/package-url/packageurl-go",
		},
	},
	"gate/pipeline": {
		project: []string{"gate", "gate/doctor"},
		others: []string{
			"github.com/agext/levenshtein",
			"github.com/aws/aws-lambda-go",
			"github.com/aws/aws-sdk-go-v2/aws",
			"github.com/aws/aws-sdk-go-v2/credentials",
			"github.com/aws/aws-sdk-go-v2/service/codepipeline",
			"github.com/aws/aws-sdk-go-v2/service/s3",
			"github.com/aws/smithy-go",
			"golang.org/x/sync",
		},
	},
	"gate/announce": {
		project: []string{"gate"},
		others: []string{
			"github.com/aws/aws-sdk-go-v2/aws",
			"github.com/aws/aws-sdk-go-v2/service/eventbridge",
			"github.com/aws/aws-sdk-go-v2/service/sns",
			"github.com/aws/smithy-go",
		},
	},
	"webhook": {
		project: []string{"gate", "gate/doctor"},
		others: []string{
			"github.com/go-json-experiment/json",
			"github.com/go-logr/logr",
			"github.com/open-policy-agent/cert-controller",
			"github.com/prometheus/client_golang",
			"golang.org/x/sync",
			"golang.org/x/time",
			"k8s.io/api",
			"k8s.io/apimachinery",
			"k8s.io/client-go",
			"sigs.k8s.io/controller-runtime",
		},
	},
	"test/process": {},
	"test/soak": {
		project: []string{"awslocal", "test/process"},
		others: []string{
			"golang.org/x/sync",
			"golang.org/x/term",
		},
	},
	"awslocal": {
		others: []string{
			"github.com/aws/aws-sdk-go-v2/aws",
			"github.com/aws/aws-sdk-go-v2/credentials",
			"github.com/johannesboyne/gofakes3",
		},
	},
}

// walls are what no row of the map may open: each prefix is imported in these
// folders and nowhere else.
var walls = []struct {
	prefix  string
	folders []string
	why     string
}{
	{"github.com/aws", []string{"gate/ecr", "gate/pipeline", "gate/announce", "awslocal", "cmd/ecr-gate"},
		"the decision must be testable without AWS: pass what you need in as one of gate's types"},
	{"k8s.io", []string{"webhook", "cmd/ecr-gate"}, "Kubernetes types stay behind the webhook's door"},
	{"sigs.k8s.io/controller-runtime", []string{"webhook", "cmd/ecr-gate"}, "Kubernetes types stay behind the webhook's door"},
	{"github.com/prometheus", []string{"webhook", "cmd/ecr-gate"}, "gate reports what it did; cmd counts it"},
	{"github.com/spf13", []string{"cmd/ecr-gate"}, "flags are read in cmd and passed in as values"},
	{module + "/config", []string{"cmd/ecr-gate"}, "take the setting as an argument; cmd reads the file"},
	{module + "/awslocal", []string{"cmd/ecr-gate", "test/soak"}, "it is for the demo and for tests"},
	{module + "/webhook", []string{"cmd/ecr-gate"}, "doors never import each other: what both need belongs in gate"},
	{module + "/gate/announce", []string{"cmd/ecr-gate"}, "doors never import each other: what both need belongs in gate"},
	{module + "/gate/pipeline", []string{"cmd/ecr-gate"}, "doors never import each other: what both need belongs in gate"},
}

func TestImportsFollowThePackageMap(t *testing.T) {
	found := importsByFolder(t)
	for dir, imports := range found {
		row, ok := packageMap[dir]
		if !ok {
			t.Errorf("%s is not in the package map: add a row to packageMap in packagemap_test.go and a line to docs/packages.md", dir)
			continue
		}
		for imported, file := range imports {
			if !row.allows(imported) {
				t.Errorf("%s imports %s, which the package map does not allow in %s: do without, or, if the design changed, add it to packageMap in packagemap_test.go", file, imported, dir)
			}
		}
	}
	for dir, row := range packageMap {
		_, exists := found[dir]
		if !exists && !row.planned {
			t.Errorf("packageMap has a row for %s, which has no Go files: delete the row (and its line in docs/packages.md) or mark it planned", dir)
		}
		if exists && row.planned {
			t.Errorf("%s exists now: drop `planned: true` from its row in packageMap", dir)
		}
	}
}

func TestNothingCrossesTheWalls(t *testing.T) {
	for dir, imports := range importsByFolder(t) {
		for imported, file := range imports {
			for _, w := range walls {
				if within(imported, w.prefix) && !within(module+"/"+dir, w.prefix) && !slices.Contains(w.folders, dir) {
					t.Errorf("%s imports %s, which belongs in %s only: %s", file, imported, strings.Join(w.folders, ", "), w.why)
				}
			}
		}
	}
}

func TestPackageMapIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("docs/packages.md")
	if err != nil {
		t.Fatal(err)
	}
	for dir := range packageMap {
		if !strings.Contains(string(doc), "`"+dir+"/`") {
			t.Errorf("docs/packages.md does not mention `%s/`: say there in one line what it is for", dir)
		}
	}
}

// Names that say nothing collect what has nothing to do with each other.
func TestNamesSayWhatIsInside(t *testing.T) {
	empty := []string{"common", "helper", "helpers", "misc", "type", "types", "util", "utils"}
	walk(t, func(name string, d fs.DirEntry) {
		if !d.IsDir() && path.Ext(name) != ".go" {
			return
		}
		stem := strings.TrimSuffix(strings.TrimSuffix(path.Base(name), ".go"), "_test")
		if slices.Contains(empty, stem) {
			t.Errorf("%s: name it for the concept inside, or move each piece beside its caller", name)
		}
	})
}

// Who imports this module or runs `go install` on it downloads what go.mod
// requires, and cannot if it has a replace directive.
func TestGoModStaysLight(t *testing.T) {
	file, err := os.Open("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	heavy := []string{"k8s.io/kubernetes", "go.etcd.io/etcd", "github.com/golangci", "golang.org/x/perf"}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		switch {
		case len(words) == 0 || strings.HasSuffix(line, "// indirect"):
		case words[0] == "replace":
			t.Errorf("go.mod: %q: `go install %s/cmd/ecr-gate@latest` refuses a module with replace directives", line, module)
		case slices.ContainsFunc(heavy, func(h string) bool { return within(words[0], h) }):
			t.Errorf("go.mod requires %s: what only tests need belongs in test/e2e/go.mod, what only checks need in tools/go.mod", words[0])
		}
	}
}

func (f folder) allows(imported string) bool {
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return imported != "C" // the standard library, and no C
	}
	if name, ok := strings.CutPrefix(imported, module+"/"); ok {
		return slices.Equal(f.project, anything) || slices.Contains(f.project, name)
	}
	return slices.ContainsFunc(f.others, func(prefix string) bool { return within(imported, prefix) })
}

// within tells if a path is the prefix or below it.
func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// importsByFolder is, of each folder with Go files other than tests, what they
// import and one file that does, whatever the files' build tags.
func importsByFolder(t *testing.T) map[string]map[string]string {
	t.Helper()
	found := map[string]map[string]string{}
	walk(t, func(name string, d fs.DirEntry) {
		if d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(name)
		if found[dir] == nil {
			found[dir] = map[string]string{}
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			found[dir][imported] = name
		}
	})
	return found
}

// walk visits the module's files and folders: not hidden ones, not test data, not
// the modules nested in it.
func walk(t *testing.T, visit func(name string, d fs.DirEntry)) {
	t.Helper()
	tree := os.DirFS(".")
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if d.IsDir() {
			hidden := strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_")
			if _, err := fs.Stat(tree, name+"/go.mod"); err == nil || hidden || d.Name() == "testdata" || name == "bin" {
				return fs.SkipDir
			}
		}
		visit(name, d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
