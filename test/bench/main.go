// Command bench measures the webhook beside its floor: the same server with a
// handler that allows everything. It prints a Markdown table.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// settings say how long to measure.
type settings struct {
	rounds int           // of floor and gate in turn
	round  time.Duration // of one side at one number of clients
	images int           // most images that memory is measured with
}

func main() {
	ctrllog.SetLogger(logr.Discard()) // its own lines are none of ours
	debug.SetGCPercent(400)           // as serve does; it holds for both sides
	var s settings
	flag.IntVar(&s.rounds, "rounds", 5, "rounds of floor and gate in turn; the median counts")
	flag.DurationVar(&s.round, "round", time.Second, "how long one side is measured in a round")
	flag.IntVar(&s.images, "images", 10_000, "the most images to measure memory with")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, s); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, s settings) error {
	_, _ = fmt.Fprintf(out, "# The webhook beside its floor\n\n%s, %s/%s, %d CPUs; client and server in one process, TLS, HTTP/1.1.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	for _, part := range []func(context.Context, io.Writer, settings) error{
		throughput, burst, manyImages, zipf, memory, lambdaFunction,
	} {
		if err := part(ctx, out, s); err != nil {
			return err
		}
	}
	return ctx.Err()
}
