package report

import (
	"strings"
	"unicode/utf8"
)

// columns gathers lines that fit into a width. What is longer goes on in the next
// line; a word that is longer than a line loses its middle.
type columns struct {
	b     strings.Builder
	width int
}

const (
	usualWidth = 80
	leastWidth = 40 // what is narrower nobody can read
)

func newColumns(width int) *columns {
	if width == 0 {
		width = usualWidth
	}
	return &columns{width: max(width, leastWidth)}
}

// glue is a space that no line ends at. No text from outside has one: it is not
// printable.
const glue = "\u00a0"

func glued(texts []string) []string {
	for i := range texts {
		texts[i] = strings.ReplaceAll(texts[i], " ", glue)
	}
	return texts
}

// put writes a text with so many spaces before its first line, and so many before
// the further ones.
func (c *columns) put(indent, hang int, text string) {
	c.after(strings.Repeat(" ", indent), indent, hang, text)
}

// after writes a text behind a start that takes so many columns of the first line,
// whatever it has of bytes.
func (c *columns) after(start string, taken, hang int, text string) {
	c.b.WriteString(start)
	used := taken
	for i, word := range strings.FieldsFunc(text, func(c rune) bool { return c == ' ' }) {
		word = elide(word, c.width-hang)
		n := utf8.RuneCountInString(word)
		switch {
		case i > 0 && used+1+n > c.width:
			c.b.WriteString("\n" + strings.Repeat(" ", hang))
			used = hang
		case i > 0:
			c.b.WriteByte(' ')
			used++
		case used+n > c.width:
			word = elide(word, c.width-used)
			n = utf8.RuneCountInString(word)
		}
		c.b.WriteString(strings.ReplaceAll(word, glue, " "))
		used += n
	}
	c.b.WriteByte('\n')
}

func (c *columns) blank() { c.b.WriteByte('\n') }
