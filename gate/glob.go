package gate

import (
	"errors"

	"github.com/bmatcuk/doublestar/v4"
)

// maxChoices bounds what the braces of one glob may unfold to: each choice of
// {a,b}{c,d} is tried against every name, and thirty such braces would take hours.
const maxChoices = 1000

// ValidateGlob tells what is wrong with a glob; nil if it can be used. Whoever
// makes a [Policy] or an [Exception] of a text asks it first.
func ValidateGlob(glob string) error {
	switch {
	case !doublestar.ValidatePattern(glob):
		return errors.New("is no glob; close its brackets and braces")
	case choices(glob) > maxChoices:
		return errors.New("has braces for more than 1000 names; write several globs")
	default:
		return nil
	}
}

// choices counts what braces unfold to, rather too many than too few.
func choices(glob string) int {
	all := 1
	var open []int // how many choices so far, of each brace that is open
	closed := func(n int) { all = min(all*n, maxChoices+1) }
	for i := 0; i < len(glob); i++ {
		switch glob[i] {
		case '\\':
			i++
		case '[': // what stands in a class is no brace and no comma
			for i++; i < len(glob) && glob[i] != ']'; i++ {
				if glob[i] == '\\' {
					i++
				}
			}
		case '{':
			open = append(open, 1)
		case ',':
			if len(open) > 0 {
				open[len(open)-1]++
			}
		case '}':
			if len(open) > 0 {
				closed(open[len(open)-1])
				open = open[:len(open)-1]
			}
		}
	}
	for _, n := range open {
		closed(n)
	}
	return all
}
