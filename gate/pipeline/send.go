package pipeline

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// mostAttempts is how often an AWS that does not answer is asked.
const mostAttempts = 5

// send reports, and tries again for a while if AWS does not take it. A job that
// is over already needs no report; if an answer was lost before, it is most likely over
// by our own one.
//
// Once stop is closed (nil: never) it tries as long as ctx lets it, and sleeps over
// nothing: a process that is killed in a long pause leaves the job hanging, though AWS
// may be well again.
func (d *desk) send(ctx context.Context, stop <-chan struct{}, job string, out report, log *slog.Logger) Result {
	lost := false // an answer
	for attempt := 1; ; attempt++ {
		err := d.sendOnce(ctx, job, out, &lost)
		switch {
		case err == nil:
			log.Debug("reported", "result", string(out.result))
			return out.result
		case over(err) && lost:
			log.Info("the job is reported already, most likely by us: an answer was lost", "result", string(out.result), "error", err)
			return out.result
		case over(err):
			log.Info("the job is over already", "error", err)
			return NotOurs
		}
		pause, wake := min(maxBackOff, d.retryAfter<<min(attempt, 10)), stop
		stopping := closed(stop)
		if stopping {
			pause, wake = min(pause, time.Second), nil
		}
		if !invalid(err) && (attempt < mostAttempts || stopping) {
			log.Warn("cannot report; trying again", "attempt", attempt, "error", err)
			if sleepUnless(ctx, wake, jitter(pause)) {
				continue
			}
		}
		log.Error("the job stays unreported and will time out", "error", err)
		return Unreported
	}
}

func closed(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// over errors mean that the job was stopped, superseded or reported before.
func over(err error) bool {
	return code(err) == "InvalidJobStateException" || code(err) == "JobNotFoundException"
}

// invalid errors will not go away by trying again.
func invalid(err error) bool {
	return code(err) == "ValidationException" || code(err) == "AccessDeniedException"
}

// sendOnce lets the SDK try again within the time of a call, and sets lost where one of the
// attempts may have taken effect without an answer.
func (d *desk) sendOnce(ctx context.Context, job string, out report, lost *bool) (err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if out.fails() {
		_, err = d.client.PutJobFailureResult(ctx, &codepipeline.PutJobFailureResultInput{
			JobId: aws.String(job), FailureDetails: out.failureDetails(),
		}, attentive(lost))
		return err
	}
	in := &codepipeline.PutJobSuccessResultInput{
		JobId:            aws.String(job),
		ExecutionDetails: &types.ExecutionDetails{Summary: aws.String(cut(out.summary, maxSummary))},
	}
	in.ExecutionDetails.ExternalExecutionId = optional(out.link)
	if out.result == HandedBack {
		in.ContinuationToken = aws.String(out.token)
	} else {
		in.OutputVariables = out.outputVariables()
	}
	_, err = d.client.PutJobSuccessResult(ctx, in, attentive(lost))
	return err
}

// attentive sets lost where an attempt is not answered. Of several that the SDK makes in
// one call only the last one's error would be seen.
func attentive(lost *bool) func(*codepipeline.Options) {
	return func(o *codepipeline.Options) {
		if sdk, ok := o.Retryer.(aws.RetryerV2); ok { // all of the SDK's are
			o.Retryer = attentiveRetryer{sdk, lost}
		}
	}
}

// attentiveRetryer is shown the error of every attempt.
type attentiveRetryer struct {
	aws.RetryerV2
	lost *bool
}

// IsErrorRetryable implements [aws.Retryer].
func (r attentiveRetryer) IsErrorRetryable(err error) bool {
	*r.lost = *r.lost || unanswered(err)
	return r.RetryerV2.IsErrorRetryable(err)
}

// fails is true of every report but a success and a hand-back that has its token:
// without one, CodePipeline would take the hand-back for a success.
func (out report) fails() bool {
	return out.result != Succeeded && (out.result != HandedBack || out.token == "")
}

// failureDetails never leaves out what CodePipeline requires: a refused report
// leaves the job hanging.
func (out report) failureDetails() *types.FailureDetails {
	if out.failure == "" {
		out.failure = types.FailureTypeSystemUnavailable
	}
	if out.summary == "" {
		out.summary = "could not check: ecr-gate itself failed; retry the stage and report the fault"
	}
	return &types.FailureDetails{
		Type: out.failure, Message: aws.String(cut(out.summary, maxMessage)), ExternalExecutionId: optional(out.link),
	}
}

// optional is for a member that may be left out but not empty.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return aws.String(text)
}
