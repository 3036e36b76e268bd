package exception

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// Cut is an entry that was taken out of a file.
type Cut struct {
	Entry gate.Exception
	Lines []string // of the file, its comments too; none where the list is in brackets
}

// Prune takes entries out of a file's content, by their place among its entries,
// and returns the rest. All else stays as it is written: order, comments, blanks.
// It refuses to return anything but the other entries, as they were. The error, if
// any, is a [strict.Faults].
func Prune(name string, data []byte, gone func(i int) bool) ([]byte, []Cut, error) {
	entries, faults := parse(name, data, Rules{}, time.Time{})
	if err := faults.Err(); err != nil {
		return nil, nil, err
	}
	var cuts []Cut
	var left []gate.Exception
	for i, e := range entries {
		if gone(i) {
			cuts = append(cuts, Cut{Entry: e})
		} else {
			left = append(left, e)
		}
	}
	if len(cuts) == 0 {
		return data, nil, nil
	}
	pruned, err := prune(name, data, gone, cuts)
	if err == nil {
		err = verify(name, pruned, left)
	}
	if err != nil {
		return nil, nil, strict.Faults{{File: name, Text: err.Error()}}
	}
	return pruned, cuts, nil
}

func prune(name string, data []byte, gone func(i int) bool, cuts []Cut) ([]byte, error) {
	var lines []string
	var spans []span
	switch {
	case IsOpenVEX(data):
		return nil, errors.New("is OpenVEX, which is not edited here; take the statement back where the document is made")
	case !isYAML(name):
		lines = linesOf(data)
		spans = plainSpans(lines)
	default:
		l, err := readListing(data)
		if err != nil {
			return nil, err
		}
		if l.inBrackets() {
			return l.encodeWithout(gone)
		}
		lines, spans = l.lines, l.spans()
	}
	var going []span
	for i, s := range spans {
		if gone(i) && len(going) < len(cuts) {
			cuts[len(going)].Lines = slices.Clone(lines[s.from:s.to])
			going = append(going, s)
		}
	}
	return []byte(strings.Join(cutSpans(lines, going), "")), nil
}

// verify holds an edited file against the entries that it should have: an edit
// goes by lines, and these could be read otherwise than was thought.
func verify(name string, data []byte, want []gate.Exception) error {
	got, faults := parse(name, data, Rules{}, time.Time{})
	same := func(a, b gate.Exception) bool {
		a.Source, b.Source = "", ""
		return reflect.DeepEqual(a, b)
	}
	if len(faults) > 0 || !slices.EqualFunc(got, want, same) {
		return errors.New("is written in a way that cannot be edited here; edit it by hand")
	}
	return nil
}

// span is a range of lines: from the first to the one before to.
type span struct{ from, to int }

func linesOf(data []byte) []string {
	lines := strings.SplitAfter(string(data), "\n")
	return slices.DeleteFunc(lines, func(l string) bool { return l == "" }) // the end of the last line
}

// cutSpans takes out spans, given in order, and the blank lines that would come to
// stand beside others.
func cutSpans(lines []string, going []span) []string {
	var left []string
	at := 0
	for _, s := range going {
		left = append(left, lines[at:max(at, s.from)]...)
		at = max(at, s.to)
		for at < len(lines) && blank(lines[at]) && (len(left) == 0 || blank(left[len(left)-1])) {
			at++
		}
	}
	left = append(left, lines[at:]...)
	if at == len(lines) {
		for len(left) > 0 && blank(left[len(left)-1]) {
			left = left[:len(left)-1]
		}
	}
	return left
}

func blank(line string) bool { return strings.TrimSpace(line) == "" }

func comment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// plainSpans are the lines of a .trivyignore's entries. The comment above one is
// its own, unless another entry follows at once: then it may be about both.
func plainSpans(lines []string) []span {
	var spans []span
	for i, line := range lines {
		if len(fieldsOf(line)) == 0 {
			continue
		}
		s := span{i, i + 1}
		if s.to == len(lines) || blank(lines[s.to]) {
			for s.from > 0 && comment(lines[s.from-1]) {
				s.from--
			}
		}
		spans = append(spans, s)
	}
	return spans
}
