// Command ecr-gate stops vulnerable images: in the pipeline that builds them and
// in the cluster that would run them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ecr-gate/ecr-gate/gate"
)

// version is set at link time.
var version = "dev"

// The exit codes of every command.
const (
	exitOK       = 0
	exitDenied   = 1
	exitUsage    = 2 // usage and configuration errors
	exitNoAnswer = 3 // Pending or Unavailable
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	io := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	if startedByLambda() {
		serveLambda(ctx, io)
		return
	}
	os.Exit(run(ctx, os.Args[1:], io))
}

// streams are a command's standard input and outputs.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exit ends a command with a code and nothing more to say.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// failed is a fault at work, as opposed to one in how the command was called.
type failed struct{ error }

func run(ctx context.Context, args []string, io streams) int {
	root := newRoot(io)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var code exit
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	}
	_, _ = fmt.Fprintf(io.err, "ecr-gate: %s\n", shown(err))
	if errors.As(err, new(failed)) {
		return exitNoAnswer
	}
	return exitUsage
}

// shown is an error's text, whose lines do nothing to a terminal: libraries quote
// arguments and files as they are.
func shown(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = gate.Clean(line)
	}
	return strings.Join(lines, "\n")
}

func newRoot(io streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "ecr-gate",
		Short:         "Stops container images whose Amazon ECR scan is not clean",
		Version:       version,
		SilenceErrors: true, SilenceUsage: true,
		Args: knownCommand, SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newServe(io),
		newCheck(io),
		newExplain(io),
		newExceptions(io),
		newDemo(io),
		newActionType(io),
		newProbe(io),
		newDoctor(io),
		newVersion(io),
	)
	return root
}

// flagError says how a duration or a number is written, and where the flags are:
// packages time, strconv and pflag do not.
func flagError(cmd *cobra.Command, err error) error {
	if given, _, ok := strings.Cut(err.Error(), ": time: "); ok {
		return fmt.Errorf("%s is no duration; write hours, minutes and seconds, as 72h, 20m or 1h30m", strings.TrimPrefix(given, "invalid "))
	}
	if given, _, ok := strings.Cut(err.Error(), ": strconv.ParseInt: "); ok {
		return fmt.Errorf("%s is no whole number; write digits, as 9443", strings.TrimPrefix(given, "invalid "))
	}
	return fmt.Errorf("%w; %s --help lists the flags", err, cmd.CommandPath())
}

// knownCommand refuses what was meant as a command and is none.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("unknown command %q; did you mean %s? %s --help lists them", args[0], strings.Join(near, " or "), cmd.CommandPath())
	}
	return fmt.Errorf("unknown command %q; %s --help lists them", args[0], cmd.CommandPath())
}
