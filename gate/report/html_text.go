package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Texts that only this page shows in full are cut there.
const (
	longestPath   = 300
	longestImage  = 1024 // no reference is longer
	longestDigest = 200
)

// visible makes text one line in which nothing acts and nothing hides: control
// characters, and those that turn the direction of writing, are spelled out. A
// name with one in it shall not look like the name without.
func visible(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '\n' || c == '\t' || c == '\r':
			b.WriteByte(' ')
		case hidden(c):
			fmt.Fprintf(&b, "⟨U+%04X⟩", c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// shown is visible text of at most limit characters.
func shown(text string, limit int) string { return elide(visible(text), limit) }

func hidden(c rune) bool { return !unicode.IsPrint(c) || c == utf8.RuneError }

// clock is the moment as people read it; nothing for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
