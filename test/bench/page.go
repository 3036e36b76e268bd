package main

import (
	"fmt"
	"os"
	"strings"
)

// The lines of a page between which the figures stand.
const (
	begin = "<!-- figures: from here on written by make bench -->\n"
	end   = "<!-- figures: end -->\n"
)

// insert puts the figures into a page, in the place of those that are there. The
// title stays out: the page has one of its own.
func insert(name, figures string) error {
	before, after, err := place(name)
	if err != nil {
		return err
	}
	_, figures, _ = strings.Cut(figures, "\n\n")
	return os.WriteFile(name, []byte(before+begin+"\n"+figures+"\n"+end+after), 0o644) //nolint:gosec // a page of the repository
}

// place is what stands before and after the figures of a page.
func place(name string) (before, after string, err error) {
	page, err := os.ReadFile(name) //nolint:gosec // named by who runs this
	if err != nil {
		return "", "", err
	}
	before, rest, found := strings.Cut(string(page), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", "", fmt.Errorf("%s has no place for figures, between lines %q and %q", name, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before, after, nil
}
