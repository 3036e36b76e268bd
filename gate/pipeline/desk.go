package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/smithy-go"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Checker gives verdicts; *gate.Gate is one.
type Checker interface {
	Check(ctx context.Context, req gate.Request) gate.Verdict
}

// Result is what became of one delivery of a job.
type Result string

// The results, as the metric ecr_gate_jobs_total names them.
const (
	Succeeded      Result = "succeeded"
	Failed         Result = "failed"
	HandedBack     Result = "handed_back"    // waits for its scan
	NotOurs        Result = "not_ours"       // another worker has it or reported it, or it was stopped
	Unacknowledged Result = "unacknowledged" // AWS did not take the acknowledgement, and may never offer it again
	Unreported     Result = "unreported"     // AWS did not take the report
)

// Results are all there are.
func Results() []Result {
	return []Result{Succeeded, Failed, HandedBack, NotOurs, Unacknowledged, Unreported}
}

// callTimeout bounds one call to CodePipeline or S3, retries included.
const callTimeout = 15 * time.Second

// desk judges jobs and reports on them, for the worker and the function alike.
type desk struct {
	config       aws.Config
	client       *codepipeline.Client
	gate         Checker
	registryHost func(account, region string) (string, bool)
	maxWait      time.Duration
	files        Files // of the output artifact
	now          func() time.Time
	log          *slog.Logger
	verdicts     func([]gate.Verdict) // called with those of a report that is the last
	writing      chan struct{}        // a token for the job whose artifact is being written
	// properties reads those of a job, as the action's configuration holds them.
	properties func(*types.JobData) (map[string]string, error)
	retryAfter time.Duration // half the pause before a report is sent again; doubles each time
	// without is why there is no gate to judge by; nil: there is one.
	without error
}

// ready fills in what was left out.
func (d *desk) ready() *desk {
	d.client = codepipeline.NewFromConfig(d.config)
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.now == nil {
		d.now = time.Now
	}
	d.maxWait = orDefault(d.maxWait, DefaultMaxWait)
	if d.files == nil {
		d.files = verdictOnly
	}
	d.writing = make(chan struct{}, 1)
	if d.verdicts == nil {
		d.verdicts = func([]gate.Verdict) {}
	}
	return d
}

func orDefault[T int | time.Duration](n, otherwise T) T {
	if n > 0 {
		return n
	}
	return otherwise
}

// judgeSafely turns a panic into a report: a job must never be left hanging.
func (d *desk) judgeSafely(ctx context.Context, job types.Job, limit time.Duration, log *slog.Logger) (out report) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("panic while judging", "panic", fmt.Sprint(p))
			out = failure(types.FailureTypeSystemUnavailable, "could not check: ecr-gate itself failed; retry the stage and report the fault")
		}
	}()
	look, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	// A look that took too long is no SIGTERM: only that hands back past the deadline.
	return d.judge(look, job, func() bool { return ctx.Err() != nil }, log)
}

// deliver stores the output artifact of a report that is the last, and sends the
// report. Its context must outlive a SIGTERM; stop, nil for none, tells of one.
func (d *desk) deliver(ctx context.Context, stop <-chan struct{}, job types.Job, out report, log *slog.Logger) Result {
	if len(out.verdicts) > 0 {
		storing, cancel := context.WithTimeout(ctx, storeTime(ctx))
		out.reportKey = d.store(storing, job.Data, out.verdicts, log)
		cancel()
		if out.reportKey == "" && len(job.Data.OutputArtifacts) > 0 {
			out.summary = withoutArtifact(out.summary)
		}
	}
	return d.send(ctx, stop, aws.ToString(job.Id), out, log)
}

// storeTime leaves most of what is left of a deadline to the report itself: without
// it the job hangs.
func storeTime(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(callTimeout, time.Until(deadline)/3)
	}
	return callTimeout
}

// sleep reports false if ctx was done before.
func sleep(ctx context.Context, d time.Duration) bool { return sleepUnless(ctx, nil, d) }

// sleepUnless is cut short where stop is closed. It reports false if ctx was done before.
func sleepUnless(ctx context.Context, stop <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-stop:
		return true
	case <-timer.C:
		return true
	}
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
