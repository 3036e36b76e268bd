package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// shortest is the least time in which there is a main phase between warming up and
// two quiet moments.
const shortest = 10 * time.Second

// parse reads the command line. Its error is a sentence for who wrote it; that of -h
// is flag.ErrHelp, when out has the flags.
func parse(args []string, out io.Writer) (s settings, broken string, err error) {
	s.quiet = 3 * time.Second
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // one sentence is enough of a wrong flag
	flags.DurationVar(&s.length, "for", 5*time.Minute, "how long")
	flags.Uint64Var(&s.seed, "seed", 1, "of all that is random; what is asked when still depends on the machine")
	flags.IntVar(&s.clients, "clients", 8, "who send reviews at the same time")
	flags.DurationVar(&s.pace, "pace", 40*time.Millisecond, "between two reviews of one of them")
	flags.StringVar(&s.binary, "binary", "", "built with the tag faults; empty: it is built")
	flags.StringVar(&broken, "broken", "", "instead, break the gate in each way whose name has this in it (\"all\": in every way), and want that to be seen")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(out)
			flags.PrintDefaults()
			return s, "", err
		}
		return s, "", fmt.Errorf("%w; -h lists the flags", err)
	}
	if flags.NArg() > 0 {
		return s, "", fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return s, broken, s.check(broken)
}

// check refuses what would soak nothing, or something else than is meant.
func (s settings) check(broken string) error {
	switch {
	case s.length <= 0:
		return fmt.Errorf("-for %s: write a positive time, such as 5m", s.length)
	case s.length < shortest:
		return fmt.Errorf("-for %s: too short to warm up and to soak; write %s or more", s.length, shortest)
	case s.clients < 1:
		return fmt.Errorf("-clients %d: write 1 or more", s.clients)
	case s.pace <= 0:
		return fmt.Errorf("-pace %s: write a positive time, such as 40ms", s.pace)
	case broken != "" && s.binary != "":
		return errors.New("-broken builds its own binaries: leave out -binary")
	case broken != "" && len(ways(broken)) == 0:
		names := make([]string, len(faults))
		for i, f := range faults {
			names[i] = f.name
		}
		return fmt.Errorf("-broken %s: no way to break the gate has this in its name; there are: %s", broken, strings.Join(names, "; "))
	case s.binary == "":
		return nil
	}
	info, err := os.Stat(s.binary)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("-binary %s: there is no such file; without the flag one is built", s.binary)
	case err != nil:
		return fmt.Errorf("-binary %s: %w", s.binary, err)
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return fmt.Errorf("-binary %s: this is no program; without the flag one is built", s.binary)
	}
	return nil
}

// ways are the faults that a name is part of; all: every one.
func ways(name string) []fault {
	return slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return name != "all" && !strings.Contains(f.name, name) })
}
