package config

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// watched is a watch under way, and what it reported.
type watched struct {
	t    *testing.T
	good chan *Config
	bad  chan error
}

func watch(t *testing.T, path string, recheck time.Duration) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{t: t, good: make(chan *Config, 100), bad: make(chan error, 100)}
	inner := watcher{
		path: path, now: func() time.Time { return now },
		onGood: func(c *Config) { w.good <- c },
		onBad:  func(err error) { w.bad <- err },
	}
	done := make(chan error)
	go func() { done <- inner.run(ctx, time.Millisecond, recheck) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		goleak.VerifyNone(t)
	})
	return w
}

// provider waits for a good version of which the action type's provider tells
// which it is. Versions in between are passed over: a save may be seen halfway.
func (w *watched) provider(want string) {
	w.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case c := <-w.good:
			if c.Pipeline.ActionType.Provider == want {
				return
			}
		case <-deadline:
			w.t.Fatalf("no version %s", want)
		}
	}
}

func (w *watched) fault(want string) {
	w.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case err := <-w.bad:
			if strings.Contains(err.Error(), want) {
				return
			}
		case <-deadline:
			w.t.Fatalf("no fault %q", want)
		}
	}
}

func version(provider string) string {
	return header + "pipeline: {actionType: {provider: " + provider + "}}\n"
}

func write(t *testing.T, path, text string) {
	t.Helper()
	// As editors and careful programs do: never half a file.
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestWatchReportsGoodAndBad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ecr-gate.yaml")
	write(t, path, version("one"))
	w := watch(t, path, time.Hour)
	w.provider("one")
	write(t, path, version("two"))
	w.provider("two")
	write(t, path, version("two words"))
	w.fault("is no provider")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.fault("no such file")
	write(t, path, version("three"))
	w.provider("three")
}

func TestWatchInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ecr-gate.yaml")
	write(t, path, version("one"))
	w := watch(t, path, time.Hour)
	w.provider("one")
	if err := os.WriteFile(path, []byte(version("two")), 0o644); err != nil {
		t.Fatal(err)
	}
	w.provider("two")
}

// TestWatchExceptionFiles covers a file in another folder that comes to be named
// by a version which is bad because the file is not there yet.
func TestWatchExceptionFiles(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	path, ignore := filepath.Join(dir, "ecr-gate.yaml"), filepath.Join(other, ".trivyignore")
	write(t, path, version("one"))
	w := watch(t, path, time.Hour)
	w.provider("one")
	write(t, path, version("two")+"exceptions: {files: ["+ignore+"]}\n")
	w.fault("no such file")
	write(t, ignore, "CVE-2024-1\n")
	w.provider("two")
	write(t, ignore, "CVE-2024-1 exp:soon\n")
	w.fault("is no date")
	write(t, ignore, "CVE-2024-1\nCVE-2024-2\n")
	if c := <-w.good; len(c.GateExceptions()) != 2 {
		t.Errorf("got %d exceptions, want 2", len(c.GateExceptions()))
	}
}

// TestWatchConfigMap swaps a mounted ConfigMap as the kubelet does.
func TestWatchConfigMap(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ecr-gate.yaml")
	swap := func(provider string) {
		t.Helper()
		data := filepath.Join(dir, "..2026_"+provider)
		if err := os.Mkdir(data, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(data, "ecr-gate.yaml"), version(provider))
		if err := os.Symlink(filepath.Base(data), filepath.Join(dir, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	swap("one")
	if err := os.Symlink(filepath.Join("..data", "ecr-gate.yaml"), path); err != nil {
		t.Fatal(err)
	}
	w := watch(t, path, time.Hour)
	w.provider("one")
	swap("two")
	w.provider("two")
	if err := os.RemoveAll(filepath.Join(dir, "..2026_one")); err != nil {
		t.Fatal(err)
	}
	swap("three")
	w.provider("three")
}

// TestWatchLooksRegularly covers a change that no notification reaches: the file
// is a symlink into a folder that is not watched.
func TestWatchLooksRegularly(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	path, target := filepath.Join(dir, "ecr-gate.yaml"), filepath.Join(other, "real.yaml")
	write(t, target, version("one"))
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	w := watch(t, path, 5*time.Millisecond)
	w.provider("one")
	write(t, target, version("two"))
	w.provider("two")
}

func TestWatchReportsAVersionOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ecr-gate.yaml")
	good, bad := 0, 0
	w := watcher{
		path: path, now: func() time.Time { return now },
		onGood: func(*Config) { good++ },
		onBad:  func(error) { bad++ },
	}
	for i, step := range []struct {
		text      string
		good, bad int
	}{
		{version("one"), 1, 0},
		{version("one"), 1, 0}, // the same again
		{version("one") + "# a comment is a change", 2, 0},
		{version("two words"), 2, 1},
		{version("two words") + "# bad for the same reason", 2, 2},
		{version("two"), 3, 2},
	} {
		write(t, path, step.text)
		w.check()
		w.check()
		if good != step.good || bad != step.bad {
			t.Errorf("step %d: reported %d good and %d bad, want %d and %d", i, good, bad, step.good, step.bad)
		}
	}
}

// A version is refused for what passes without a change of any file: it is read
// again, and told of once.
func TestWatchReadsABadVersionAgain(t *testing.T) {
	clock := now
	path := filepath.Join(t.TempDir(), "ecr-gate.yaml")
	ignore := filepath.Join(filepath.Dir(path), ".trivyignore")
	write(t, path, version("one")+"exceptions: {files: [.trivyignore], maxLifetime: 24h}\n")
	write(t, ignore, "CVE-2024-1 exp:"+clock.Add(60*time.Hour).Format(time.DateOnly)+"\n")
	away, good := true, 0
	var bad []string
	w := watcher{
		path: path,
		now: func() time.Time { // asked between the two times that the files are read
			if away {
				rename(t, ignore, ignore+".away")
			}
			return clock
		},
		onGood: func(*Config) { good++ },
		onBad:  func(err error) { bad = append(bad, err.Error()) },
	}
	check := func(wantGood, wantBad int, fault string) {
		t.Helper()
		w.check()
		if good != wantGood || len(bad) != wantBad || !strings.Contains(bad[wantBad-1], fault) {
			t.Fatalf("%d good, bad %q; want %d and %d, the last with %q", good, bad, wantGood, wantBad, fault)
		}
	}
	check(0, 1, "no such file")
	away = false
	rename(t, ignore+".away", ignore)
	check(0, 2, "maxLifetime") // another fault of the same version
	clock = clock.Add(time.Minute)
	check(0, 2, "maxLifetime") // the same, though its date has moved
	clock = clock.Add(48 * time.Hour)
	check(1, 2, "")
	check(1, 2, "") // a good one is loaded once
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "ecr-gate.yaml")
	write(t, path, version("one"))
	err := Watch(ctx, path, time.Now, func(*Config) { cancel() }, func(err error) { t.Error(err) })
	if err != nil {
		t.Error(err)
	}
}
