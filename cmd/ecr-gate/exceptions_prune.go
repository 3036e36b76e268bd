package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

type pruneFlags struct {
	config string
	unused []string
	policy string
	dryRun bool
}

func newExceptionsPrune(io streams) *cobra.Command {
	var flags pruneFlags
	cmd := &cobra.Command{
		Use:   "prune [FILE...]",
		Short: "Take out exceptions that have expired, or that nothing needs",
		Long: `Take out of exception files what has expired and, with --unused-in, what applies to
those images and fits no finding in any of them. All else stays as it is written:
order, comments and blank lines. Without files, those that the configuration
names. OpenVEX documents are left alone.

Nothing is changed unless every file can be read and every image be judged. Name
every image that counts: what fits a finding in none of them goes.

Exit codes: 0 done, if only that there was nothing to do, 2 a file or the command
is wrong, 3 an image could not be judged.`,
		Example: `  ecr-gate exceptions prune --dry-run --config ecr-gate.yaml
  ecr-gate exceptions prune --config ecr-gate.yaml --unused-in REGISTRY/shop/web:1.4,REGISTRY/shop/api:2.0`,
		RunE: func(cmd *cobra.Command, args []string) error { return pruneExceptions(cmd.Context(), io, flags, args) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.config, "config", "", "configuration file: its exception files and its policies")
	f.StringSliceVar(&flags.unused, "unused-in", nil, "images; takes out what applies to some of them and fits no finding in any")
	f.StringVar(&flags.policy, "policy", "", "policy to judge the images by (default: the first that matches)")
	f.BoolVar(&flags.dryRun, "dry-run", false, "say what would go, and change nothing")
	return cmd
}

func pruneExceptions(ctx context.Context, io streams, flags pruneFlags, args []string) error {
	for _, image := range flags.unused {
		if err := mustBeReference(image); err != nil {
			return err
		}
	}
	list, err := exceptionFilesOf(flags.config, args)
	if err != nil {
		return err
	}
	now := time.Now()
	files, err := readPrunables(list, now)
	if err != nil {
		return err
	}
	if err := files.markUnused(ctx, list, flags); err != nil {
		return err
	}
	files.markExpired(now)
	var b strings.Builder
	if err := files.prune(&b); err != nil {
		return err
	}
	removed, changed := 0, 0
	for _, file := range files {
		if file.removed == 0 {
			continue
		}
		removed, changed = removed+file.removed, changed+1
		if flags.dryRun {
			continue
		}
		if err := writeEntries(file.path, file.data); err != nil {
			return err
		}
	}
	did := "removed"
	if flags.dryRun {
		did = "would be removed"
	}
	fmt.Fprintf(&b, "%s %s from %s\n", count(removed, "entry", "entries"), did, count(changed, "file", "files"))
	if _, err := fmt.Fprint(io.out, b.String()); err != nil {
		return failed{err}
	}
	return nil
}
