// Command soak runs the real binary, both doors of it, against an AWS that
// misbehaves, and holds every answer against what is true of the images. It prints a
// Markdown table, and ends with 1 where an answer was wrong, with 2 where it was
// called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

func main() {
	s, broken, err := parse(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		_, _ = fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // another one ends it at once
	began := time.Now()
	p := &progress{out: os.Stderr, rewrites: term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("NO_COLOR") == ""}
	if broken == "" {
		err = run(ctx, os.Stdout, p, s)
	} else {
		err = prove(ctx, os.Stdout, p, s, broken)
	}
	p.end()
	if ctx.Err() != nil && err != nil { // whatever else it led to
		err = fmt.Errorf("interrupted after %s", time.Since(began).Round(time.Second))
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}
