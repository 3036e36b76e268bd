package strict

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the known word that was probably meant, and "" where none is
// near: one that differs in case only, that goes on where the written one ends,
// or that is few edits away.
func Nearest(written string, known []string) string {
	best, least := "", 1+max(2, len(written)/3)
	for _, word := range known {
		if strings.EqualFold(word, written) {
			return word
		}
		if d := distance(written, word); d < least {
			best, least = word, d
		}
	}
	return best
}

func distance(written, word string) int {
	if len(written) >= 3 && strings.HasPrefix(word, written) {
		return 1
	}
	if len(written) > 2*len(word)+2 {
		return len(written) // not worth computing, however long a key somebody sends
	}
	return levenshtein.Distance(written, word, nil)
}

// hint names the nearest known word, or all of them.
func hint(written string, known []string) string {
	if near := Nearest(written, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "known here: " + strings.Join(known, ", ")
}
