package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "e.yaml"), filepath.Join(dir, "link.yaml")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil { //nolint:gosec // the mode that has to stay
		t.Fatal(err)
	}
	if err := os.Symlink("e.yaml", link); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	info, _ := os.Stat(path)
	target, _ := os.Readlink(link)
	if string(data) != "new" || info.Mode().Perm() != 0o640 || target != "e.yaml" {
		t.Errorf("%q, %s, link to %q", data, info.Mode(), target)
	}
	fresh := filepath.Join(dir, "fresh.yaml")
	if err := replaceFile(fresh, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(fresh); err != nil || info.Mode().Perm() != 0o644 {
		t.Error(info, err)
	}
	for path, want := range map[string]string{
		dir:                                "is not a regular file",
		filepath.Join(dir, "no", "e.yaml"): "no such file or directory",
		filepath.Join(path, "e.yaml"):      "not a directory",
	} {
		if err := replaceFile(path, nil); err == nil || err.Error() != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := renameOver(folder, nil, 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 4 {
		t.Errorf("left behind: %v", left)
	}
}
