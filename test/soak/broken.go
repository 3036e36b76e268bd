package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// fault is a way to break the gate on purpose: what a soak has to see.
type fault struct {
	name     string
	file     string // of the program
	old, new string // text that occurs once, and what takes its place
}

// faults are the ways. Each puts one promise out of force.
var faults = []fault{
	{"a tag's move is overlooked", "gate/cache_life.go", "freshTag        = 10 * time.Second", "freshTag        = 10 * time.Hour"},
	{"a result is believed for hours", "gate/cache_life.go", "freshScan       = 10 * time.Minute", "freshScan       = 10 * time.Hour"},
	{"an unfinished scan is not looked at again", "gate/cache_life.go", "freshUnfinished = 15 * time.Second", "freshUnfinished = 15 * time.Minute"},
	{"results are believed before they are in", "gate/scan.go", "SettleWindow = 2 * time.Minute", "SettleWindow = 2 * time.Second"},
	{"two looks always agree", "gate/scan.go", "s.Previous.Fingerprint == s.fingerprint():", "s.fingerprint() != \"\":"},
	{"what could not be read is clean", "gate/read.go", "scan = Scan{Trouble: AsTrouble(r.err)}",
		"scan = Scan{Status: StatusComplete, Type: Basic, CompletedAt: r.began, Findings: []Finding{}}"},
	{"only the first platform is read", "gate/gate.go", "manifests, n := resolved.Manifests, len(resolved.Manifests)\n", "manifests, n := resolved.Manifests[:1], 1\n"},
	{"only the first page is read", "gate/ecr/scan.go", "next := aws.ToString(page.NextToken)", "next := aws.ToString(page.NextToken)[:0]"},
	{"an exception never ends", "gate/exception.go", "return !e.ExpiresAt.IsZero() && !now.Before(e.ExpiresAt)", "return false"},
	{"a job is reported twice", "gate/pipeline/send.go", "err := d.sendOnce(ctx, job, out, &lost)", "err := d.sendOnce(ctx, job, out, &lost)\n\t\t_ = d.sendOnce(ctx, job, out, &lost)"},
	{"the end does not wait for jobs", "gate/pipeline/worker.go", "defer r.jobs.Wait()", "_ = r.jobs.Wait"},
	{"each verdict leaves a goroutine", "gate/gate.go", "c, stale, place, trouble := g.read(ctx, req)\n", "c, stale, place, trouble := g.read(ctx, req)\n\tgo func() { select {} }()\n"},
	{"each verdict leaves memory", "gate/gate.go", "c, stale, place, trouble := g.read(ctx, req)\n",
		"c, stale, place, trouble := g.read(ctx, req)\n\tleft := []byte(strings.Repeat(\".\", 64<<10))\n\ttime.AfterFunc(time.Hour, func() { left[0] = 0 })\n"},
	{"the log is no JSON", "cmd/ecr-gate/serve.go", "slog.NewJSONHandler(io.err, nil)", "slog.NewTextHandler(io.err, nil)"},
}

// prove breaks the gate in each of the ways of this name, soaks each, and wants each
// to be seen.
func prove(ctx context.Context, out io.Writer, p *progress, s settings, name string) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprint(out, "| the gate, broken | seen | first violation |\n|---|---|---|\n")
	var missed []string
	for _, f := range ways(name) {
		p.phase("broken: " + f.name)
		first, err := f.soak(ctx, root, p, s)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		seen := "yes"
		if first == "" {
			seen, missed = "NO", append(missed, f.name)
		}
		_, _ = fmt.Fprintf(out, "| %s | %s | %.160s |\n", f.name, seen, cell(first))
	}
	if len(missed) > 0 {
		return fmt.Errorf("not seen: %s", strings.Join(missed, "; "))
	}
	return nil
}

// soak returns the first violation of the gate that is broken so; empty: there was
// none.
func (f fault) soak(ctx context.Context, root string, p *progress, o settings) (first string, err error) {
	dir, err := os.MkdirTemp("", "ecr-gate-broken-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing in it is kept
	if o.overlay, err = f.overlay(root, dir); err != nil {
		return "", err
	}
	s, err := soaked(ctx, p, o)
	if err != nil {
		return "", err
	}
	for _, v := range s.tally.violations {
		return v, nil
	}
	return "", nil
}

// overlay writes the broken file, and the file by which go build takes it.
func (f fault) overlay(root, dir string) (string, error) {
	text, err := f.broken(root)
	if err != nil {
		return "", err
	}
	broken, list := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, f.file): broken}})
	if err != nil {
		return "", err
	}
	return list, errors.Join(os.WriteFile(broken, []byte(text), 0o600), os.WriteFile(list, replace, 0o600))
}

// broken is the file with the fault in it.
func (f fault) broken(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, f.file)) //nolint:gosec // a file of the program
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), f.old); n != 1 {
		return "", fmt.Errorf("%s has %q %d times; write in test/soak/broken.go how to break it now", f.file, f.old, n)
	}
	return strings.Replace(string(text), f.old, f.new, 1), nil
}

// moduleRoot is where the program's sources are.
func moduleRoot(ctx context.Context) (string, error) {
	text, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/ecr-gate/ecr-gate").Output()
	var unknown *exec.ExitError
	if errors.As(err, &unknown) && ctx.Err() == nil {
		return "", errors.New("run it inside the ecr-gate repository")
	}
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
