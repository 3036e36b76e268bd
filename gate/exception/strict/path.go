package strict

import (
	"fmt"
	"regexp"
	"strings"
)

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// Key returns the path of a key inside a mapping; path is "" for the document.
func Key(path, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return path + "[" + strings.NewReplacer(".", "·", "[", "(", "]", ")").Replace(Quote(key)) + "]"
	case path == "":
		return key
	default:
		return path + "." + key
	}
}

// Item returns the path of an item of a list, counted from 0.
func Item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// parent cuts the last key or item off; "" is the document.
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}
