package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate/exception"
)

func newExceptions(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exceptions",
		Short: "Check, prune and add exceptions",
		Args:  knownCommand, SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newExceptionsLint(io), newExceptionsPrune(io), newExceptionsAdd(io))
	return cmd
}

// exceptionFiles are the files that a command is about, and what holds for them.
type exceptionFiles struct {
	config *config.Config // that of --config, else what holds without one
	dir    string         // that files are relative to
	files  []string
}

// exceptionFilesOf are those named, else those of the configuration. Whose rules
// hold, the configuration says, also for files that it does not name.
func exceptionFilesOf(configuration string, named []string) (exceptionFiles, error) {
	list := exceptionFiles{config: config.Default(), files: named}
	if configuration != "" {
		c, err := config.LoadAlone(configuration)
		if err != nil {
			return list, err
		}
		list.config = c
	}
	switch {
	case len(named) > 0:
		return list, nil
	case configuration == "":
		return list, errors.New("no exception files: name them, or the configuration that does with --config")
	case len(list.config.Exceptions.Files) == 0:
		return list, fmt.Errorf("%s names no exception files (exceptions.files)", configuration)
	}
	list.dir, list.files = filepath.Dir(configuration), list.config.Exceptions.Files
	return list, nil
}

// writeEntries puts an exception file's new content in the place of the old one.
func writeEntries(path string, content []byte) error {
	if err := replaceFile(path, content); err != nil {
		return fmt.Errorf("%s: cannot be written: %w", path, err)
	}
	return nil
}

func (l exceptionFiles) rules() exception.Rules { return l.config.Exceptions.Rules() }

// path is where a file is.
func (l exceptionFiles) path(file string) string {
	if l.dir == "" {
		return file
	}
	return exception.Locate(l.dir, file)
}
