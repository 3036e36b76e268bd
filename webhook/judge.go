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

type answer struct {
	question
	verdict gate.Verdict
}

// verdicts are the answers to all questions of a review.
type verdicts struct {
	only *answer // of a review with one question, as most are
	many map[question]gate.Verdict
}

// on is the answer to a question; false: it was not asked.
func (v verdicts) on(q question) (gate.Verdict, bool) {
	if v.only != nil && v.only.question == q {
		return v.only.verdict, true
	}
	verdict, ok := v.many[q]
	return verdict, ok
}

// lastWords is how long before a review's time ends the gate's does, where several
// questions are waited for: what it knows by then, that it is busy or what ECR said
// before, is told. A gate that says nothing is not waited for any longer.
const lastWords = 50 * time.Millisecond

// judge asks for a verdict on every image under every policy, all in parallel, and
// is back when ctx ends: what has no verdict by then could not be checked.
func judge(ctx context.Context, checker Checker, images [][]use, policies []string, dryRun bool) verdicts {
	if len(images) == 1 && len(policies) == 1 { // a gate is back when ctx ends
		q := question{images[0][0].image, policies[0]}
		return verdicts{only: &answer{q, check(ctx, checker, q, dryRun)}}
	}
	questions := make([]question, 0, len(images)*len(policies))
	for _, uses := range images {
		for _, policy := range policies {
			questions = append(questions, question{uses[0].image, policy})
		}
	}
	answers := make(chan answer, len(questions))
	checking, cancel := withLastWords(ctx)
	defer cancel()
	for _, q := range questions {
		go func() { answers <- answer{q, check(checking, checker, q, dryRun)} }()
	}
	many := make(map[question]gate.Verdict, len(questions))
	for len(many) < len(questions) {
		select {
		case a := <-answers:
			many[a.question] = a.verdict
		case <-ctx.Done():
			return withLate(many, answers, questions, ctx.Err())
		}
	}
	return verdicts{many: many}
}

// withLastWords ends before ctx does: lastWords, or where little time is left a part
// of it.
func withLastWords(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(lastWords, time.Until(end)/10)))
}

// check is one verdict. A panic is contained: in a goroutine it would take every
// other review down with it.
func check(ctx context.Context, checker Checker, q question, dryRun bool) (v gate.Verdict) {
	defer func() {
		if p := recover(); p != nil {
			v = unjudged(q, fmt.Errorf("panic: %v", p))
		}
	}()
	return checker.Check(ctx, gate.Request{Image: q.image, Policy: policyName(q), DryRun: dryRun}).Short()
}

// policyName is what the gate calls the policy; empty: the first that matches.
func policyName(q question) string {
	if q.policy == Auto {
		return ""
	}
	return q.policy
}

// withLate is what there is by the end of the time, with the answers that came at the
// same moment; the rest could not be checked.
func withLate(many map[question]gate.Verdict, answers <-chan answer, questions []question, err error) verdicts {
	for range len(answers) {
		a := <-answers
		many[a.question] = a.verdict
	}
	for _, q := range questions {
		if _, ok := many[q]; !ok {
			many[q] = unjudged(q, err)
		}
	}
	return verdicts{many: many}
}

// unjudged is the verdict where the gate gave none: for an end of the time, or for a
// fault of ours, of which there may be no error.
func unjudged(q question, err error) gate.Verdict {
	img, unread := gate.ParseImage(q.image)
	if unread != nil {
		img = gate.Image{Written: gate.Clip(q.image, maxFirstLine)}
	}
	return gate.Unjudged(policyName(q), img, gate.AsTrouble(err))
}
