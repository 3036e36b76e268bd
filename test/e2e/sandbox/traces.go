package sandbox

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// traces are what a sandbox leaves outside: empty folders that it mounted something
// on, and cgroups.
type traces struct {
	record string // the folder where it is written what was made
}

func (t traces) list() string { return filepath.Join(t.record, "folders.json") }

// make makes the folders that are missing, and writes down which before it does.
func (t traces) make() error {
	var missing []string
	for _, folder := range private {
		if !present(folder) {
			missing = append(missing, folder)
		}
	}
	content, err := json.Marshal(missing)
	if err != nil {
		return err
	}
	if err := os.WriteFile(t.list(), content, 0o600); err != nil {
		return err
	}
	for _, folder := range missing {
		if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // as the programs would make them
			return err
		}
	}
	return nil
}

// remove leaves folders that are not empty: somebody else uses them.
func (t traces) remove() {
	removeCgroups()
	content, err := os.ReadFile(t.list())
	if err != nil {
		return // nothing was made
	}
	var made []string
	if json.Unmarshal(content, &made) != nil {
		return
	}
	for _, folder := range made {
		_ = os.Remove(folder)
	}
	_ = os.Remove(t.list())
}

// removeCgroups removes the cgroups of the bed from each hierarchy, the innermost
// first. Processes that still end in one hold it for a moment.
func removeCgroups() {
	deadline := time.Now().Add(5 * time.Second)
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for left := cgroups(); len(left) > 0 && time.Now().Before(deadline); left = cgroups() {
		for _, folder := range left {
			_ = os.Remove(folder)
		}
		<-retry.C
	}
}

// cgroups are the folders of the bed's cgroups, children before parents.
func cgroups() []string {
	roots, _ := filepath.Glob("/sys/fs/cgroup/*/" + Cgroup)
	roots = append(roots, "/sys/fs/cgroup/"+Cgroup)
	var folders []string
	for _, root := range roots {
		_ = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				folders = append([]string{path}, folders...)
			}
			return nil
		})
	}
	return folders
}
