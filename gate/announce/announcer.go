package announce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Checker gives verdicts; *gate.Gate is one.
type Checker interface {
	Check(ctx context.Context, req gate.Request) gate.Verdict
}

// Announcer judges the images of scan events and publishes the verdicts. Config,
// Gate and RegistryHost are needed.
type Announcer struct {
	Config aws.Config
	// Gate gives the gate of the moment.
	Gate         func(ctx context.Context) (Checker, error)
	RegistryHost func(account, region string) (string, bool)

	TopicARN string // SNS topic that hears of every image that is not allowed; empty: none
	EventBus string // name or ARN of the event bus that hears of every verdict; empty: none

	Log *slog.Logger // nil: nothing is logged
}

const (
	// lookAgain is the pause between looks at a result that is not settled: two reads
	// this far apart that agree settle it.
	lookAgain = 10 * time.Second
	// publishReserve is kept for publishing, of the invocation's time.
	publishReserve = 10 * time.Second
	usualTimeout   = time.Minute // for a context without a deadline
	callTimeout    = 5 * time.Second
)

// Handle judges the image of one event and publishes the verdict. After an error
// Lambda calls again, twice: that bridges what a result takes to settle, and an
// outage. What was published by then may be published once more.
func (a Announcer) Handle(ctx context.Context, raw []byte) error {
	if a.Log == nil {
		a.Log = slog.New(slog.DiscardHandler)
	}
	s, err := read(raw)
	if err != nil {
		return err
	}
	image, err := s.image(a.RegistryHost)
	if err != nil {
		return err
	}
	v, err := a.judge(ctx, image)
	if err != nil {
		return err
	}
	a.log(ctx, v)
	if !final(v) {
		return fmt.Errorf("no verdict to publish yet, asked again later: %s", v.Reason)
	}
	return errors.Join(a.toBus(ctx, s, v), a.toTopic(ctx, s, v))
}

// judge looks until the verdict will not change or the time is up.
func (a Announcer) judge(ctx context.Context, image string) (gate.Verdict, error) {
	looks, cancel := context.WithTimeout(ctx, lookTime(ctx))
	defer cancel()
	judge, err := a.Gate(looks)
	if err != nil {
		return gate.Verdict{}, fmt.Errorf("could not check %s: %w", image, err)
	}
	// No scan is started, or its end would be the next event.
	req := gate.Request{Image: image, DryRun: true}
	for {
		v := judge.Check(looks, req)
		if final(v) || !pause(looks) {
			return v, nil
		}
		req.Readings = v.Readings()
	}
}

// final verdicts are told at once: one that waiting will not change, and what is over
// policy, though it may pass.
func final(v gate.Verdict) bool { return !v.Passing || v.Outcome == gate.Denied }

// lookTime is how much of the invocation's time the judging may take.
func lookTime(ctx context.Context) time.Duration {
	left := usualTimeout
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	return left - min(left/2, publishReserve)
}

// pause reports false where another look would come too late.
func pause(ctx context.Context) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < lookAgain+callTimeout {
		return false
	}
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (a Announcer) log(ctx context.Context, v gate.Verdict) {
	line := a.Log.With("door", "event", "outcome", v.Outcome.String(), "cause", string(v.Cause),
		"policy", v.Policy, "digest", v.Digest, "reason", v.Reason)
	if v.Err != nil {
		line = line.With("error", v.Err)
	}
	line.InfoContext(ctx, "verdict")
}
