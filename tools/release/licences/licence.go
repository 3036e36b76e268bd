package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// recognized is how much of a file, in percent of its words, has to be a known
// licence: the rest is the holders' names, or terms that nobody has read.
const recognized = 75

// licence is what one file says.
type licence struct {
	text    []byte
	names   []string // SPDX
	percent float64  // of the text that is known
	notice  bool     // it is no licence, but belongs to one: Apache's NOTICE
}

// named tells if a file's name is one under which licences are kept.
func named(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	stem, _, _ = strings.Cut(stem, "-")
	return slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "UNLICENSE", "NOTICE"}, stem) && !strings.HasSuffix(name, ".go")
}

func read(name string, text []byte) licence {
	l := licence{text: text, notice: strings.HasPrefix(strings.ToUpper(name), "NOTICE")}
	if l.notice {
		return l
	}
	coverage := licensecheck.Scan(text)
	l.percent = coverage.Percent
	names := map[string]bool{}
	for _, match := range coverage.Match {
		if !match.IsURL {
			names[match.ID] = true
		}
	}
	l.names = slices.Sorted(maps.Keys(names))
	return l
}

// fault is what is against the licence, or nothing.
func (l licence) fault() string {
	if l.notice {
		return ""
	}
	if len(l.names) == 0 {
		return "is no licence that is known"
	}
	for _, name := range l.names {
		if !allowed[name] {
			return fmt.Sprintf("is %s, which is not among the licences allowed", name)
		}
	}
	if l.percent < recognized {
		return fmt.Sprintf("is only %.0f %% %s; the rest is unknown", l.percent, strings.Join(l.names, " and "))
	}
	return ""
}

// writeTexts writes the licences' texts, each once, under the files that have it.
func writeTexts(out string, modules []module) error {
	holders := map[string][]string{}
	for _, m := range modules {
		for within, l := range m.files {
			text := string(bytes.TrimSpace(l.text))
			holders[text] = append(holders[text], fmt.Sprintf("%s: %s", m, within))
		}
	}
	var all strings.Builder
	all.WriteString("ecr-gate contains the software below, under the licence that follows each list of names.\n")
	first := func(a, b string) int { return strings.Compare(slices.Min(holders[a]), slices.Min(holders[b])) }
	for _, text := range slices.SortedFunc(maps.Keys(holders), first) {
		slices.Sort(holders[text])
		fmt.Fprintf(&all, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(holders[text], "\n"), text)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o750); err != nil {
		return err
	}
	return os.WriteFile(out, []byte(all.String()), 0o644) //nolint:gosec // to be read by anyone
}
