package crash_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// mount is a folder as the kubelet mounts a ConfigMap or a Secret: each file is a
// symlink by way of ..data, which is another one, to the folder of a version.
type mount struct {
	t       *testing.T
	dir     string
	version int
}

func newMount(t *testing.T, files map[string]string) *mount {
	t.Helper()
	m := &mount{t: t, dir: t.TempDir()}
	m.swap(files)
	for name := range files {
		m.must(os.Symlink(filepath.Join("..data", name), m.path(name)))
	}
	return m
}

func (m *mount) path(name string) string { return filepath.Join(m.dir, name) }

// swap puts a new version in the place of the old one, all of its files at once.
func (m *mount) swap(files map[string]string) {
	m.t.Helper()
	old, _ := os.Readlink(m.path("..data")) // none, at first
	m.version++
	now := fmt.Sprintf("..version_%d", m.version)
	m.must(os.Mkdir(m.path(now), 0o755))
	for name, text := range files {
		m.must(os.WriteFile(m.path(filepath.Join(now, name)), []byte(text), 0o600))
	}
	m.must(os.Symlink(now, m.path("..data_tmp")))
	m.must(os.Rename(m.path("..data_tmp"), m.path("..data")))
	if old != "" {
		m.must(os.RemoveAll(m.path(old)))
	}
}

func (m *mount) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}
