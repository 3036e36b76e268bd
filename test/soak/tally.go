package main

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// tally counts what happened, and keeps what should not have.
type tally struct {
	mu sync.Mutex // over all that follows

	reviews, images, unanswered, stale int
	answers                            map[fate]int
	jobs                               map[string]int
	took                               []time.Duration
	silences                           map[string]int // by what was said of them
	faults                             map[string]int
	lines                              map[string]int // of the log, by level
	errors                             map[string]int // of those, by what they say

	wrong      int
	violations []string // the first of them
}

func newTally() *tally {
	return &tally{answers: map[fate]int{}, jobs: map[string]int{}, silences: map[string]int{}, faults: map[string]int{}, lines: map[string]int{}, errors: map[string]int{}}
}

// shown is how many violations are told in full.
const shown = 10

func (t *tally) violate(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrong++
	if len(t.violations) < shown {
		t.violations = append(t.violations, fmt.Sprintf(format, args...))
	}
}

func (t *tally) reviewed(images int, r ruling, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reviews++
	t.images += images
	t.took = append(t.took, took)
	t.count(r)
}

// asked is how many reviews were answered so far.
func (t *tally) asked() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reviews
}

func (t *tally) count(r ruling) {
	if r.silence != "" {
		t.unanswered++
		t.silences[r.silence]++
	} else {
		t.answers[r.answer]++
	}
	if r.stale {
		t.stale++
	}
}

func (t *tally) reported(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.jobs[what]++
}

// struck counts a fault that AWS was made to have.
func (t *tally) struck(f awslocal.Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults[faultName(f)]++
}

func faultName(f awslocal.Fault) string {
	switch {
	case f.Hang:
		return "no answer at all"
	case f.Code == "ThrottlingException":
		return "throttled"
	case f.Status != 0:
		return "5xx"
	case f.Garbage != nil:
		return "garbage"
	case f.Truncate < 0:
		return "connection dropped"
	case f.Truncate > 0:
		return "answer cut short"
	default:
		return "slow answer"
	}
}

// percentile is the time that so much of all reviews took at the most.
func (t *tally) percentile(of float64) time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t.took))
	return sorted[min(len(sorted)-1, int(of*float64(len(sorted))))]
}
