package ecrgate_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

const troubleshooting = "docs/troubleshooting.md"

// Whoever meets a message finds it in the documentation: its stable part is a heading
// there, in backquotes. Several headings may stand over one text. What counts as a
// message is said in messages_test.go.
func TestEveryMessageIsInTroubleshooting(t *testing.T) {
	program := programMessages(t)
	headings := messageHeadings(t)
	for _, message := range slices.Sorted(maps.Keys(program.messages)) {
		if !headings[message] {
			t.Errorf("%s has a message without a heading in %s. Add this where people meet it, and under it what it means, the likely causes and the mend:\n\n#### `%s`\n", program.messages[message], troubleshooting, message)
		}
	}
	for _, heading := range slices.Sorted(maps.Keys(headings)) {
		if program.messages[heading] == "" {
			t.Errorf("%s has a heading that no message has any more: reword it, or delete it with its text:\n\n#### `%s`\n", troubleshooting, heading)
		}
	}
	for _, places := range []map[string]string{exempt, explained, always} {
		for place := range places {
			if !program.used[place] {
				t.Errorf("messages_test.go has a rule for %q, where no text is any more: delete it", place)
			}
		}
	}
}

// messageHeadings are the headings in backquotes; each has a text, if not its own.
func messageHeadings(t *testing.T) map[string]bool {
	t.Helper()
	page, err := os.ReadFile(troubleshooting)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	last := "" // the message that still has no text
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		level, heading, isHeading := strings.Cut(line, " ")
		isHeading = isHeading && level != "" && strings.Trim(level, "#") == ""
		message, isMessage := strings.CutPrefix(heading, "`")
		message, closed := strings.CutSuffix(message, "`")
		switch {
		case line == "":
		case isHeading && isMessage && closed:
			if found[message] {
				t.Errorf("%s has the heading %s twice: keep the place where people meet it first", troubleshooting, heading)
			}
			found[message], last = true, message
		case isHeading && last != "":
			t.Errorf("%s says nothing under `%s`", troubleshooting, last)
			last = ""
		default:
			last = ""
		}
	}
	if last != "" {
		t.Errorf("%s says nothing under `%s`", troubleshooting, last)
	}
	return found
}
