package main

import (
	"bytes"
	"cmp"
	"slices"
)

// edits are texts to write into another one. What is wrapped first is the outer one.
type edits struct {
	inserts []insert
	removed map[int]int // bytes, by where they begin
}

type insert struct {
	at    int
	text  string
	order int
	close bool
}

func (e *edits) wrap(from, to int, before, after string) {
	n := len(e.inserts)
	e.inserts = append(e.inserts, insert{from, before, n, false}, insert{to, after, n, true})
}

func (e *edits) replace(at, length int, text string) {
	e.inserts = append(e.inserts, insert{at, text, len(e.inserts), false})
	if e.removed == nil {
		e.removed = map[int]int{}
	}
	e.removed[at] = length
}

// apply writes, at one place, what closes before what opens: closing the inner first,
// opening the outer first.
func (e *edits) apply(text []byte) []byte {
	slices.SortStableFunc(e.inserts, func(a, b insert) int {
		switch {
		case a.at != b.at:
			return a.at - b.at
		case a.close && b.close:
			return cmp.Compare(b.order, a.order)
		case a.close:
			return -1
		case b.close:
			return 1
		default:
			return cmp.Compare(a.order, b.order)
		}
	})
	var out bytes.Buffer
	at := 0
	for _, i := range e.inserts {
		if i.at > at {
			out.Write(text[at:i.at])
			at = i.at
		}
		out.WriteString(i.text)
		if n := e.removed[i.at]; n > 0 && !i.close {
			at = i.at + n
			delete(e.removed, i.at)
		}
	}
	out.Write(text[at:])
	return out.Bytes()
}
