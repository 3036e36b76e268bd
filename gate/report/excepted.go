package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// excused are the findings that the same exceptions let pass.
type excused struct {
	by       []gate.ExceptionNote
	findings []gate.Finding
}

// excusedOf groups the excepted findings by what let them pass, in order.
func excusedOf(v gate.Verdict) []excused {
	var groups []excused
	for _, x := range v.Excepted {
		i := slices.IndexFunc(groups, func(e excused) bool { return slices.Equal(e.by, x.Exceptions) })
		if i < 0 {
			i = len(groups)
			groups = append(groups, excused{by: x.Exceptions})
		}
		groups[i].findings = append(groups[i].findings, x.Finding)
	}
	return groups
}

// provenance says where an exception is written, who answers for it and when it
// lapses, to the instant: tools differ by a day on what a date means.
func provenance(n gate.ExceptionNote) string {
	end := "never lapses"
	if !n.ExpiresAt.IsZero() {
		end = "lapses " + instant(n.ExpiresAt)
	}
	return origin(n) + ", " + end
}

// bygone is the provenance of an exception that is over.
func bygone(n gate.ExceptionNote) string {
	return origin(n) + ", lapsed " + instant(n.ExpiresAt)
}

func origin(n gate.ExceptionNote) string {
	parts := []string{"an exception"}
	if source := brief(n.Source, 120); source != "" {
		parts[0] = source
	}
	if owner := brief(n.Owner, 60); owner != "" {
		parts = append(parts, "owner "+owner)
	}
	if ticket := brief(n.Ticket, 60); ticket != "" {
		parts = append(parts, "ticket "+ticket)
	}
	return strings.Join(parts, ", ")
}

// complaint says what is wrong with an exception.
func complaint(e gate.ExceptionReport) string {
	what, from := "exception matched nothing: ", provenance(e.ExceptionNote)
	switch e.State {
	case gate.ExceptionExpired:
		what, from = "exception expired: ", bygone(e.ExceptionNote)
	case gate.ExceptionExpiring:
		what = "exception expires soon: "
	case gate.ExceptionUnused:
	}
	ids := make([]string, 0, 3)
	for i, id := range e.IDs {
		if i == cap(ids) {
			ids[i-1] += fmt.Sprintf(" and %d more", len(e.IDs)-i)
			break
		}
		ids = append(ids, brief(id, longestID))
	}
	return what + strings.TrimSpace(strings.Join(ids, ", ")+" ("+from+")")
}
