// Package binaries builds the programs a cluster is made of, Kubernetes itself among
// them, from their Go modules, and keeps them outside the repository: the second run
// finds them there.
package binaries

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Builder builds modules.
type Builder struct {
	Modules string    // the folder with one folder for each Module
	Out     io.Writer // progress is told here
}

// Cache is the folder where everything of these tests is kept that need not be made
// twice. It may be deleted at any time no test runs.
func Cache() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache := filepath.Join(base, "ecr-gate", "e2e")
	return cache, os.MkdirAll(cache, 0o750)
}

// Build returns the folder with the module's programs. What is not there yet is
// built: Kubernetes takes nine minutes on two cores with an empty build cache, and
// fifteen seconds with a full one.
func (b Builder) Build(ctx context.Context, m Module) (string, error) {
	source := filepath.Join(b.Modules, m.name)
	key, err := m.key(source)
	if err != nil {
		return "", err
	}
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, m.name+"-"+key)
	unlock, err := Lock(filepath.Join(cache, m.name+".lock"), b.Out)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	fresh, err := os.MkdirTemp(cache, m.name+"-unfinished-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	if err := b.compile(ctx, m, source, fresh); err != nil {
		return "", err
	}
	return folder, os.Rename(fresh, folder)
}

// compile uses the flags `go test` is run with too: with others everything would be
// compiled twice.
func (b Builder) compile(ctx context.Context, m Module, source, folder string) error {
	out := folder + "/"
	if m.binary != "" {
		out += m.binary
	}
	ldflags, err := m.ldflags(ctx, source)
	if err != nil {
		return err
	}
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", out}, m.packages...)
	build := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the arguments are the modules' own
	build.Dir = source
	build.Env = environment()
	told := b.tellThatItGoesOn(m.name)
	defer told()
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", m.name, err, output)
	}
	return nil
}

func environment() []string {
	return append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
}

func (m Module) ldflags(ctx context.Context, source string) (string, error) {
	const flags, into = "-s -w", "k8s.io/component-base/version"
	if m.versionOf == "" {
		return flags, nil
	}
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", m.versionOf) //nolint:gosec // a module's path
	list.Dir, list.Env = source, environment()
	output, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("which version of %s: %w", m.versionOf, err)
	}
	version := strings.TrimSpace(string(output))
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) < 3 {
		return "", fmt.Errorf("%s has version %q, want one like v1.2.3", m.versionOf, version)
	}
	return fmt.Sprintf("%s -X %[2]s.gitVersion=%s -X %[2]s.gitMajor=%s -X %[2]s.gitMinor=%s", flags, into, version, parts[0], parts[1]), nil
}

// tellThatItGoesOn keeps whoever waits, a CI runner too, from taking minutes of
// compiling for a hang.
func (b Builder) tellThatItGoesOn(name string) (stop func()) {
	start, minutely, done := time.Now(), time.NewTicker(time.Minute), make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-minutely.C:
				_, _ = fmt.Fprintf(b.Out, "e2e: still compiling %s after %s\n", name, time.Since(start).Round(time.Second))
			}
		}
	}()
	return func() { minutely.Stop(); close(done) }
}

// flagsVersion is raised when the build flags in this file change.
const flagsVersion = 1

// key changes with everything that changes the programs.
func (m Module) key(source string) (string, error) {
	files, err := filepath.Glob(filepath.Join(source, "*.go"))
	if err != nil {
		return "", err
	}
	files = append(files, filepath.Join(source, "go.mod"), filepath.Join(source, "go.sum"))
	slices.Sort(files)
	sum := sha256.New()
	for _, file := range files {
		content, err := os.ReadFile(file) //nolint:gosec // a file of this repository
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(sum, "%s %d\n%s", filepath.Base(file), len(content), content)
	}
	_, _ = fmt.Fprintln(sum, flagsVersion, m.packages, m.versionOf, runtime.Version(), runtime.GOARCH)
	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// Lock waits until no other process holds the lock file. The lock goes with the
// process, however that ends.
func Lock(path string, out io.Writer) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // a file of our own cache folder
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		_, _ = fmt.Fprintf(out, "e2e: waiting for another run, which holds %s\n", path)
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return func() { _ = file.Close() }, nil
}
