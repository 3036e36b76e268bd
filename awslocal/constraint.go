package awslocal

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// constraint is what a service model says of a string. Lengths are in
// characters, not bytes.
type constraint struct {
	min, max int
	pattern  *regexp.Regexp
	enum     []string
}

// violations collects what is wrong with a request.
type violations []string

func (v *violations) add(field string, value any, rule string) {
	*v = append(*v, fmt.Sprintf("Value '%v' at '%s' failed to satisfy constraint: %s", value, field, rule))
}

// required checks a member that must be there.
func (v *violations) required(field string, value *string, c constraint) {
	if value == nil {
		v.add(field, "null", "Member must not be null")
		return
	}
	v.text(field, value, c)
}

// text checks a member that may be left out.
func (v *violations) text(field string, value *string, c constraint) {
	if value == nil {
		return
	}
	n := utf8.RuneCountInString(*value)
	if n < c.min {
		v.add(field, *value, fmt.Sprintf("Member must have length greater than or equal to %d", c.min))
	}
	if c.max > 0 && n > c.max {
		v.add(field, *value, fmt.Sprintf("Member must have length less than or equal to %d", c.max))
	}
	if c.pattern != nil && !c.pattern.MatchString(*value) {
		v.add(field, *value, "Member must satisfy regular expression pattern: "+c.pattern.String())
	}
	if c.enum != nil && !slices.Contains(c.enum, *value) {
		v.add(field, *value, "Member must satisfy enum value set: ["+strings.Join(c.enum, ", ")+"]")
	}
}

// number checks a member that may be left out; max 0 is no limit.
func (v *violations) number(field string, value *int, least, most int) {
	switch {
	case value == nil:
	case *value < least:
		v.add(field, *value, fmt.Sprintf("Member must have value greater than or equal to %d", least))
	case most > 0 && *value > most:
		v.add(field, *value, fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
}

// size checks the length of a list.
func (v *violations) size(field string, n, least, most int) {
	if n < least || n > most {
		v.add(field, fmt.Sprintf("[%d members]", n), fmt.Sprintf("Member must have length between %d and %d", least, most))
	}
}

// failure is nil if nothing is wrong.
func (v violations) failure(code string) error {
	switch len(v) {
	case 0:
		return nil
	case 1:
		return refuse(code, "1 validation error detected: %s", v[0])
	}
	return refuse(code, "%d validation errors detected: %s", len(v), strings.Join(v, "; "))
}
