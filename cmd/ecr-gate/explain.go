package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

type explainFlags struct {
	config string
	policy string
	output string
}

func newExplain(io streams) *cobra.Command {
	var flags explainFlags
	cmd := &cobra.Command{
		Use:   "explain IMAGE CVE",
		Short: "Say why a vulnerability counts in an image, or does not",
		Long: `Say why a vulnerability counts in an image, or does not: every rule of the policy
in the order in which it is asked, every exception that fits or nearly does, and
which of them decided (marked >).

Exit codes: 0 there is an answer, if only that the image does not have it,
3 nobody can say: there is no scan to look in (not finished, not readable, or ECR
cannot scan the image),
2 the command or the configuration is wrong.`,
		Example: `  ecr-gate explain --config ecr-gate.yaml 111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4 CVE-2026-1234`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("explain needs two things: an image and a vulnerability, as CVE-2026-1234")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return explain(cmd.Context(), io, flags, args[0], args[1])
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.config, "config", "", "configuration file (default: the built-in policy)")
	f.StringVar(&flags.policy, "policy", "", "policy to judge by (default: the first that matches)")
	f.StringVarP(&flags.output, "output", "o", "text", "text or json")
	return cmd
}

func explain(ctx context.Context, io streams, flags explainFlags, image, id string) error {
	if flags.output != "text" && flags.output != "json" {
		return fmt.Errorf("--output %s: write text or json", flags.output)
	}
	if strings.TrimSpace(id) == "" {
		return errors.New("the vulnerability is empty; write it as CVE-2026-1234")
	}
	if err := mustBeReference(image); err != nil {
		return err
	}
	g, err := openGate(ctx, io, flags.config, flags.policy)
	if err != nil {
		return err
	}
	e := g.Explain(ctx, gate.Request{Image: image, Policy: flags.policy}, strings.TrimSpace(id))
	write := writeExplanation
	if flags.output == "json" {
		write = writeExplanationJSON
	}
	if err := write(io.out, e); err != nil {
		return failed{err}
	}
	if !e.Conclusive() {
		return exit(exitNoAnswer)
	}
	return nil
}

func writeExplanationJSON(w io.Writer, e gate.Explanation) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(e)
}

func writeExplanation(w io.Writer, e gate.Explanation) error {
	var b strings.Builder
	b.WriteString(e.Answer)
	if near := nearest(e.ID, e.Others); e.Conclusive() && len(e.Found) == 0 && len(near) > 0 {
		b.WriteString("; it has " + gate.Clean(strings.Join(near, ", ")))
	}
	b.WriteString("\n" + e.Reason + "\n")
	if e.Next != "" && !strings.HasSuffix(e.Reason, e.Next) {
		b.WriteString("next: " + e.Next + "\n")
	}
	for _, f := range e.Found {
		b.WriteString("\n" + f.Finding.Line() + onPlatform(f.Platform) + "\n")
		rows := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, s := range f.Steps {
			_, _ = fmt.Fprintf(rows, "%s %s\t%s\n", stepMarks[s.Decides], s.Rule, s.Text)
		}
		_ = rows.Flush() // into memory
		if f.Next != "" {
			b.WriteString("next: " + f.Next + "\n")
		}
	}
	for _, u := range e.Unjudged {
		if len(e.Found) == 0 && len(e.Unjudged) == 1 && u.Platform == "" {
			continue // the whole image, as the answer says
		}
		b.WriteString("\nnot looked at" + onPlatform(u.Platform) + ": " + u.Reason + "\n")
	}
	for _, warning := range e.Warnings {
		b.WriteString("warning: " + gate.Clean(warning) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// stepMarks stand before the steps; one is for those that decided.
var stepMarks = map[bool]string{true: ">", false: " "}

func onPlatform(platform string) string {
	if platform == "" {
		return ""
	}
	return " on " + platform
}

// nearest are the few IDs that may have been meant.
func nearest(id string, others []string) []string {
	const most = 3
	var near []string
	left := slices.Clone(others)
	for len(near) < most {
		next := strict.Nearest(id, left)
		if next == "" {
			break
		}
		near = append(near, next)
		left = slices.DeleteFunc(left, func(o string) bool { return o == next })
	}
	return near
}
