package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Function does the jobs of CodePipeline's Lambda action. The zero value is not
// usable: Config, Gate and RegistryHost are needed.
type Function struct {
	Config aws.Config
	// Gate gives the gate of the moment and how long a job waits for its scan, by
	// default. Its error is reported as the job's failure: a [*gate.Trouble] by its
	// cause, any other as a fault of the configuration.
	Gate         func(ctx context.Context) (Checker, time.Duration, error)
	RegistryHost func(account, region string) (string, bool)
	// Enforce refuses jobs that choose a Mode or a Policy. Pipeline variables are put
	// into UserParameters as they are, so whoever writes an image's name could add
	// keys to it.
	Enforce bool

	Files Files // of the output artifact; nil: verdict.json

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: nothing is logged
}

// What an invocation's time is kept for. Lambda ends the process at the function's
// timeout, and a job that is not reported by then hangs for 20 minutes.
const (
	// usualTimeout is for a context without a deadline.
	usualTimeout = time.Minute
	// reportReserve is kept for the report: several attempts.
	reportReserve = 15 * time.Second
	// maxHold is how long an unfinished job is held before it is handed back. When
	// CodePipeline calls again is documented nowhere; at once would be a storm.
	maxHold = 10 * time.Second
)

// Handle does the job of one event. It returns nil once the job is reported, since
// Lambda calls again after an error, and an error only where nothing could be
// reported.
func (f Function) Handle(ctx context.Context, event []byte) error {
	if f.Gate == nil || f.RegistryHost == nil {
		return errors.New("pipeline: function without a gate")
	}
	job, err := readEvent(event)
	if err != nil {
		return err
	}
	end := time.Now().Add(lookTime(ctx))
	judge, maxWait, without := f.gate(ctx, time.Until(end)/2)
	d := (&desk{
		config: f.Config, gate: judge, without: without, registryHost: f.RegistryHost, maxWait: maxWait, files: f.Files,
		now: f.Now, log: f.Log, properties: f.properties, retryAfter: time.Second / 2,
	}).ready()
	log := d.log.With("job", aws.ToString(job.Id))
	began := time.Now()
	out := d.judgeSafely(ctx, job, time.Until(end), log)
	enough := 2 * time.Since(began)
	if hold := min(maxHold, time.Until(end)/3); out.result == HandedBack && hold > 0 && sleep(ctx, jitter(hold)) && time.Until(end) > enough {
		job.Data.ContinuationToken = aws.String(out.token)
		// A look that ran out of time says less than the one before it.
		if again := d.judgeSafely(ctx, job, time.Until(end), log); time.Now().Before(end) {
			out = again
		}
	}
	if d.deliver(ctx, nil, job, out, log) == Unreported {
		return errors.New("the job is not reported to CodePipeline, for the reason logged; " +
			"the function's role needs codepipeline:PutJobSuccessResult and codepipeline:PutJobFailureResult on *")
	}
	return nil
}

// gate bounds how long the configuration may be waited for.
func (f Function) gate(ctx context.Context, limit time.Duration) (judge Checker, maxWait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = &gate.Trouble{
				Cause: gate.Internal, Text: "ecr-gate itself failed over its configuration", Mend: "report the fault",
				Err: fmt.Errorf("panic: %v", p),
			}
		}
	}()
	return f.Gate(ctx)
}

func (f Function) properties(data *types.JobData) (map[string]string, error) {
	given, err := userParameters(data)
	if err != nil || !f.Enforce {
		return given, err
	}
	for _, name := range []string{"Mode", "Policy"} {
		if given[name] != "" {
			return nil, mistakef("UserParameters set %s, and this function lets no job choose it (ECR_GATE_ENFORCE); leave it out", name)
		}
	}
	return given, nil
}

// lookTime is how much of the invocation's time the judging may take.
func lookTime(ctx context.Context) time.Duration {
	left := usualTimeout
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	return left - min(left/2, reportReserve)
}
