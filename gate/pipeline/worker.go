package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// What a worker does where its fields are zero.
const (
	DefaultPollInterval = 5 * time.Second
	DefaultMaxWait      = 20 * time.Minute
	DefaultConcurrency  = 10
)

const (
	// judgeTimeout bounds one look at a job's images. Each AWS call within has a
	// shorter deadline of its own.
	judgeTimeout = time.Minute
	// maxBackOff is the longest pause between polls while AWS does not answer.
	maxBackOff = time.Minute
)

// Worker polls for the jobs of one custom action and reports on each. The zero
// value is not usable: Config, Gate and RegistryHost are needed.
type Worker struct {
	Config     aws.Config
	Gate       Checker
	ActionType ActionType // zero fields: Test, EcrGate, 1
	// RegistryHost names the ECR registry of an account and Region, for jobs that
	// name a repository only.
	RegistryHost func(account, region string) (string, bool)

	// Reports are the files of the output artifact, by name. Nil: verdict.json.
	Reports map[string]func(io.Writer, []gate.Verdict) error

	MaxWait      time.Duration // how long a job waits for its scan; a job may say otherwise
	PollInterval time.Duration // between polls, jittered by a fifth
	Concurrency  int           // jobs in hand at a time

	Now    func() time.Time    // nil: time.Now
	Log    *slog.Logger        // nil: nothing is logged
	Counts func(result Result) // called once per delivered job; may be nil
}

// run is a worker at work.
type run struct {
	Worker
	*desk
	slots chan struct{} // one token per job in hand
	jobs  sync.WaitGroup
}

// Run polls until ctx is done, then hands back what is in hand and returns. It
// returns an error only if it cannot start.
func (w Worker) Run(ctx context.Context) error {
	if w.Gate == nil || w.RegistryHost == nil {
		return errors.New("pipeline: worker without a gate")
	}
	r := w.start()
	defer r.jobs.Wait()
	r.log.Info("polling for jobs", "actionType", r.ActionType.String(), "region", r.config.Region)
	for failures := 0; ctx.Err() == nil; {
		free := r.takeSlots(ctx)
		if free == 0 {
			break
		}
		polled, err := r.poll(ctx, free)
		if err == nil && failures > 0 {
			r.log.Info("polling works again", "failures", failures)
		}
		failures = next(failures, err)
		if !r.pause(ctx, failures, polled == free) {
			break
		}
	}
	r.log.Info("stopped polling; handing back what is in hand")
	return nil
}

func (w Worker) start() *run {
	w.PollInterval = orDefault(w.PollInterval, DefaultPollInterval)
	w.Concurrency = orDefault(w.Concurrency, DefaultConcurrency)
	w.ActionType = w.ActionType.withDefaults()
	d := (&desk{
		config: w.Config, gate: w.Gate, registryHost: w.RegistryHost, maxWait: w.MaxWait,
		now: w.Now, log: w.Log, counts: w.Counts,
		properties: actionProperties, reports: w.Reports, pause: w.PollInterval,
	}).ready()
	return &run{Worker: w, desk: d, slots: make(chan struct{}, w.Concurrency)}
}

// takeSlots waits for a free slot and takes every one there is. 0: ctx is done.
func (r *run) takeSlots(ctx context.Context) int {
	select {
	case <-ctx.Done():
		return 0
	case r.slots <- struct{}{}:
	}
	taken := 1
	for {
		select {
		case r.slots <- struct{}{}:
			taken++
		default:
			return taken
		}
	}
}

// poll asks for as many jobs as slots were taken, starts them and frees the rest.
// A poll under way is not cut off by ctx: the jobs in an answer nobody reads are
// lost until CodePipeline's own timeout.
func (r *run) poll(ctx context.Context, slots int) (int, error) {
	jobs, err := r.pollJobs(ctx, slots)
	for range slots - len(jobs) {
		<-r.slots
	}
	for _, job := range jobs {
		r.jobs.Go(func() {
			defer func() { <-r.slots }()
			r.work(ctx, job)
		})
	}
	return len(jobs), err
}

func (r *run) pollJobs(ctx context.Context, slots int) ([]types.Job, error) {
	call, cancel := context.WithTimeout(unstoppable(ctx), callTimeout)
	defer cancel()
	out, err := r.client.PollForJobs(call, &codepipeline.PollForJobsInput{
		ActionTypeId: r.ActionType.id(),
		MaxBatchSize: aws.Int32(int32(slots)), //nolint:gosec // at most Concurrency
	})
	if err != nil {
		r.log.Error("cannot poll for jobs", "error", err, "hint", pollHint(err))
		return nil, err
	}
	if len(out.Jobs) > slots {
		// More than asked for was never seen; the surplus stays unacknowledged.
		return out.Jobs[:slots], nil
	}
	return out.Jobs, nil
}

func pollHint(err error) string {
	switch code(err) {
	case "ActionTypeNotFoundException":
		return "register the action type first: ecr-gate action-type --register"
	case "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException":
		return "AWS does not accept our credentials: check the role or keys ecr-gate runs with"
	case "AccessDenied": // of STS
		return "see the trust policy of the role ecr-gate runs with"
	case "AccessDeniedException":
		return "allow codepipeline:PollForJobs, AcknowledgeJob, PutJobSuccessResult and PutJobFailureResult"
	case "":
		return "no answer from AWS: check Region, network and credentials; trying again with back-off"
	default:
		return "trying again with back-off"
	}
}

func next(failures int, err error) int {
	if err == nil {
		return 0
	}
	return failures + 1
}

// pause waits before the next poll; false: ctx is done. Where every free slot was
// filled there is likely more to fetch, so the pause is short.
func (r *run) pause(ctx context.Context, failures int, more bool) bool {
	wait := r.PollInterval
	switch {
	case failures > 0:
		wait = min(maxBackOff, r.PollInterval<<min(failures, 10))
	case more:
		wait /= 10
	}
	return sleep(ctx, jitter(wait))
}

// jitter spreads workers that were started together: a fifth either way.
func jitter(d time.Duration) time.Duration {
	fifth := int64(d) / 5
	if fifth <= 0 {
		return d
	}
	return d - time.Duration(fifth) + time.Duration(rand.Int64N(2*fifth)) //nolint:gosec // no secret
}

// work takes one job through acknowledge, judge and report.
func (r *run) work(ctx context.Context, polled types.Job) {
	log := r.log.With("job", aws.ToString(polled.Id))
	if !r.acknowledge(ctx, polled, log) {
		r.counts(NotOurs)
		return
	}
	out := r.judgeSafely(ctx, polled, judgeTimeout, log)
	r.counts(r.deliver(unstoppable(ctx), polled, out, log))
}

// acknowledge reports whether the job is ours to do. Going on in any other state
// than InProgress would judge a job that is over, or that another worker has.
func (r *run) acknowledge(ctx context.Context, job types.Job, log *slog.Logger) bool {
	call, cancel := context.WithTimeout(unstoppable(ctx), callTimeout)
	defer cancel()
	out, err := r.client.AcknowledgeJob(call, &codepipeline.AcknowledgeJobInput{JobId: job.Id, Nonce: job.Nonce})
	switch {
	case code(err) == "InvalidNonceException":
		log.Info("another worker has the job")
		return false
	case err != nil:
		log.Error("cannot acknowledge the job", "error", err)
		return false
	case out.Status != types.JobStatusInProgress:
		log.Info("the job is over", "status", out.Status)
		return false
	}
	return true
}
