package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	Succeeded  Result = "succeeded"
	Failed     Result = "failed"
	HandedBack Result = "handed_back" // waits for its scan
	NotOurs    Result = "not_ours"    // another worker has it, or it was stopped
	Unreported Result = "unreported"  // AWS did not take the report
)

// callTimeout bounds one call to CodePipeline or S3, retries included.
const callTimeout = 15 * time.Second

// desk judges jobs and reports on them, for the worker and the function alike.
type desk struct {
	config       aws.Config
	client       *codepipeline.Client
	gate         Checker
	registryHost func(account, region string) (string, bool)
	maxWait      time.Duration
	now          func() time.Time
	log          *slog.Logger
	counts       func(Result)
	reports      map[string]func(io.Writer, []gate.Verdict) error
	// properties reads those of a job, as the action's configuration holds them.
	properties func(*types.JobData) (map[string]string, error)
	pause      time.Duration // before a report is tried again; twice as long each time
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
	if d.counts == nil {
		d.counts = func(Result) {}
	}
	d.maxWait = orDefault(d.maxWait, DefaultMaxWait)
	if d.reports == nil {
		d.reports = map[string]func(io.Writer, []gate.Verdict) error{"verdict.json": verdictJSON}
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

// deliver stores the report where it is the last, and sends it. Its context must
// outlive a SIGTERM.
func (d *desk) deliver(ctx context.Context, job types.Job, out report, log *slog.Logger) Result {
	if len(out.verdicts) > 0 {
		storing, cancel := context.WithTimeout(ctx, storeTime(ctx))
		out.reportKey = d.store(storing, job.Data, out.verdicts, log)
		cancel()
	}
	return d.send(ctx, aws.ToString(job.Id), out, log)
}

// storeTime leaves most of what is left of a deadline to the report itself: without
// it the job hangs.
func storeTime(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(callTimeout, time.Until(deadline)/3)
	}
	return callTimeout
}

// unstoppable outlives SIGTERM, which stops the polling but not a job in hand.
func unstoppable(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// sleep reports false if ctx was done before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
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
