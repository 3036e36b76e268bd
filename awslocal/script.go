package awslocal

import "time"

// script is how far an image's scripted scan has come.
type script struct {
	steps []Scan
	since time.Time
	reads int
}

// read returns the step a full read sees, and moves on. False: there is no
// scan (yet).
func (s *script) read(now time.Time) (step int, ok bool) {
	step, ok = s.current(now)
	s.reads++
	return step, ok
}

// current returns the step the next full read will see.
func (s *script) current(now time.Time) (step int, ok bool) {
	if len(s.steps) == 0 {
		return 0, false
	}
	if s.timed() {
		return s.at(now)
	}
	return min(s.reads, len(s.steps)-1), true
}

func (s *script) timed() bool {
	for _, step := range s.steps {
		if step.After > 0 {
			return true
		}
	}
	return false
}

func (s *script) at(now time.Time) (step int, ok bool) {
	for i, candidate := range s.steps {
		if now.Sub(s.since) >= candidate.After {
			step, ok = i, true
		}
	}
	return step, ok
}
