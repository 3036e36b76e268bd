package crash_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// figures are what was measured, by what it is.
var figures struct {
	sync.Mutex
	times map[string][]time.Duration
	sizes map[string]int
}

// note keeps a time; of several the range is shown. Zero: there was nothing to wait
// for.
func note(what string, took time.Duration) {
	figures.Lock()
	defer figures.Unlock()
	if figures.times == nil {
		figures.times = map[string][]time.Duration{}
	}
	if took > 0 {
		figures.times[what] = append(figures.times[what], took)
	}
}

// noteSize keeps a number of bytes.
func noteSize(what string, bytes int) {
	figures.Lock()
	defer figures.Unlock()
	if figures.sizes == nil {
		figures.sizes = map[string]int{}
	}
	figures.sizes[what] = bytes
}

// writeFigures writes a Markdown table to the file that CRASH names.
func writeFigures() error {
	if !everything() {
		return nil
	}
	figures.Lock()
	defer figures.Unlock()
	var b strings.Builder
	b.WriteString("| measured | |\n|---|---|\n")
	for _, what := range slices.Sorted(maps.Keys(figures.times)) {
		all := figures.times[what]
		shortest, longest := slices.Min(all).Round(10*time.Millisecond), slices.Max(all).Round(10*time.Millisecond)
		if len(all) == 1 {
			fmt.Fprintf(&b, "| %s | %s |\n", what, longest)
			continue
		}
		fmt.Fprintf(&b, "| %s | %s to %s (%d times) |\n", what, shortest, longest, len(all))
	}
	for _, what := range slices.Sorted(maps.Keys(figures.sizes)) {
		fmt.Fprintf(&b, "| %s | %d MiB |\n", what, figures.sizes[what]>>20)
	}
	return os.WriteFile(os.Getenv("CRASH"), []byte(b.String()), 0o644)
}
