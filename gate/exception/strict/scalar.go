package strict

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// plainTags are what YAML itself makes of a scalar.
var plainTags = []string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}

// leaf returns how a value is read from a scalar, nil if it is not one. Types of
// their own read text ([encoding.TextUnmarshaler]), quoted or not.
func leaf(into reflect.Value) func(*yaml.Node) error {
	switch to := into.Addr().Interface().(type) {
	case *time.Duration:
		return func(n *yaml.Node) (err error) { *to, err = duration(n); return err }
	case *time.Time:
		return func(n *yaml.Node) (err error) { *to, err = instant(n); return err }
	case encoding.TextUnmarshaler:
		return func(n *yaml.Node) error { return to.UnmarshalText([]byte(n.Value)) }
	}
	switch into.Kind() {
	case reflect.String:
		return func(n *yaml.Node) error { return text(n, into) }
	case reflect.Bool:
		return func(n *yaml.Node) error { return typed(n, "!!bool", "want true or false", into) }
	case reflect.Int:
		return func(n *yaml.Node) error { return typed(n, "!!int", "want a whole number", into) }
	default:
		return nil
	}
}

func (f *File) scalar(path string, n *yaml.Node, read func(*yaml.Node) error) {
	if n.Kind != yaml.ScalarNode || !slices.Contains(plainTags, n.ShortTag()) {
		f.Faultf(path, "want a single value, got %s", kind(n))
		return
	}
	if err := read(n); err != nil {
		f.Faultf(path, "%v", err)
	}
}

// text takes quoted or plainly textual scalars only: a number loses its leading
// zeros on the way through other YAML tools, Helm's among them.
func text(n *yaml.Node, into reflect.Value) error {
	if n.ShortTag() != "!!str" {
		return fmt.Errorf("want text, got %s; quote it: %q", kind(n), n.Value)
	}
	into.SetString(n.Value)
	return nil
}

func typed(n *yaml.Node, tag, want string, into reflect.Value) error {
	if n.ShortTag() != tag || n.Decode(into.Addr().Interface()) != nil {
		return fmt.Errorf("%s, got %s", want, Quote(n.Value))
	}
	return nil
}

func duration(n *yaml.Node) (time.Duration, error) {
	if n.Value == "0" {
		return 0, nil
	}
	d, err := time.ParseDuration(n.Value)
	if err != nil {
		return 0, fmt.Errorf("%s is no duration; write hours, minutes and seconds, as 72h, 20m or 1h30m", Quote(n.Value))
	}
	return d, nil
}

// instant reads a day as 00:00 UTC of that day, RFC 3339, and the other ways in
// which YAML spells a timestamp. The zero time is refused: in Go it means "none".
func instant(n *yaml.Node) (time.Time, error) {
	t, err := Instant(n.Value)
	if err != nil && n.ShortTag() == "!!timestamp" && n.Decode(&t) == nil && !t.IsZero() {
		return t.UTC(), nil
	}
	return t, err
}

// Instant reads YYYY-MM-DD, which is 00:00 UTC of that day, or RFC 3339. The
// result is in UTC and never the zero time.
func Instant(written string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, written); err == nil && !t.IsZero() {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New(Quote(written) + " is no date; write YYYY-MM-DD, which is 00:00 UTC of that day, or RFC 3339 as 2026-12-31T18:00:00Z")
}

// kind says in a word what was written instead.
func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "keys with values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!int", n.ShortTag() == "!!float":
		return "a number"
	case n.ShortTag() == "!!bool":
		return "true or false"
	case n.ShortTag() == "!!timestamp":
		return "a date"
	case n.ShortTag() == "!!null":
		return "nothing"
	case n.ShortTag() == "!!str":
		return "text"
	default:
		return "a value tagged " + n.Tag
	}
}
