package report_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ecr-gate/ecr-gate/gate"
)

func TestTableKeepsToTheWidth(t *testing.T) {
	for _, width := range []int{0, 40, 60, 80, 120} {
		for _, c := range cases {
			o := options
			o.Width = width
			for line := range strings.Lines(renderWith(t, o, "table", c.verdicts()...)) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > max(width, 40) && (width > 0 || n > 80) {
					t.Errorf("%s: %d columns of %d: %s", c.name, n, width, line)
				}
			}
		}
	}
}

// Colours are a help to the eye and change nothing else.
func TestTableColour(t *testing.T) {
	o := options
	o.Colour = true
	coloured := renderWith(t, o, "table", several()...)
	for _, want := range []string{"\x1b[1;31mDenied\x1b[0m", "\x1b[1;32mAllowed\x1b[0m", "\x1b[1;33mPending\x1b[0m", "\x1b[1;33mUnavailable\x1b[0m", "\x1b[1mupgrade\x1b[0m"} {
		if !strings.Contains(coloured, want) {
			t.Errorf("no %q", want)
		}
		coloured = strings.ReplaceAll(coloured, want, strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[1;31m", "", "\x1b[1;32m", "", "\x1b[1;33m", "").Replace(want))
	}
	coloured = strings.NewReplacer("\x1b[1m", "", "\x1b[0m", "").Replace(coloured)
	if plain := render(t, "table", several()...); coloured != plain {
		t.Errorf("without its colours:\n%s\nplain:\n%s", coloured, plain)
	}
}

// What there is too much of is counted.
func TestTableLeavesOutAndSaysSo(t *testing.T) {
	v := thousand(1000)
	text := render(t, "table", v)
	if n := strings.Count(text, "\n"); n > 80 {
		t.Errorf("%d lines", n)
	}
	shown := len(regexp.MustCompile(`(?m)^    [A-Z]+ {2,}CVE-`).FindAllString(text, -1))
	var left, groups int
	_, line, _ := strings.Cut(text, "\n  and ")
	if _, err := fmt.Sscanf(line, "%d findings in %d more groups", &left, &groups); err != nil {
		t.Fatal(err, line)
	}
	if shown+left != len(v.Findings) || groups == 0 {
		t.Errorf("%d findings are shown and %d left out, of %d", shown, left, len(v.Findings))
	}
}

// A result with findings of its own never looks like one that was not judged.
func TestTableOfUnjudged(t *testing.T) {
	v := gate.Unjudged("dev", gate.Image{Written: "x/y:1"}, &gate.Trouble{Cause: gate.NoScan, Passing: true, Text: "ECR knows of no scan"})
	text := render(t, "table", v)
	if strings.Contains(text, "allowed") || !strings.HasPrefix(text, "Pending      image not ready: x/y:1") {
		t.Error(text)
	}
}
