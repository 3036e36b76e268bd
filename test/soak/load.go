package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/ecr-gate/ecr-gate/test/process"
)

// reviewOn asks about pods, one after the other, until ctx is done. The review in
// hand is waited for.
func (s *soak) reviewOn(ctx context.Context, random *rand.Rand) error {
	for pause(ctx, between(random, s.pace/2, s.pace*3/2)) {
		s.review(context.WithoutCancel(ctx), s.process, s.world.choose(random))
	}
	return nil
}

// review asks about one pod and has the oracle rule on the answer.
func (s *soak) review(whole context.Context, p *process.Process, refs []*reference) {
	ctx, cancel := context.WithTimeout(whole, 15*time.Second)
	defer cancel()
	from := s.world.settled()
	a, err := p.Review(ctx, names(refs)...)
	to := s.world.now()
	if whole.Err() != nil {
		return // nobody waits for it any more
	}
	if err != nil {
		s.tally.violate("a review got no answer: %v", err)
		return
	}
	r := review(s.world.clock, refs, from, to, a)
	s.tally.reviewed(len(refs), r, a.Took)
	if r.violation != "" {
		s.tally.violate("%s; asked at %s, answered %s later", r.violation, from.UTC().Format("15:04:05.000"), a.Took.Round(time.Millisecond))
	}
}
