// Command bench measures ecr-gate: the webhook beside its floor, what it asks of
// AWS, what it holds in memory, jobs, and how costs grow. It prints Markdown tables
// and draws a plot. docs/performance.md says what the figures mean.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// settings say how long to measure.
type settings struct {
	rounds int           // of floor and gate in turn
	round  time.Duration // of one side at one number of clients
	images int           // most images that memory is measured with
	jobs   []int         // queued
	starts int           // of the Lambda function's process
}

// thorough is what docs/performance.md was measured with.
func thorough() settings {
	return settings{rounds: 5, round: 500 * time.Millisecond, images: 10_000, jobs: []int{1, 10, 100, 1_000}, starts: 10}
}

// quick is enough to see that everything still measures.
func quick() settings {
	return settings{rounds: 1, round: 50 * time.Millisecond, images: 1_000, jobs: []int{1, 4, 16, 64}, starts: 1}
}

// figures is where they go.
type figures struct {
	io.Writer
	panels []panel // of the plot
}

func (r *figures) printf(format string, values ...any) { _, _ = fmt.Fprintf(r, format, values...) }

// parts are what is measured, by the names that -only takes.
var parts = []struct {
	name    string
	measure func(context.Context, *figures, settings) error
}{
	{"webhook", throughput},
	{"bursts", bursts},
	{"images", manyImages},
	{"calls", callsByKind},
	{"memory", memory},
	{"jobs", jobs},
	{"findings", findings},
	{"growth", growth},
	{"lambda", lambdaFunction},
}

func main() {
	o, err := parse(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctrllog.SetLogger(logr.Discard()) // its own lines are none of ours
	debug.SetGCPercent(400)           // as serve does; it holds for both sides
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // another one ends it at once
	var text strings.Builder
	err = run(ctx, io.MultiWriter(os.Stdout, &text), o.settings, o.only, o.plot)
	if err == nil && o.page != "" {
		err = insert(o.page, text.String())
	}
	if ctx.Err() != nil && err != nil {
		err = errors.New("interrupted") // whatever else it led to
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures the parts that only names, or all, and draws what of them can be
// drawn.
func run(ctx context.Context, out io.Writer, s settings, only, picture string) error {
	wanted := strings.Split(only, ",")
	r := &figures{Writer: out}
	began := time.Now()
	r.printf("# Figures of ecr-gate\n\n%s, %s/%s, %s, %d CPUs. Client, server and AWS are in one process.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, processor(), runtime.GOMAXPROCS(0))
	for _, part := range parts {
		if only != "" && !slices.Contains(wanted, part.name) {
			continue
		}
		if err := part.measure(ctx, r, s); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	r.printf("\n%.0f s in all.\n", time.Since(began).Seconds())
	switch {
	case picture == "":
		return nil
	case len(r.panels) == 0:
		_, _ = fmt.Fprintf(os.Stderr, "bench: %s: these parts have no plot, so %s is not drawn\n", only, picture)
		return nil
	}
	return paint(r.panels, picture)
}

func partNames() []string {
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = part.name
	}
	return names
}

// processor is the model's name, as far as the system tells.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				return strings.Trim(name, "\t :\n")
			}
		}
	}
	return "unknown processor"
}
