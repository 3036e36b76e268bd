package exception

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// listing is a YAML file with its list of entries: as nodes, to know where things
// are, and as lines, so that nothing else changes.
type listing struct {
	lines []string
	doc   yaml.Node
	key   *yaml.Node // nil: the file has no list
	list  *yaml.Node
}

// listKey is the key of the list of entries, Trivy's.
const listKey = "vulnerabilities"

func readListing(data []byte) (*listing, error) {
	l := &listing{lines: linesOf(data)}
	if err := yaml.Unmarshal(data, &l.doc); err != nil {
		return nil, fmt.Errorf("is not YAML: %w", err)
	}
	if len(l.doc.Content) == 0 {
		return l, nil
	}
	root := l.doc.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Kind == yaml.MappingNode && root.Content[i].Value == listKey {
			l.key, l.list = root.Content[i], root.Content[i+1]
		}
	}
	return l, nil
}

// inBrackets reports whether the list is written as [a, b].
func (l *listing) inBrackets() bool {
	return l.list != nil && l.list.Kind == yaml.SequenceNode && l.list.Style&yaml.FlowStyle != 0
}

// spans are the lines of each entry: from the comment right above its dash to its
// last line that is indented deeper. An entry whose dash is not found has none, and
// then no edit will be believed.
func (l *listing) spans() []span {
	if l.list == nil || l.list.Kind != yaml.SequenceNode {
		return nil
	}
	spans := make([]span, 0, len(l.list.Content))
	for _, entry := range l.list.Content {
		spans = append(spans, l.span(entry.Line-1, l.list.Column-1))
	}
	return spans
}

// span goes up from a line of the entry to its dash and the comment above, and
// down to where it ends.
func (l *listing) span(line, dash int) span {
	first := line
	for first >= 0 && !l.hasDash(first, dash) {
		first--
	}
	if first < 0 {
		return span{}
	}
	s := span{first, first + 1}
	for s.to < len(l.lines) && (blank(l.lines[s.to]) || indentation(l.lines[s.to]) > dash) {
		s.to++
	}
	for blank(l.lines[s.to-1]) {
		s.to--
	}
	for s.from > 0 && comment(l.lines[s.from-1]) && indentation(l.lines[s.from-1]) <= dash {
		s.from--
	}
	return s
}

func (l *listing) hasDash(line, column int) bool {
	return line < len(l.lines) && indentation(l.lines[line]) == column && strings.HasPrefix(l.lines[line][column:], "-")
}

// encodeWithout writes the file anew. A list in brackets has no lines to go by.
func (l *listing) encodeWithout(gone func(i int) bool) ([]byte, error) {
	i := -1
	l.list.Content = slices.DeleteFunc(l.list.Content, func(*yaml.Node) bool { i++; return gone(i) })
	return l.encode()
}

func (l *listing) encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(&l.doc); err != nil {
		return nil, err
	}
	return b.Bytes(), encoder.Close()
}

// with adds an entry to a list in brackets, or to one that has none yet.
func (l *listing) with(entry *yaml.Node) ([]byte, error) {
	if l.inBrackets() {
		if len(l.list.Content) == 0 {
			l.list.Style = 0
		}
		l.list.Content = append(l.list.Content, entry)
		return l.encode()
	}
	text, err := encodeEntry(entry)
	if err != nil {
		return nil, err
	}
	at, dash := len(l.lines), 0
	switch spans := l.spans(); {
	case len(spans) > 0:
		at, dash = spans[len(spans)-1].to, l.list.Column-1
	case l.key != nil && l.key.Line <= len(l.lines):
		at = l.key.Line
	case l.key == nil:
		text = append([]string{listKey + ":\n"}, text...)
	default:
		return nil, errors.New("has no place for another entry")
	}
	return []byte(strings.Join(insert(l.lines, at, dash, text), "")), nil
}

// insert puts lines in, indented, with the line breaks that the file has.
func insert(lines []string, at, indent int, text []string) []string {
	end := "\n"
	if slices.ContainsFunc(lines, func(l string) bool { return strings.HasSuffix(l, "\r\n") }) {
		end = "\r\n"
	}
	out := slices.Clone(lines[:at])
	if at > 0 && !strings.HasSuffix(out[at-1], "\n") {
		out[at-1] += end
	}
	for _, line := range text {
		out = append(out, strings.Repeat(" ", indent)+strings.TrimSuffix(line, "\n")+end)
	}
	return append(out, lines[at:]...)
}

// encodeEntry are the lines of a list with this one entry.
func encodeEntry(entry *yaml.Node) ([]string, error) {
	l := &listing{doc: yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.SequenceNode, Content: []*yaml.Node{entry}}}}}
	data, err := l.encode()
	return linesOf(data), err
}
