package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ecr-gate/ecr-gate/test/e2e/image"
)

// bed is what is made outside and used inside: folders and files.
type bed struct {
	Kubernetes, Etcd, CoreDNS, Helm string // folders with programs

	Work     string   // is removed at the end
	Home     string   // in it: of the commands that people type
	Logs     string   // is kept, a few runs long
	Archives []string // of images
	Gate     string   // digest of ecr-gate's image
	Program  string   // what is in all other images
}

const (
	gateRepository = "registry.e2e.invalid/platform/ecr-gate"
	gateVersion    = "v0.0.0-e2e"
	sandboxImage   = "registry.e2e.invalid/pause:1"

	bedVariable = "ECR_GATE_E2E_BED"
	logsKept    = 5
)

// newBed makes the folders, and removes what an earlier run left.
func newBed(cache string) (*bed, error) {
	logs := filepath.Join(cache, "logs")
	b := &bed{Work: filepath.Join(cache, "work"), Logs: filepath.Join(logs, time.Now().Format("20060102-150405"))}
	if err := os.RemoveAll(b.Work); err != nil {
		return nil, err
	}
	b.Home = filepath.Join(b.Work, "home")
	for _, folder := range []string{b.Home, b.Logs} {
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return nil, err
		}
	}
	runs, err := os.ReadDir(logs) // in order of their names, so of time
	if err != nil {
		return nil, err
	}
	for _, old := range runs[:max(0, len(runs)-logsKept)] {
		if err := os.RemoveAll(filepath.Join(logs, old.Name())); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// environment hands the bed to the program inside.
func (b *bed) environment() (string, error) {
	value, err := json.Marshal(b)
	return bedVariable + "=" + string(value), err
}

func bedFromEnvironment() (*bed, error) {
	b := new(bed)
	if err := json.Unmarshal([]byte(os.Getenv(bedVariable)), b); err != nil {
		return nil, fmt.Errorf("%s: %w", bedVariable, err)
	}
	return b, nil
}

// gate is the program in ecr-gate's image.
func (b *bed) gate() string { return filepath.Join(b.Work, "docker", "out", "ecr-gate") }

// buildImages makes ecr-gate's image as its Dockerfile says, and those of the shop.
func (b *bed) buildImages(ctx context.Context) error {
	build := image.Build{Context: repository, Scratch: filepath.Join(b.Work, "docker"), Args: map[string]string{"VERSION": gateVersion}}
	gate, err := build.Image(ctx)
	if err != nil {
		return fmt.Errorf("image of ecr-gate: %w", err)
	}
	if err := scannable(gate); err != nil {
		return err
	}
	digest, err := gate.Digest()
	if err != nil {
		return err
	}
	b.Gate = digest.String()
	b.Program = filepath.Join(b.Work, "pause")
	compile := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", b.Program, "./pause") //nolint:gosec // written here
	compile.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if output, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling pause: %w\n%s", err, output)
	}
	images, err := shopImages(b.Program)
	if err != nil {
		return err
	}
	if images[sandboxImage], err = image.OfProgram(b.Program, "pause"); err != nil {
		return err
	}
	images[gateRepository+"@"+b.Gate] = gate
	archive := filepath.Join(b.Work, "images.tar")
	b.Archives = []string{archive}
	return image.Archive(archive, images)
}
