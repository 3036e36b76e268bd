package report

import (
	"fmt"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// code writes a text as a code span, in which nothing means anything, not even
// @somebody.
func code(text string) string {
	text = strings.TrimSpace(gate.Clean(text))
	if text == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// joiner is a word joiner: it takes no room, and what it stands in is no mention,
// no address and no number of an issue to GitHub.
const joiner = "\u2060"

// prose writes a text as running words: no character of it is Markdown or HTML.
func prose(text string) string {
	var b strings.Builder
	text = gate.Clean(text)
	for i, c := range text {
		switch {
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '&':
			b.WriteString("&amp;")
		case c == '|': // a backslash does not help inside a table after another one
			b.WriteString("&#124;")
		case c == '\\':
			b.WriteString("&#92;")
		case c == '@', c == '#':
			b.WriteString(`\` + string(c) + joiner)
		case c == ':' && strings.HasPrefix(text[i:], "://"):
			b.WriteString(":" + joiner)
		case c == '.' && i >= 3 && strings.EqualFold(text[i-3:i], "www"):
			b.WriteString(joiner + ".")
		case strings.ContainsRune("`*_~[]$", c):
			b.WriteString(`\` + string(c))
		default:
			b.WriteRune(c)
		}
	}
	return escapeStart(b.String())
}

// escapeStart keeps the first characters from making a list, a rule or a table.
func escapeStart(text string) string {
	if text != "" && strings.ContainsRune("-+=:", rune(text[0])) {
		return `\` + text
	}
	digits := len(text) - len(strings.TrimLeft(text, digits))
	if digits > 0 && digits < len(text) && (text[digits] == '.' || text[digits] == ')') {
		return text[:digits] + `\` + text[digits:]
	}
	return text
}

// linked is a finding's ID, as a link if it has an address.
func linked(f gate.Finding) string {
	name := code(label(f))
	address := webAddress(f.URL)
	if address == "" {
		return name
	}
	return "[" + name + "](" + linkTarget(address) + ")"
}

// linkTarget escapes what Markdown could read in an address.
func linkTarget(address string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:/?#@&=+,;%"
	var b strings.Builder
	for i := range len(address) {
		if c := address[i]; strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// pipes keeps those of code spans from ending a table's cell, which after a
// backslash even an escaped one does.
var pipes = strings.NewReplacer(`\|`, `\ \|`, "|", `\|`)

func markdownTable(header []string, rows [][]string) string {
	var b strings.Builder
	b.WriteString("| " + strings.Join(header, " | ") + " |\n|" + strings.Repeat(" --- |", len(header)) + "\n")
	for _, row := range rows {
		b.WriteString("|")
		for i := range header {
			cell := ""
			if i < len(row) {
				cell = row[i]
			}
			b.WriteString(" " + pipes.Replace(cell) + " |")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// What one folded table holds at the most: it is left out as a whole.
const (
	mostRows     = 25
	mostRowBytes = 12_000
)

// folded makes tables of so many rows, each folded away by itself; the first may
// be open.
func folded(title string, header []string, rows [][]string, open bool) []string {
	var tables []string
	for from := 0; from < len(rows); {
		to, size := from, 0
		for to < len(rows) && to-from < mostRows && (to == from || size < mostRowBytes) {
			size += len(strings.Join(rows[to], " | "))
			to++
		}
		summary := fmt.Sprintf("%s (%d)", title, len(rows))
		if to-from < len(rows) {
			summary = fmt.Sprintf("%s (%d to %d of %d)", title, from+1, to, len(rows))
		}
		details := "<details>"
		if open && from == 0 {
			details = "<details open>"
		}
		tables = append(tables, details+"<summary>"+summary+"</summary>\n\n"+markdownTable(header, rows[from:to])+"\n</details>\n\n")
		from = to
	}
	return tables
}
