package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Checker gives verdicts; *gate.Gate is one. It never fails, what cannot be judged
// has its own outcome; and it is back when ctx ends.
type Checker interface {
	Check(ctx context.Context, req gate.Request) gate.Verdict
}

// maxImages is how many images of one review are judged, all at once, so that none
// can be late for the sake of others. It is more than a pod plausibly has, and a
// bound on what one review may ask of AWS.
const maxImages = 100

// question is one image held against one policy.
type question struct{ image, policy string }

// judge asks for a verdict on every image under every policy, all in parallel, and
// is back when ctx ends: what has no verdict by then could not be checked.
func (h *Handler) judge(ctx context.Context, images [][]use, policies []string, dryRun bool) map[question]gate.Verdict {
	questions := make([]question, 0, len(images)*len(policies))
	for _, uses := range images {
		for _, policy := range policies {
			questions = append(questions, question{uses[0].image, policy})
		}
	}
	if len(questions) == 1 { // most pods; a gate is back when ctx ends
		return map[question]gate.Verdict{questions[0]: h.check(ctx, questions[0], dryRun)}
	}
	answers := make(chan answer, len(questions))
	for _, q := range questions {
		go func() { answers <- answer{q, h.check(ctx, q, dryRun)} }()
	}
	verdicts := make(map[question]gate.Verdict, len(questions))
	for len(verdicts) < len(questions) {
		select {
		case a := <-answers:
			verdicts[a.question] = a.verdict
		case <-ctx.Done():
			return withLate(verdicts, questions, ctx.Err())
		}
	}
	return verdicts
}

type answer struct {
	question
	verdict gate.Verdict
}

// check is one verdict. A panic is contained: in a goroutine it would take every
// other review down with it.
func (h *Handler) check(ctx context.Context, q question, dryRun bool) (v gate.Verdict) {
	defer func() {
		if p := recover(); p != nil {
			v = unjudged(q, &gate.Trouble{
				Cause: gate.Internal, Text: "a fault of ecr-gate itself", Mend: "report it with ecr-gate's log",
				Err: fmt.Errorf("panic: %v", p),
			})
		}
	}()
	return h.Gate.Check(ctx, gate.Request{Image: q.image, Policy: policyName(q), DryRun: dryRun})
}

// policyName is what the gate calls the policy; empty: the first that matches.
func policyName(q question) string {
	if q.policy == Auto {
		return ""
	}
	return q.policy
}

func withLate(verdicts map[question]gate.Verdict, questions []question, err error) map[question]gate.Verdict {
	for _, q := range questions {
		if _, ok := verdicts[q]; !ok {
			verdicts[q] = unjudged(q, &gate.Trouble{
				Cause: gate.NotReadable, Passing: true, Text: "there was no answer in time", Mend: "try again", Err: err,
			})
		}
	}
	return verdicts
}

func unjudged(q question, t *gate.Trouble) gate.Verdict {
	img, err := gate.ParseImage(q.image)
	if err != nil {
		img = gate.Image{Written: clip(q.image, maxFirstLine)}
	}
	return gate.Unjudged(policyName(q), img, t)
}

// reserve is what is kept of the API server's own timeout for the way back: after
// it the person would read that a call failed, and not why.
func reserve(timeout time.Duration) time.Duration {
	return min(max(timeout/10, 100*time.Millisecond), time.Second)
}
