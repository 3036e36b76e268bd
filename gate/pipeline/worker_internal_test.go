package pipeline

import (
	"testing"
	"time"
)

// However AWS fares, a worker never asks more often than it was told to.
func TestPause(t *testing.T) {
	for name, tc := range map[string]struct {
		interval time.Duration
		failures int
		more     bool
		want     time.Duration
	}{
		"nothing to do":         {5 * time.Second, 0, false, 5 * time.Second},
		"likely more to fetch":  {5 * time.Second, 0, true, 500 * time.Millisecond},
		"a failure":             {5 * time.Second, 1, false, 10 * time.Second},
		"several":               {5 * time.Second, 3, false, 40 * time.Second},
		"many":                  {5 * time.Second, 1000, false, time.Minute},
		"a failure, polls rare": {5 * time.Minute, 1, false, 5 * time.Minute},
	} {
		if got := pause(tc.interval, tc.failures, tc.more); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
