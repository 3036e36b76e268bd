package report

import (
	"cmp"
	"slices"
	"strings"
)

// highest are the versions of the list that none other is known to be higher
// than: one, mostly. Every ecosystem orders versions by rules of its own, and a
// finding does not always say which it is of; so versions are compared only as
// far as all of them agree, and both are kept where they do not: up to so many,
// and then "…" for the others.
func highest(versions []string) []string {
	const most = 20
	versions = slices.Clone(versions)
	slices.Sort(versions)
	var top []string
	for _, v := range slices.Compact(versions) {
		beaten := v == "" || slices.ContainsFunc(top, func(t string) bool {
			c, ok := compareVersions(v, t)
			return ok && c <= 0
		})
		switch {
		case beaten:
			continue
		case len(top) == most:
			return append(top, "…")
		}
		top = slices.DeleteFunc(top, func(t string) bool {
			c, ok := compareVersions(t, v)
			return ok && c < 0
		})
		top = append(top, v)
	}
	return top
}

// compareVersions compares what all ecosystems compare alike; ok is false where
// they differ. The first difference decides: two numbers by value, two letters by
// the alphabet (OpenSSL's 1.1.1k, 1.1.1t), and a further ".1" or "_1" is higher
// than none. Not compared: words (rc, final), a suffix after - + ~, and one
// separator with another.
func compareVersions(a, b string) (c int, ok bool) {
	epochA, a := epoch(a)
	epochB, b := epoch(b)
	if c := compareNumbers(epochA, epochB); c != 0 {
		return c, true
	}
	for a != "" && b != "" {
		var x, y string
		x, a = token(a)
		y, b = token(b)
		if c, ok := compareTokens(x, y); !ok || c != 0 {
			return c, ok
		}
	}
	switch {
	case a == "" && b == "":
		return 0, true
	case furtherPart(a):
		return 1, true
	case furtherPart(b):
		return -1, true
	default:
		return 0, false
	}
}

func compareTokens(x, y string) (c int, ok bool) {
	switch {
	case isNumber(x) && isNumber(y):
		return compareNumbers(x, y), true
	case x == y:
		return 0, true
	case isLetter(x) && isLetter(y):
		return cmp.Compare(x, y), true
	default:
		return 0, false
	}
}

// epoch splits "1:2.3" as dpkg and rpm do; without one it is 0.
func epoch(version string) (number, rest string) {
	if before, after, found := strings.Cut(version, ":"); found && before != "" && strings.Trim(before, digits) == "" {
		return before, after
	}
	return "0", version
}

// token is the longest start of the text that is all digits or all letters, else
// one byte.
func token(text string) (first, rest string) {
	class := func(c byte) byte {
		switch {
		case c >= '0' && c <= '9':
			return '0'
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			return 'a'
		default:
			return c
		}
	}
	kind := class(text[0])
	n := 1
	for kind == '0' || kind == 'a' {
		if n == len(text) || class(text[n]) != kind {
			break
		}
		n++
	}
	return text[:n], text[n:]
}

const digits = "0123456789"

func isNumber(token string) bool { return strings.Contains(digits, token[:1]) }

func isLetter(token string) bool { return len(token) == 1 && token[0] >= 'a' && token[0] <= 'z' }

// furtherPart reports whether the rest of a version is further numbers and
// nothing else: 1.2.0.rc1 may be lower than 1.2.
func furtherPart(rest string) bool {
	return len(rest) > 1 && (rest[0] == '.' || rest[0] == '_') && isNumber(rest[1:]) &&
		strings.Trim(rest, digits+"._") == ""
}

// compareNumbers compares digits by value, whatever their length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
