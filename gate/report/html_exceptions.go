package report

import (
	"cmp"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// noteView is what there is to say of an exception.
type noteView struct {
	Source, Statement, Owner, Ticket string
	Lapses                           string // the absolute instant: tools disagree by a day about a bare date
}

func newNoteView(n gate.ExceptionNote) noteView {
	return noteView{
		Source: shown(n.Source, longestPath), Statement: shown(n.Statement, longestReason),
		Owner: shown(n.Owner, longestName), Ticket: shown(n.Ticket, longestName),
		Lapses: cmp.Or(clock(n.ExpiresAt), "never"),
	}
}

type exceptedView struct {
	rowView
	Notes []noteView
}

func exceptedViews(excepted []gate.ExceptedFinding) []exceptedView {
	views := make([]exceptedView, len(excepted))
	for i, x := range excepted {
		views[i].rowView = newRowView(x.Finding)
		for _, n := range x.Exceptions {
			views[i].Notes = append(views[i].Notes, newNoteView(n))
		}
	}
	return views
}

type lapsedView struct {
	ID string
	noteView
}

func lapsedViews(lapsed []gate.LapsedException) []lapsedView {
	views := make([]lapsedView, len(lapsed))
	for i, l := range lapsed {
		views[i] = lapsedView{shown(l.ID, longestID), newNoteView(l.ExceptionNote)}
	}
	return views
}

// attentionView is an exception that somebody should look at.
type attentionView struct {
	State, IDs string
	noteView
}

func attentionViews(reports []gate.ExceptionReport) []attentionView {
	views := make([]attentionView, len(reports))
	for i, r := range reports {
		ids := cmp.Or(strings.Join(r.IDs, ", "), "any")
		views[i] = attentionView{stateTexts[r.State], shown(ids, longestTitle), newNoteView(r.ExceptionNote)}
	}
	return views
}

var stateTexts = map[gate.ExceptionState]string{
	gate.ExceptionExpired:  "Expired",
	gate.ExceptionExpiring: "Lapses soon",
	gate.ExceptionUnused:   "Matched nothing",
}
