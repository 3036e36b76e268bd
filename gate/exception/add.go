package exception

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// Draft is an entry to be written. What is empty is left out.
type Draft struct {
	ID                     string
	Packages, Repositories []string
	ExpiresAt              time.Time
	Statement              string
	Owner, Ticket          string
}

// Add appends an entry to a YAML file's content, which may be empty, and returns
// the content and the entry as it will be read. All else stays as it is written.
//
// It refuses what could not be read, what the rules forbid, what has expired, and
// what an entry of this file or of those given covers already. The error, if any,
// is a [strict.Faults].
func Add(name string, data []byte, draft Draft, rules Rules, others []gate.Exception, now time.Time) ([]byte, gate.Exception, error) {
	content, added, err := add(name, data, draft, rules, others, now)
	var faults strict.Faults
	switch {
	case err == nil:
		return content, added, nil
	case errors.As(err, &faults):
		return nil, gate.Exception{}, faults
	default:
		return nil, gate.Exception{}, strict.Faults{{File: name, Text: err.Error()}}
	}
}

func add(name string, data []byte, draft Draft, rules Rules, others []gate.Exception, now time.Time) ([]byte, gate.Exception, error) {
	none := gate.Exception{}
	if !isYAML(name) || IsOpenVEX(data) {
		return nil, none, errors.New("is no YAML file of exceptions, which alone can be added to; name one that ends in .yaml")
	}
	before, faults := parse(name, data, Rules{}, now)
	if err := faults.Err(); err != nil {
		return nil, none, err
	}
	l, err := readListing(data)
	if err != nil {
		return nil, none, err
	}
	content, err := l.with(draft.node())
	if err != nil {
		return nil, none, err
	}
	added, err := draft.read(rules, now)
	if err != nil {
		return nil, none, err
	}
	if err := covered(added, append(slices.Clone(others), before...)); err != nil {
		return nil, none, err
	}
	added.Source = fmt.Sprintf("%s: %s", name, strict.Item(listKey, len(before)))
	return content, added, verify(name, content, append(before, added))
}

// read is the entry as it will be read, held against the rules by itself: faults
// of the file's other entries are not of its making.
func (d Draft) read(rules Rules, now time.Time) (gate.Exception, error) {
	text, err := new(listing).with(d.node())
	if err != nil {
		return gate.Exception{}, err
	}
	entries, faults := parse("new.yaml", text, rules, now)
	for i := range faults {
		path := strings.TrimPrefix(faults[i].Path, strict.Item(listKey, 0))
		faults[i] = strict.Fault{File: newEntry, Path: strings.TrimPrefix(path, "."), Text: faults[i].Text}
	}
	switch {
	case len(faults) > 0:
		return gate.Exception{}, faults
	case len(entries) != 1:
		return gate.Exception{}, refuse("cannot be written")
	case entries[0].Lapsed(now):
		return gate.Exception{}, refuse("would have expired at %s; give it a later end", entries[0].ExpiresAt.Format(time.RFC3339))
	}
	return entries[0], nil
}

// newEntry is how faults call the entry to be written: it is in no file yet.
const newEntry = "the new entry"

func refuse(format string, args ...any) strict.Faults {
	return strict.Faults{{File: newEntry, Text: fmt.Sprintf(format, args...)}}
}

// covered refuses what another entry covers: a second one would only outlive the
// first unnoticed.
func covered(added gate.Exception, entries []gate.Exception) error {
	for _, e := range entries {
		if !e.IncludesScope(added) {
			continue
		}
		until := "without an end"
		if !e.ExpiresAt.IsZero() {
			until = "until " + e.ExpiresAt.Format(time.RFC3339)
		}
		if e.Includes(added) {
			return refuse("is covered already, by %s %s", e.Source, until)
		}
		return refuse("is covered by %s %s; change its expired_at rather than add a second one", e.Source, until)
	}
	return nil
}

// node writes the entry as people would.
func (d Draft) node() *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	put := func(key string, value *yaml.Node) {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
	}
	putText := func(key, text string) {
		if text != "" {
			put(key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text})
		}
	}
	putList := func(key string, items []string) {
		if len(items) == 0 {
			return
		}
		list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, item := range items {
			list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: item})
		}
		put(key, list)
	}
	putText("id", d.ID)
	putList("packages", d.Packages)
	putList("repositories", d.Repositories)
	if !d.ExpiresAt.IsZero() {
		put(RequireExpiredAt, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!timestamp", Value: written(d.ExpiresAt)})
	}
	putText(RequireStatement, d.Statement)
	putText(RequireOwner, d.Owner)
	putText(RequireTicket, d.Ticket)
	return n
}

// written is the shortest way to write an instant.
func written(at time.Time) string {
	at = at.UTC()
	if at.Equal(at.Truncate(24 * time.Hour)) {
		return at.Format(time.DateOnly)
	}
	return at.Format(time.RFC3339)
}
