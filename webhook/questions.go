package webhook

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Each open question is a goroutine, which with all it holds takes some 20 KiB.
const (
	// fewQuestions are no more than nearly all reviews have. These are bounded by the
	// number of reviews, and no larger one is in their way.
	fewQuestions = 4
	// maxQuestions is how many the larger reviews have open at a time, all together.
	// One peer has half of them, which is more than the largest review needs.
	maxQuestions = 2048
)

// ask judges as [judge] does, once there is room for all questions of the review. An
// error says that there was none.
//
// It waits for half of the time that there is. An image judged too late could not be
// checked, and a gate that only warns of that could else be opened by making it busy.
func (h *Handler) ask(ctx context.Context, checker Checker, images [][]use, policies []string, dryRun bool) (verdicts, error) {
	n := int64(len(images) * len(policies))
	if n <= fewQuestions {
		return judge(ctx, checker, images, policies, dryRun), nil
	}
	h.prepare()
	peer := peerIn(ctx)
	patient, cancel := halfOf(ctx)
	defer cancel()
	if err := h.questions.take(patient, peer, n); err != nil {
		return verdicts{}, err
	}
	open := &openQuestions{Checker: checker, close: func() { h.questions.giveBack(peer, n) }}
	open.left.Store(n)
	return judge(ctx, open, images, policies, dryRun), nil
}

// halfOf ends when half of the time is over that ctx leaves.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ends := ctx.Deadline()
	if !ends {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// openQuestions are one review's, each of which is asked once. They are closed with
// the last of them, which may be after the review was answered.
type openQuestions struct {
	Checker
	left  atomic.Int64
	close func()
}

// Check implements [Checker].
func (q *openQuestions) Check(ctx context.Context, req gate.Request) gate.Verdict {
	defer func() {
		if q.left.Add(-1) == 0 {
			q.close()
		}
	}()
	return q.Checker.Check(ctx, req)
}
