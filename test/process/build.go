package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build says how the binary is made. The zero value is the program as it is
// released, but for what only makes it smaller.
type Build struct {
	Tags    []string // such as faults, which lets a test turn the clock
	LDFlags string
	Overlay string // go build's -overlay: files of the program in another version
}

const command = "github.com/ecr-gate/ecr-gate/cmd/ecr-gate"

// Make builds the binary into a folder and returns its path. It is to be called
// somewhere in this module.
func (b Build) Make(ctx context.Context, dir string) (binary string, err error) {
	binary = filepath.Join(dir, "ecr-gate")
	args := []string{"build", "-o", binary, "-tags", strings.Join(b.Tags, ","), "-ldflags", b.LDFlags}
	if b.Overlay != "" {
		args = append(args, "-overlay", b.Overlay)
	}
	build := exec.CommandContext(ctx, "go", append(args, command)...) //nolint:gosec // arguments of a test's own
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, text)
	}
	return binary, nil
}
