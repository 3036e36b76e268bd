package webhook

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// listing has findings and lists.
type listing struct{}

func (listing) Check(_ context.Context, req gate.Request) gate.Verdict {
	return gate.Verdict{Image: req.Image, Findings: make([]gate.Finding, 1), Manifests: make([]gate.ManifestVerdict, 1)}
}

// busy knows why it has no verdict, and says so when its time ends.
type busy struct{}

func (busy) Check(ctx context.Context, req gate.Request) gate.Verdict {
	<-ctx.Done()
	return gate.Unjudged(req.Policy, gate.Image{Written: req.Image}, &gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "it is busy"})
}

// A cause that is known when the time ends is told, however many questions there are
// and however little time there was; and the answer is not late for it.
func TestKnownCauseIsTold(t *testing.T) {
	one, two := []use{{image: "x/y:1"}}, []use{{image: "x/y:2"}}
	for _, left := range []time.Duration{time.Millisecond, 900 * time.Millisecond, 29 * time.Second} {
		for range 20 { // it was a matter of chance
			for _, q := range []struct {
				images   [][]use
				policies []string
			}{{[][]use{one}, []string{"dev"}}, {[][]use{one, two}, []string{"dev"}}, {[][]use{one}, []string{"dev", "prod"}}} {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), left)
					defer cancel()
					began := time.Now()
					all := judge(ctx, busy{}, q.images, q.policies, false)
					if took := time.Since(began); took > left {
						t.Errorf("of %s it took %s", left, took)
					}
					for _, uses := range q.images {
						for _, policy := range q.policies {
							if v, _ := all.on(question{uses[0].image, policy}); !strings.Contains(v.Reason, "it is busy") {
								t.Fatalf("%d images, %d policies, %s: %s", len(q.images), len(q.policies), left, v.Reason)
							}
						}
					}
				})
			}
		}
	}
}

// An answer that came at the moment when the time ended is no less an answer.
func TestAnswersOfTheLastMoment(t *testing.T) {
	first, second := question{"x/y:1", "dev"}, question{"x/y:2", "dev"}
	answers := make(chan answer, 2)
	answers <- answer{first, gate.Verdict{Outcome: gate.Allowed}}
	all := withLate(map[question]gate.Verdict{}, answers, []question{first, second}, context.DeadlineExceeded)
	if v, ok := all.on(first); !ok || v.Outcome != gate.Allowed {
		t.Errorf("%t %+v", ok, v)
	}
	if v, ok := all.on(second); !ok || v.Outcome != gate.Unavailable {
		t.Errorf("%t %+v", ok, v)
	}
}

// A review keeps up to a hundred verdicts at a time, so it keeps none of their lists.
func TestVerdictsAreKeptShort(t *testing.T) {
	for _, images := range [][][]use{{{{image: "x/y:1"}}}, {{{image: "x/y:1"}}, {{image: "x/y:2"}}}} {
		all := judge(t.Context(), listing{}, images, []string{"dev"}, false)
		for _, uses := range images {
			if v, ok := all.on(question{uses[0].image, "dev"}); !ok || v.Image != uses[0].image || v.Findings != nil || v.Manifests != nil {
				t.Errorf("of %d images: %t %+v", len(images), ok, v)
			}
		}
	}
}

// Of a peer that has left nothing is left: there are any number of them.
func TestSharesOfWhoHasLeft(t *testing.T) {
	s := newShares(10)
	for _, peer := range []string{"10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1"} {
		if err := s.enter(t.Context(), peer, 5); err != nil {
			t.Fatal(err)
		}
	}
	full, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.enter(full, "10.0.0.1:3", 5); err == nil {
		t.Error("more than its share")
	}
	for _, peer := range []string{"10.0.0.1:1", "10.0.0.2:1"} {
		s.leave(peer, 5)
	}
	if len(s.of) != 1 {
		t.Errorf("%d are known, and one is there", len(s.of))
	}
	if s.leave("10.0.0.1:2", 5); len(s.of) != 0 {
		t.Errorf("%d are known, and nobody is there", len(s.of))
	}
}
