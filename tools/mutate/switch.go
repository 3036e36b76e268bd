package main

// switches is what the mutants of a package go by, compiled into it. Every mutant has a
// number; 0 is none.
const switches = `

import (
	"os"
	"strconv"
	"sync"
)

var (
	mutantOn, _    = strconv.Atoi(os.Getenv("MUTANT"))
	mutantsReached = os.Getenv("MUTANTS_REACHED")
	mutantsMu      sync.Mutex
	mutantsSeen    = map[int]bool{}
)

// mutantIs reports whether the mutant is on.
func mutantIs(id int) bool {
	if mutantsReached != "" {
		mutantReached(id)
	}
	return id == mutantOn
}

func mutantReached(id int) {
	mutantsMu.Lock()
	defer mutantsMu.Unlock()
	if mutantsSeen[id] {
		return
	}
	mutantsSeen[id] = true
	f, err := os.OpenFile(mutantsReached, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strconv.Itoa(id) + "\n"); err != nil {
		panic(err)
	}
}

// mutantAnd is a && b, but with mutants that pass over a or b or are an or.
func mutantAnd(id int, a, b func() bool) bool {
	withoutA, withoutB, or := mutantIs(id), mutantIs(id+1), mutantIs(id+2)
	if or {
		return a() || b()
	}
	return (withoutA || a()) && (withoutB || b())
}

// mutantOr is a || b, likewise.
func mutantOr(id int, a, b func() bool) bool {
	withoutA, withoutB, and := mutantIs(id), mutantIs(id+1), mutantIs(id+2)
	if and {
		return a() && b()
	}
	return (!withoutA && a()) || (!withoutB && b())
}

// mutantEither is the second where the mutant is on.
func mutantEither(id int, original, mutant func() bool) bool {
	if mutantIs(id) {
		return mutant()
	}
	return original()
}

type mutantNumber interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

func mutantADD[T mutantNumber](id int, a, b T) T {
	if mutantIs(id) {
		return a - b
	}
	return a + b
}

func mutantSUB[T mutantNumber](id int, a, b T) T {
	if mutantIs(id) {
		return a + b
	}
	return a - b
}

func mutantMUL[T mutantNumber](id int, a, b T) T {
	if mutantIs(id) {
		return a / b
	}
	return a * b
}

func mutantQUO[T mutantNumber](id int, a, b T) T {
	if mutantIs(id) {
		return a * b
	}
	return a / b
}
`
