package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

type lintFlags struct {
	config string
	soon   time.Duration
}

func newExceptionsLint(io streams) *cobra.Command {
	var flags lintFlags
	cmd := &cobra.Command{
		Use:   "lint [FILE...]",
		Short: "Find what is wrong with exception files, and what is of no use in them",
		Long: `Find what is wrong with exception files, and what is of no use in them: entries
that have expired or soon will, and those that an earlier one covers or repeats.
Without files, those that the configuration names. Its exceptions.require and
exceptions.maxLifetime hold for all of them.

Exit codes: 0 nothing was found, 1 entries want attention, 2 a file is wrong.`,
		Example: `  ecr-gate exceptions lint --config ecr-gate.yaml
  ecr-gate exceptions lint .trivyignore.yaml`,
		RunE: func(_ *cobra.Command, args []string) error { return lintExceptions(io, flags, args) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.config, "config", "", "configuration file: its exception files, and its rules for them")
	f.DurationVar(&flags.soon, "soon", gate.SoonExpiring, "how long before its end an entry is named; 0: not at all")
	return cmd
}

func lintExceptions(io streams, flags lintFlags, args []string) error {
	if flags.soon < 0 {
		return fmt.Errorf("--soon %s: write 0 or a positive time, such as 336h", flags.soon)
	}
	list, err := exceptionFilesOf(flags.config, args)
	if err != nil {
		return err
	}
	now := time.Now()
	entries, faults := exception.LoadEach(list.dir, list.files, list.rules(), now)
	remarks := exception.Lint(entries, now, flags.soon)
	var b strings.Builder
	for _, r := range remarks {
		b.WriteString(r.String() + "\n")
	}
	b.WriteString(lintSummary(entries, remarks, len(list.files), unreadFiles(list.files, faults)) + "\n")
	if _, err := fmt.Fprint(io.out, b.String()); err != nil {
		return failed{err}
	}
	switch {
	case len(faults) > 0:
		return faults
	case len(remarks) > 0:
		return exit(exitDenied)
	default:
		return nil
	}
}

// unreadFiles counts the files of which no entry was read.
func unreadFiles(files []string, faults strict.Faults) int {
	n := 0
	for _, file := range files {
		if slices.ContainsFunc(faults, func(f strict.Fault) bool { return f.File == file }) {
			n++
		}
	}
	return n
}

func lintSummary(entries []gate.Exception, remarks []exception.Remark, files, unread int) string {
	text := fmt.Sprintf("%s in %s", count(len(entries), "entry", "entries"), count(files-unread, "file", "files"))
	n := map[exception.RemarkKind]int{}
	for _, r := range remarks {
		n[r.Kind]++
	}
	parts := []string{}
	for _, kind := range []exception.RemarkKind{exception.Expired, exception.Expiring, exception.Shadowed, exception.Duplicate} {
		if n[kind] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[kind], kind))
		}
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	if unread > 0 {
		text += fmt.Sprintf("; %s could not be read", count(unread, "file", "files"))
	}
	return text
}

func count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
