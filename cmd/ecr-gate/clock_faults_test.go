//go:build faults

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A wall clock that is set wrong says another hour and measures as before; time that
// passed unseen does both.
func TestClock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	t.Setenv(envClock, file)
	now := clock()
	turn := func(text string) (said, measured time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var at time.Time
		for time.Since(begin) < 2*lookEvery {
			at = now()
		}
		return at.Round(0).Sub(begin.Round(0)).Round(time.Second), at.Sub(begin).Round(time.Second)
	}
	for text, want := range map[string][2]time.Duration{
		"0s 0s":   {0, 0},
		"0s 2h":   {2 * time.Hour, 0},
		"0s -3h":  {-3 * time.Hour, 0},
		"11m 0s":  {11 * time.Minute, 11 * time.Minute},
		"11m -1h": {-49 * time.Minute, 11 * time.Minute},
		"0s 0s\n": {0, 0},
	} {
		if said, measured := turn(text); said != want[0] || measured != want[1] {
			t.Errorf("%q: says %s, measures %s", text, said, measured)
		}
	}
	before, _ := turn("1h 0s")
	if after, _ := turn("nonsense"); after != before {
		t.Errorf("nonsense turns the clock to %s", after)
	}
}
