package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/mod/module"
)

// The database's source, which is a Go module. A newer version knows more:
// go list -m golang.org/x/vulndb@latest
const (
	copyPath    = "golang.org/x/vulndb"
	copyVersion = "v0.0.0-20261105234957-e22db6528018"
)

// copied is the folder of the database's copy, and the day it is of.
func copied(ctx context.Context) (string, time.Time, error) {
	of, err := module.PseudoVersionTime(copyVersion)
	if err != nil {
		return "", time.Time{}, err
	}
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", copyPath+"@"+copyVersion).Output()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("downloading %s: %w", copyPath, err)
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(out, &downloaded); err != nil {
		return "", time.Time{}, err
	}
	return filepath.Join(downloaded.Dir, "data", "osv"), of, nil
}
