// Command licences checks the licence of everything that is linked into ecr-gate:
// one that is not allowed, or cannot be told, is an error. It writes their texts
// into one file, which a release carries, since nearly all of them ask for that.
//
//	licences -root ../.. -o third-party-licences.txt
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// allowed are the licences that ask for no more than that they be kept beside the
// program. What asks for more, or forbids a use, is for a person to decide.
var allowed = map[string]bool{
	"Apache-2.0":   true,
	"BSD-2-Clause": true,
	"BSD-3-Clause": true,
	"ISC":          true,
	"MIT":          true,
	"MIT-0":        true,
	"Unlicense":    true,
}

// passedOver are files with a licence's name that are none of the program's, and
// why: a person has read them.
var passedOver = map[string]string{
	"github.com/aws/aws-lambda-go LICENSE-SUMMARY":     "says which of the two licences beside it holds for what",
	"github.com/opencontainers/go-digest LICENSE.docs": "is the documentation's",
}

func main() {
	root := flag.String("root", ".", "the folder of ecr-gate's go.mod")
	out := flag.String("o", "", "the file for the licences' texts; left out: they are only checked")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *root, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // main exits
	}
}

func run(ctx context.Context, report io.Writer, root, out string) error {
	modules, err := linked(ctx, root)
	if err != nil {
		return err
	}
	var faults []string
	count := map[string]int{}
	for _, m := range modules {
		faults = append(faults, m.faults()...)
		for _, name := range m.licences() {
			count[name]++
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s\nDo without the module; or, if its licence may be in this program, say so in tools/release/licences", strings.Join(faults, "\n"))
	}
	if out != "" {
		if err := writeTexts(out, modules); err != nil {
			return fmt.Errorf("writing the licences' texts: %w", err)
		}
	}
	var counts []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		counts = append(counts, fmt.Sprintf("%s %d", name, count[name]))
	}
	_, err = fmt.Fprintf(report, "licences of %d modules: %s\n", len(modules), strings.Join(counts, ", "))
	return err
}
