// Package chart checks the Helm chart with Helm itself, and against the program it
// installs. It is a module of its own: nothing here is linked into ecr-gate.
package chart

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"
)

const (
	root  = "../.."
	chart = root + "/charts/ecr-gate"
)

// object is a Kubernetes object as YAML has it.
type object = map[string]any

// run returns what a program prints, and ends the test if it fails.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

// helm is the Helm that the end-to-end tests use too; or the one that HELM names.
func helm(t *testing.T, args ...string) string {
	t.Helper()
	path, err := helmProgram()
	if err != nil {
		t.Fatal(err)
	}
	return run(t, path, args...)
}

var helmProgram = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("HELM"); path != "" {
		return path, nil
	}
	return build(root+"/test/e2e/bin/helm", "helm.sh/helm/v4/cmd/helm")
})

// build puts a program of a module into this repository's bin. `go tool` would do, but
// does not heed GOFLAGS: without -trimpath all of Helm is compiled once more.
func build(module, program string) (path string, err error) {
	if path, err = filepath.Abs(root + "/bin/" + filepath.Base(program)); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "-C", module, "build", "-trimpath", "-o", path, program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return path, nil
}

// eachValues runs a test for each values file of the matrix.
func eachValues(t *testing.T, test func(t *testing.T, values string)) {
	t.Helper()
	files, err := filepath.Glob(chart + "/ci/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no values files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { test(t, file) })
	}
}

// render is the chart's objects with a values file.
func render(t *testing.T, args ...string) []object {
	t.Helper()
	out := helm(t, append([]string{"template", "ecr-gate", chart, "--namespace", "ecr-gate"}, args...)...)
	var objects []object
	for _, document := range strings.Split(out, "\n---\n") {
		var o object
		if err := yaml.UnmarshalStrict([]byte(document), &o); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if o != nil {
			objects = append(objects, o)
		}
	}
	return objects
}

// find is the first object of a kind for which dig finds something at the path.
func find(objects []object, kind string, path ...string) any {
	for _, o := range objects {
		if o["kind"] != kind {
			continue
		}
		if found := dig(o, path...); found != nil {
			return found
		}
	}
	return nil
}

func dig(from any, path ...string) any {
	for _, key := range path {
		switch value := from.(type) {
		case object:
			from = value[key]
		case []any:
			from = value[0]
		default:
			return nil
		}
	}
	return from
}
