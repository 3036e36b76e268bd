package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// hierarchies are the cgroup file systems of this machine: one for each controller
// with version 1, a single one with version 2.
func hierarchies() []string {
	if present("/sys/fs/cgroup/cgroup.controllers") {
		return []string{"/sys/fs/cgroup"}
	}
	entries, _ := os.ReadDir("/sys/fs/cgroup")
	var folders []string
	for _, entry := range entries {
		folder := "/sys/fs/cgroup/" + entry.Name()
		if entry.IsDir() && present(folder+"/cgroup.procs") {
			folders = append(folders, folder)
		}
	}
	return folders
}

func present(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// makeCgroups makes the bed's cgroup in each hierarchy: the kubelet does not.
func makeCgroups() error {
	for _, hierarchy := range hierarchies() {
		folder := filepath.Join(hierarchy, Cgroup)
		if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, os.ErrExist) { //nolint:gosec // as the kubelet makes its own
			return err
		}
		if err := delegate(hierarchy); err != nil {
			return err
		}
		if err := inherit(hierarchy, folder); err != nil {
			return err
		}
	}
	return nil
}

// delegate hands each controller of version 2 down to children.
func delegate(hierarchy string) error {
	controllers, err := os.ReadFile(filepath.Join(hierarchy, "cgroup.controllers")) //nolint:gosec // a cgroup file
	if err != nil {
		return nil // version 1 has no such file and needs nothing
	}
	for controller := range strings.FieldsSeq(string(controllers)) {
		control := filepath.Join(hierarchy, "cgroup.subtree_control")
		if err := os.WriteFile(control, []byte("+"+controller), 0o600); err != nil {
			return fmt.Errorf("enabling the cgroup controller %s: %w", controller, err)
		}
	}
	return nil
}

// inherit copies what a cpuset of version 1 does not: without it no process may
// enter.
func inherit(hierarchy, folder string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(hierarchy, file)) //nolint:gosec // a cgroup file
		if err != nil {
			continue // not the cpuset hierarchy
		}
		if err := os.WriteFile(filepath.Join(folder, file), value, 0o600); err != nil { //nolint:gosec // a cgroup file
			return err
		}
	}
	return nil
}
