package main

import (
	"context"
	"encoding/json"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"strings"
)

// environment makes govulncheck judge the standard library as that of the toolchain
// which go.mod names, where that is newer than this machine's: a release is built
// with it.
func (c check) environment(ctx context.Context) ([]string, error) {
	read := exec.CommandContext(ctx, "go", "-C", c.root, "mod", "edit", "-json") //nolint:gosec // a flag of this program
	read.Env = append(os.Environ(), "GOTOOLCHAIN=local")                         // any can read it, and the one it names may not be had
	out, err := read.Output()
	if err != nil {
		return nil, fmt.Errorf("reading go.mod in %s: %w", c.root, err)
	}
	var file struct{ Toolchain string }
	if err := json.Unmarshal(out, &file); err != nil {
		return nil, err
	}
	here, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return nil, fmt.Errorf("asking Go for its version: %w", err)
	}
	local := strings.TrimSpace(string(here))
	if version.Compare(file.Toolchain, local) <= 0 {
		return os.Environ(), nil
	}
	_, err = fmt.Fprintf(c.out, "the standard library is judged as that of %s, go.mod's toolchain, and not as this machine's, %s\n", file.Toolchain, local)
	return append(os.Environ(), "GOTOOLCHAIN=local", "GOVERSION="+file.Toolchain), err
}
