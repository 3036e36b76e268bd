package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

type addFlags struct {
	config, file, expires string
	draft                 exception.Draft
}

func newExceptionsAdd(io streams) *cobra.Command {
	var flags addFlags
	cmd := &cobra.Command{
		Use:   "add --file FILE --id CVE",
		Short: "Add an exception to a file",
		Long: `Add an exception to a YAML file, which is made if it is not there. Nothing else in
it changes. An entry that lint would find fault with, that lacks what the
configuration requires, or that another one covers already is refused.`,
		Example: `  ecr-gate exceptions add --config ecr-gate.yaml --file exceptions.yaml \
    --id CVE-2026-2201 --package libxml2 --repository 'shop/*' \
    --statement 'we never parse XML from outside' --expires 30d --owner team-legacy --ticket SEC-123`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return addException(io, flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.config, "config", "", "configuration file: what it requires, and its other exception files")
	f.StringVar(&flags.file, "file", "", "file to add to, as exceptions.yaml")
	f.StringVar(&flags.draft.ID, "id", "", "vulnerability, as CVE-2026-2201; may be left out where packages are named")
	f.StringArrayVar(&flags.draft.Packages, "package", nil, "package it is for, NAME or NAME@VERSION; may be repeated (default: any)")
	f.StringArrayVar(&flags.draft.Repositories, "repository", nil, "glob of repositories it is for; may be repeated (default: any)")
	f.StringVar(&flags.draft.Statement, "statement", "", "why it is tolerable")
	f.StringVar(&flags.expires, "expires", "", "when it expires: days from now, as 30d, or a date (default: never)")
	f.StringVar(&flags.draft.Owner, "owner", "", "who looks after it")
	f.StringVar(&flags.draft.Ticket, "ticket", "", "where it is discussed")
	return cmd
}

func addException(io streams, flags addFlags) error {
	if flags.file == "" {
		return errors.New("add needs --file: the exception file to add to")
	}
	now := time.Now()
	var err error
	if flags.draft.ExpiresAt, err = expiry(flags.expires, now); err != nil {
		return err
	}
	list, err := exceptionFilesOf(flags.config, []string{flags.file})
	if err != nil {
		return err
	}
	others, listed, err := otherEntries(flags, list, now)
	if err != nil {
		return err
	}
	data, err := strict.ReadFile(flags.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", flags.file, err)
	}
	content, added, err := exception.Add(flags.file, data, flags.draft, list.rules(), others, now)
	if err != nil {
		return err
	}
	if err := writeEntries(flags.file, content); err != nil {
		return err
	}
	text := gate.Clean(added.Source) + " added, without an end\n"
	if !added.ExpiresAt.IsZero() {
		text = gate.Clean(added.Source) + " added, expires at " + added.ExpiresAt.Format(time.RFC3339) + "\n"
	}
	if flags.config != "" && !listed {
		text += gate.Clean(flags.config) + " does not name the file: add it to exceptions.files\n"
	}
	if _, err := fmt.Fprint(io.out, text); err != nil {
		return failed{err}
	}
	return nil
}

// otherEntries are those of the configuration's other files; listed says that the
// one to add to is among its files.
func otherEntries(flags addFlags, list exceptionFiles, now time.Time) (others []gate.Exception, listed bool, err error) {
	dir := filepath.Dir(flags.config)
	var files []string
	for _, file := range list.config.Exceptions.Files {
		if sameFile(exception.Locate(dir, file), flags.file) {
			listed = true
		} else {
			files = append(files, file)
		}
	}
	others, err = exception.Load(dir, files, list.rules(), now)
	return others, listed, err
}

func sameFile(a, b string) bool {
	a, b = filepath.Clean(a), filepath.Clean(b)
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return a == b || errA == nil && errB == nil && absA == absB
}

// expiry reads days from now, of which the last one is not begun, or a date.
func expiry(written string, now time.Time) (time.Time, error) {
	if written == "" {
		return time.Time{}, nil
	}
	const most = 36500 // a hundred years
	if number, ok := strings.CutSuffix(written, "d"); ok {
		if days, err := strconv.Atoi(number); err == nil && days > 0 && days <= most {
			return now.UTC().AddDate(0, 0, days).Truncate(24 * time.Hour), nil
		}
	}
	at, err := strict.Instant(written)
	if err != nil {
		return at, fmt.Errorf("--expires %s: write days from now, as 30d, or a date, as 2026-12-31", strict.Quote(written))
	}
	return at, nil
}
