package exception

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Remark is something about an entry that wants somebody's attention, though the
// entry can be read.
type Remark struct {
	Kind  RemarkKind
	Entry gate.Exception
	// By is the Source of the earlier entry that makes this one of no use.
	By string
}

// RemarkKind is what there is to say of an entry.
type RemarkKind string

// The kinds of remark.
const (
	Expired   RemarkKind = "expired"
	Expiring  RemarkKind = "expiring"  // soon
	Shadowed  RemarkKind = "shadowed"  // an earlier entry covers all that it covers, for as long
	Duplicate RemarkKind = "duplicate" // the same as an earlier entry
)

// String is the remark on one line, safe to show.
func (r Remark) String() string {
	text := map[RemarkKind]string{
		Expired:   "expired at " + r.Entry.ExpiresAt.UTC().Format(time.RFC3339),
		Expiring:  "expires soon, at " + r.Entry.ExpiresAt.UTC().Format(time.RFC3339),
		Shadowed:  "is covered by " + r.By + ", an earlier entry",
		Duplicate: "is the same as " + r.By,
	}[r.Kind]
	return gate.Clean(fmt.Sprintf("%s: %s: %s", r.Entry.Source, subject(r.Entry), text))
}

// subject is what an entry is about, in a few words.
func subject(e gate.Exception) string {
	var names []string
	for _, p := range e.Packages {
		names = append(names, p.Name)
	}
	for _, p := range e.PURLs {
		names = append(names, p.Name)
	}
	return cmp.Or(strings.Join(e.IDs, ", "), strings.Join(names, ", "))
}

// Lint remarks on entries, in order: those that expired, that an earlier one makes
// of no use, and that will expire within so long.
func Lint(exceptions []gate.Exception, now time.Time, soon time.Duration) []Remark {
	var remarks []Remark
	earlier := index{}
	for _, e := range exceptions {
		switch wide := earlier.including(e); {
		case e.Lapsed(now):
			remarks = append(remarks, Remark{Kind: Expired, Entry: e})
		case wide != nil && e.Includes(*wide):
			remarks = append(remarks, Remark{Kind: Duplicate, Entry: e, By: wide.Source})
		case wide != nil:
			remarks = append(remarks, Remark{Kind: Shadowed, Entry: e, By: wide.Source})
		case !e.ExpiresAt.IsZero() && e.ExpiresAt.Sub(now) <= soon:
			remarks = append(remarks, Remark{Kind: Expiring, Entry: e})
		}
		earlier.add(e)
	}
	return remarks
}

// index finds the entries that may include another one: those that share an ID
// with it, and those that name none.
type index map[string][]gate.Exception

func (x index) add(e gate.Exception) {
	if len(e.IDs) == 0 {
		x[""] = append(x[""], e)
	}
	for _, id := range e.IDs {
		x[id] = append(x[id], e)
	}
}

// including is an entry that includes this one; nil: none does.
func (x index) including(e gate.Exception) *gate.Exception {
	keys := []string{""}
	if len(e.IDs) > 0 {
		keys = append(keys, e.IDs[0])
	}
	for _, key := range keys {
		for i := range x[key] {
			if x[key][i].Includes(e) {
				return &x[key][i]
			}
		}
	}
	return nil
}
