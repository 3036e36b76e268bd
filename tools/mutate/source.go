package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// source is a package as it is, and the mutants found in it.
type source struct {
	dir     string
	name    string
	fset    *token.FileSet
	files   map[string]*ast.File // by path
	types   map[ast.Expr]types.TypeAndValue
	mutants []mutant
}

// load parses a package and finds out the types of its expressions: which are numbers
// and which are constants.
func load(dir string) (*source, error) {
	p := &source{dir: dir, fset: token.NewFileSet(), files: map[string]*ast.File{}, types: map[ast.Expr]types.TypeAndValue{}}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(p.fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.name, p.files[path] = file.Name.Name, file
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no Go files in %s", dir)
	}
	exports, err := exportsOf(dir)
	if err != nil {
		return nil, err
	}
	config := types.Config{Importer: importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	_, err = config.Check(dir, p.fset, files, &types.Info{Types: p.types})
	return p, err
}

// exportsOf are the files in the build cache that say what the packages export.
func exportsOf(dir string) (map[string]string, error) {
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", dir).Output() //nolint:gosec,noctx // a package of this module, and it ends by itself
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		exports[path] = file
	}
	return exports, nil
}

// writeMutants writes the files with their mutants, and the overlay that has go build
// take them for the package's own.
func (p *source) writeMutants(folder string, not *regexp.Regexp) error {
	replace := map[string]string{}
	put := func(path string, text []byte) error {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		replace[absolute] = filepath.Join(folder, filepath.Base(path))
		return os.WriteFile(replace[absolute], text, 0o600)
	}
	for path := range p.files {
		if not.MatchString(filepath.Base(path)) {
			continue
		}
		text, err := p.mutate(path)
		if err != nil {
			return err
		}
		if err := put(path, text); err != nil {
			return err
		}
	}
	if err := put(filepath.Join(p.dir, "mutant_switches.go"), []byte("package "+p.name+switches)); err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "overlay.json"), overlay, 0o600)
}
