package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// options are what the command line says.
type options struct {
	settings
	only string // parts, between commas; empty: all
	plot string // a file
	page string // a file
}

// fewestImages can be measured in four steps.
const fewestImages = 100

// parse reads the command line. Its error is a sentence for who wrote it; that of -h
// is flag.ErrHelp, when out has the flags.
func parse(args []string, out io.Writer) (options, error) {
	o := options{settings: thorough()}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // one sentence is enough of a wrong flag
	short := flags.Bool("quick", false, "every figure from a glance: to see that all of it works, not to quote")
	flags.StringVar(&o.only, "only", "", "measure these parts: "+strings.Join(partNames(), ","))
	flags.StringVar(&o.plot, "plot", "", "draw the plot into this file, .svg or .png")
	flags.StringVar(&o.page, "into", "", "write the tables into this page too, between its two lines that say figures")
	flags.IntVar(&o.rounds, "rounds", o.rounds, "rounds of floor and gate in turn; the median counts")
	flags.DurationVar(&o.round, "round", o.round, "how long one side is measured in a round")
	flags.IntVar(&o.images, "images", o.images, "the most images to measure memory with")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(out)
			flags.PrintDefaults()
			return o, err
		}
		return o, fmt.Errorf("%w; -h lists the flags", err)
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *short {
		o.settings = quick()
	}
	return o, o.check()
}

// check refuses at once what would fail after minutes of measuring.
func (o options) check() error {
	switch {
	case o.rounds < 1:
		return fmt.Errorf("-rounds %d: write 1 or more", o.rounds)
	case o.round <= 0:
		return fmt.Errorf("-round %s: write a positive time, such as 500ms", o.round)
	case o.images < fewestImages:
		return fmt.Errorf("-images %d: write %d or more", o.images, fewestImages)
	}
	if o.only != "" {
		for name := range strings.SplitSeq(o.only, ",") {
			if !slices.Contains(partNames(), name) {
				return fmt.Errorf("there is no part %q; the parts are %s", name, strings.Join(partNames(), ", "))
			}
		}
	}
	if kind := filepath.Ext(o.plot); o.plot != "" && kind != ".svg" && kind != ".png" {
		return fmt.Errorf("-plot %s: a plot is .svg or .png", o.plot)
	}
	if o.page == "" {
		return nil
	}
	if _, _, err := place(o.page); err != nil {
		return fmt.Errorf("-into: %w", err)
	}
	return nil
}
