package webhook

import (
	"context"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
)

// listing has findings and lists.
type listing struct{}

func (listing) Check(_ context.Context, req gate.Request) gate.Verdict {
	return gate.Verdict{Image: req.Image, Findings: make([]gate.Finding, 1), Manifests: make([]gate.ManifestVerdict, 1)}
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
