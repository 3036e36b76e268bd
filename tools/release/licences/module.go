package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// platforms are the operating systems that ecr-gate is released for: some packages
// are linked on one of them only.
var platforms = []string{"linux", "darwin"}

// module is one that ecr-gate links, with what its licence files say.
type module struct {
	path    string
	version string
	dir     string
	files   map[string]licence // by path within the module
}

// listed is what the go command says of a package.
type listed struct {
	Dir      string
	Standard bool
	Module   *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// linked are the modules with packages in ecr-gate, Go itself among them. A package
// may have a licence of its own, so each one's folder is looked into.
func linked(ctx context.Context, root string) ([]module, error) {
	goroot, err := output(ctx, root, "", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	standard := module{path: "the Go standard library", dir: strings.TrimSpace(string(goroot)), files: map[string]licence{}}
	if err := standard.look(standard.dir); err != nil {
		return nil, err
	}
	found := map[string]module{standard.path: standard}
	for _, platform := range platforms {
		packages, err := output(ctx, root, platform, "list", "-deps", "-json=Dir,Standard,Module", "./cmd/ecr-gate")
		if err != nil {
			return nil, err
		}
		for decoder := json.NewDecoder(bytes.NewReader(packages)); ; {
			var p listed
			if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, err
			}
			if p.Standard || p.Module.Main {
				continue
			}
			m, ok := found[p.Module.Path]
			if !ok {
				m = module{path: p.Module.Path, version: p.Module.Version, dir: p.Module.Dir, files: map[string]licence{}}
				found[m.path] = m
			}
			if err := m.lookUp(p.Dir); err != nil {
				return nil, err
			}
		}
	}
	var modules []module
	for _, path := range slices.Sorted(maps.Keys(found)) {
		modules = append(modules, found[path])
	}
	return modules, nil
}

func (m module) String() string { return strings.TrimSpace(m.path + " " + m.version) }

// lookUp looks into a package's folder and into those above it, up to the module's.
func (m module) lookUp(dir string) error {
	for ; ; dir = filepath.Dir(dir) {
		if err := m.look(dir); err != nil || dir == m.dir {
			return err
		}
		if len(dir) < len(m.dir) {
			return fmt.Errorf("%s is not in %s", dir, m.dir)
		}
	}
}

// look reads the licence files of one folder.
func (m module) look(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		within, err := filepath.Rel(m.dir, path)
		if err != nil {
			return err
		}
		_, seen := m.files[within]
		_, other := passedOver[m.path+" "+within]
		if seen || other || !entry.Type().IsRegular() || !named(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(path) //nolint:gosec // a licence in the module cache
		if err != nil {
			return err
		}
		m.files[within] = read(entry.Name(), text)
	}
	return nil
}

// faults are what is against having the module in the program.
func (m module) faults() []string {
	var faults []string
	rooted := false
	for _, within := range slices.Sorted(maps.Keys(m.files)) {
		l := m.files[within]
		rooted = rooted || !l.notice && !strings.ContainsRune(within, filepath.Separator)
		if fault := l.fault(); fault != "" {
			faults = append(faults, fmt.Sprintf("%s: %s %s", m, within, fault))
		}
	}
	if !rooted {
		faults = append(faults, m.String()+": it has no licence file")
	}
	return faults
}

// licences are the names of the module's licences.
func (m module) licences() []string {
	names := map[string]bool{}
	for _, l := range m.files {
		for _, name := range l.names {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// output runs the go command for a platform.
func output(ctx context.Context, dir, platform string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", args...) //nolint:gosec // arguments of this program
	command.Dir = dir
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+platform)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}
