package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// A benchmark that nobody runs rots. This runs all of it in a glance: every part
// measures, the page is written and the plot is drawn. The Lambda function's part,
// which compiles the program, is left to make bench.
func TestGlance(t *testing.T) {
	ctrllog.SetLogger(logr.Discard())
	dir := t.TempDir()
	for _, plot := range []string{"bench.svg", "bench.png"} {
		only := "memory"
		if plot == "bench.svg" {
			only = strings.Join(partNames()[:len(parts)-1], ",")
		}
		var out bytes.Buffer
		if err := run(t.Context(), &out, quick(), only, filepath.Join(dir, plot)); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		drawn, err := os.ReadFile(filepath.Join(dir, plot))
		if err != nil || len(drawn) < 1000 {
			t.Errorf("%s: %d bytes, %v", plot, len(drawn), err)
		}
		if only == "memory" {
			continue
		}
		for _, want := range []string{"| hot | 64 |", "| cold | 16 |", "| 300 | **2** |", "| index of 10 platforms, enhanced | 1 | 10 | **11** | 0 |", "| 64 |", "| 10000 | 100 |", "### policies"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in\n%s", want, out.String())
			}
		}
	}
}

// What has no plot is measured all the same: make bench always asks for one.
func TestNoPlot(t *testing.T) {
	ctrllog.SetLogger(logr.Discard())
	plot := filepath.Join(t.TempDir(), "bench.svg")
	if err := run(t.Context(), &bytes.Buffer{}, quick(), "calls", plot); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(plot); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a plot of nothing is drawn: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"-only nosuch":     `there is no part "nosuch"; the parts are webhook, bursts, `,
		"-into nofile.md":  "-into: open nofile.md: ",
		"-into go.mod":     "-into: go.mod has no place for figures",
		"-plot bench.jpeg": "-plot bench.jpeg: a plot is .svg or .png",
		"-rounds 0":        "-rounds 0: write 1 or more",
		"-round 0s":        "-round 0s: write a positive time, such as 500ms",
		"-images -1":       "-images -1: write 100 or more",
		"extra":            `unexpected argument "extra"`,
		"-nosuch":          "flag provided but not defined: -nosuch; -h lists the flags",
	} {
		var out bytes.Buffer
		if _, err := parse(strings.Fields(args), &out); err == nil || !strings.HasPrefix(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%s: %v, %q", args, err, out.String())
		}
	}
	if o, err := parse([]string{"-quick", "-only", "calls,bursts"}, nil); err != nil || o.rounds != 1 {
		t.Errorf("the right flags: %+v, %v", o, err)
	}
}

// A step that is not linear is told from costs that are there whatever the size.
func TestSteps(t *testing.T) {
	for name, c := range map[string]struct {
		cost  func(n float64) float64
		steps int // sizes that are marked
	}{
		"linear":              {func(n float64) float64 { return 3 * n }, 0},
		"constant and linear": {func(n float64) float64 { return 1000 + n }, 0},
		"quadratic":           {func(n float64) float64 { return n * n }, 3},
		"quadratic at last":   {func(n float64) float64 { return 1000*n + n*n }, 2},
	} {
		var grows curve
		for _, n := range []int{10, 100, 1_000, 10_000} {
			grows.add(n, c.cost(float64(n)))
		}
		marked := 0
		for i := range grows.points {
			if marks(i, grows) != "linear" {
				marked++
			}
		}
		if marked != c.steps {
			t.Errorf("%s: %d sizes are marked, want %d", name, marked, c.steps)
		}
	}
}

func TestInsert(t *testing.T) {
	name := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(name, []byte("# Page\n"+begin+"old\n"+end+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := insert(name, "# Title\n\nnew\n"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if want := "# Page\n" + begin + "\nnew\n\n" + end + "after\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if err := os.WriteFile(name, []byte("# Page\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := insert(name, "# Title\n\nnew\n"); err == nil {
		t.Error("a page without a place for figures is written into")
	}
}
