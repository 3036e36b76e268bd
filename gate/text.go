package gate

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func inParens(text string) string {
	if text = Clip(text, 90); text == "" {
		return ""
	}
	return " (" + text + ")"
}

// fit returns the first variant of at most limit characters, else the last one
// cut.
func fit(limit int, variants []string) string {
	for _, v := range variants {
		if v = Clean(v); utf8.RuneCountInString(v) <= limit {
			return v
		}
	}
	return Clip(variants[len(variants)-1], limit)
}

// Clip makes text one clean line of at most limit characters.
func Clip(text string, limit int) string {
	text = Clean(text)
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// elide takes characters out of the middle: both ends of a name tell images apart.
func elide(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	tail := (limit - 1) * 2 / 3
	head := limit - 1 - tail
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:])
}

// Clean makes text one line and drops what could forge a second line or steer a
// terminal: texts come from images and from AWS.
func Clean(text string) string {
	if plain(text) { // as nearly all are
		return text
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t' || c == '\r':
			return ' '
		case !unicode.IsPrint(c) || c == utf8.RuneError:
			return -1
		default:
			return c
		}
	}, text)
}

// plain reports whether text is all letters, digits, signs and spaces of ASCII.
func plain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
