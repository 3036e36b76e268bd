package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// What a worker does where its fields are zero.
const (
	DefaultPollInterval = 5 * time.Second
	DefaultMaxWait      = 20 * time.Minute
	DefaultConcurrency  = 10
	// DefaultStopWithin fits into the 40 s that the chart leaves a worker from SIGTERM on.
	DefaultStopWithin = 37 * time.Second
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
	ActionType ActionType
	// RegistryHost names the ECR registry of an account and Region, for jobs that
	// name a repository only.
	RegistryHost func(account, region string) (string, bool)

	Files Files // of the output artifact; nil: verdict.json

	MaxWait      time.Duration // how long a job waits for its scan; a job may say otherwise
	PollInterval time.Duration // between polls, jittered by a fifth
	Concurrency  int           // jobs in hand at a time
	StopWithin   time.Duration // after Run's context ends, until calls under way and reports nobody takes are given up

	ConfigFile string // as it was given, for what the log says to do; empty: none

	Now    func() time.Time    // nil: time.Now
	Log    *slog.Logger        // nil: nothing is logged
	Counts func(result Result) // called once per delivered job; may be nil
	// Verdicts is called with a job's verdicts once they are its last: not with those of a
	// job that is handed back, which are given anew at every look. May be nil.
	Verdicts func([]gate.Verdict)
}

// run is a worker at work.
type run struct {
	*desk
	actionType   ActionType
	register     string // the command that registers it
	pollInterval time.Duration
	inHandUntil  context.Context // of what SIGTERM does not stop; ends StopWithin after it
	counts       func(Result)
	slots        chan struct{} // one token per job in hand
	jobs         sync.WaitGroup
	inHand       sync.Map // of delivery to nothing: those that a slot works on
}

// delivery is a job as one poll or several handed it out.
type delivery struct{ job, nonce string }

// Run polls until ctx is done, then hands back what is in hand and returns. It
// returns an error only if it cannot start.
func (w Worker) Run(ctx context.Context) error {
	if w.Gate == nil || w.RegistryHost == nil {
		return errors.New("pipeline: worker without a gate")
	}
	r := w.start()
	outliving, cancel := outlive(ctx, orDefault(w.StopWithin, DefaultStopWithin))
	defer cancel()
	r.inHandUntil = outliving
	defer r.jobs.Wait()
	r.log.Info("polling for jobs", "actionType", r.actionType.String(), "region", r.config.Region)
	for failures := 0; ctx.Err() == nil; {
		free := r.takeSlots(ctx)
		if free == 0 {
			break
		}
		more, err := r.poll(ctx, free)
		if err == nil && failures > 0 {
			r.log.Info("polling works again", "failures", failures)
		}
		failures = next(failures, err)
		if !sleep(ctx, jitter(pause(r.pollInterval, failures, more))) {
			break
		}
	}
	r.log.Info("stopped polling; handing back what is in hand")
	return nil
}

// outlive is a context that ends so long after another one has ended.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = sleep(longer, by)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

func (w Worker) start() *run {
	r := &run{
		actionType:   w.ActionType,
		register:     registerCommand(w.Config.Region, w.ConfigFile),
		pollInterval: orDefault(w.PollInterval, DefaultPollInterval),
		counts:       w.Counts,
		slots:        make(chan struct{}, orDefault(w.Concurrency, DefaultConcurrency)),
	}
	if r.counts == nil {
		r.counts = func(Result) {}
	}
	r.desk = (&desk{
		config: w.Config, gate: w.Gate, registryHost: w.RegistryHost, maxWait: w.MaxWait, files: w.Files,
		now: w.Now, log: w.Log, verdicts: w.Verdicts, properties: actionProperties, retryAfter: r.pollInterval,
	}).ready()
	return r
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

// poll asks for as many jobs as slots were taken, starts them and frees the rest. It
// returns whether there are likely more. A poll under way is not cut off by ctx: the
// jobs in an answer nobody reads are lost until CodePipeline's own timeout.
func (r *run) poll(ctx context.Context, slots int) (more bool, err error) {
	jobs, err := r.pollJobs(slots)
	for range slots - len(jobs) {
		<-r.slots
	}
	for _, job := range jobs {
		r.jobs.Go(func() {
			defer func() { <-r.slots }()
			r.work(ctx, job)
		})
	}
	return likelyMore(jobs, slots), err
}

// likelyMore reports whether jobs fill every slot, and are not all of those that were
// handed back before and come at every poll.
func likelyMore(jobs []types.Job, slots int) bool {
	return len(jobs) == slots && slices.ContainsFunc(jobs, fresh)
}

// fresh jobs were not looked at before.
func fresh(job types.Job) bool {
	return job.Data == nil || aws.ToString(job.Data.ContinuationToken) == ""
}

func (r *run) pollJobs(slots int) ([]types.Job, error) {
	call, cancel := context.WithTimeout(r.inHandUntil, callTimeout)
	defer cancel()
	out, err := r.client.PollForJobs(call, &codepipeline.PollForJobsInput{
		ActionTypeId: r.actionType.id(),
		MaxBatchSize: aws.Int32(int32(slots)), //nolint:gosec // at most Concurrency
	})
	if err != nil {
		r.log.Error("cannot poll for jobs", "error", err, "hint", pollHint(err, r.register))
		return nil, err
	}
	if len(out.Jobs) > slots {
		// More than asked for was never seen; the surplus stays unacknowledged.
		return out.Jobs[:slots], nil
	}
	return out.Jobs, nil
}

func pollHint(err error, register string) string {
	switch code(err) {
	case "ActionTypeNotFoundException":
		return "register the action type first: " + register
	case "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException":
		return "AWS does not accept our credentials: check the role or keys ecr-gate runs with"
	case "AccessDenied": // of STS
		return "see the trust policy of the role ecr-gate runs with"
	case "AccessDeniedException":
		return "allow codepipeline:PollForJobs, AcknowledgeJob, PutJobSuccessResult and PutJobFailureResult"
	case "":
		return "AWS could not be asked: check credentials, Region and network; trying again with back-off"
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

// pause is how long to wait before the next poll: short where there is likely more to
// fetch. Jobs that wait for their scans fill the slots too, but would only be looked at
// ten times as often.
func pause(interval time.Duration, failures int, more bool) time.Duration {
	switch {
	case failures > 0:
		return max(interval, min(maxBackOff, interval<<min(failures, 10)))
	case more:
		return interval / 10
	default:
		return interval
	}
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
func (r *run) work(ctx context.Context, job types.Job) {
	log := r.log.With("job", aws.ToString(job.Id), "of", action{job.Data})
	key := delivery{aws.ToString(job.Id), aws.ToString(job.Nonce)}
	if _, twice := r.inHand.LoadOrStore(key, nil); twice { // until it is acknowledged, another poll may get it too
		r.counts(NotOurs)
		return
	}
	defer r.inHand.Delete(key)
	if otherwise := r.acknowledge(ctx, job, log); otherwise != "" {
		r.counts(otherwise)
		return
	}
	if fresh(job) { // else it was said at the first look
		log.Info("the job is ours")
	}
	out := r.judgeSafely(ctx, job, judgeTimeout, log)
	r.counts(r.deliver(r.inHandUntil, ctx.Done(), job, out, log))
}

// action says in the log whose job it is: a job that waited comes again with another ID,
// and should the process be killed with it in hand nothing else tells which execution hangs.
type action struct{ data *types.JobData }

// LogValue implements [slog.LogValuer].
func (a action) LogValue() slog.Value {
	if a.data == nil || a.data.PipelineContext == nil {
		return slog.GroupValue()
	}
	of := a.data.PipelineContext
	attrs := []slog.Attr{slog.String("pipeline", aws.ToString(of.PipelineName)), slog.String("execution", aws.ToString(of.PipelineExecutionId))}
	if of.Stage != nil {
		attrs = append(attrs, slog.String("stage", aws.ToString(of.Stage.Name)))
	}
	if of.Action != nil {
		attrs = append(attrs, slog.String("action", aws.ToString(of.Action.Name)))
	}
	return slog.GroupValue(attrs...)
}

// acknowledge returns "" if the job is ours to do, else what became of it. Going on in any
// other state than InProgress would judge a job that is over, or that another worker has.
//
// It tries again for a while where AWS does not answer: nobody knows if CodePipeline
// hands a job out a second time. An acknowledgement whose answer was lost is a nonce
// used up: if that is what the next attempt hears, it was most likely ours. Should
// another worker have the job all the same, both judge it alike, and CodePipeline
// takes the first report only.
func (r *run) acknowledge(ctx context.Context, job types.Job, log *slog.Logger) (otherwise Result) {
	out, err := r.acknowledgeOnce(job)
	lost := false // an answer
	for attempt := 1; err != nil && !refused(err) && attempt < mostAttempts; attempt++ {
		lost = lost || unanswered(err)
		log.Warn("cannot acknowledge the job; trying again", "attempt", attempt, "error", err)
		if !sleep(ctx, jitter(min(r.pollInterval, time.Second)<<(attempt-1))) {
			attempt = mostAttempts // we are to end: once more, for another worker may never get it
		}
		out, err = r.acknowledgeOnce(job)
	}
	lost = lost || unanswered(err) // the last one's counts as well
	return acknowledged(out, err, lost, log)
}

// acknowledged is what the last attempt's answer means, where the answer to one of them
// may have been lost.
func acknowledged(out *codepipeline.AcknowledgeJobOutput, err error, lost bool, log *slog.Logger) (otherwise Result) {
	switch {
	case code(err) == "InvalidNonceException" && lost:
		log.Warn("the job is acknowledged already, most likely by us: an answer was lost; going on")
		return ""
	case code(err) == "InvalidNonceException":
		log.Info("another worker has the job")
		return NotOurs
	case over(err):
		log.Info("the job is over", "error", err)
		return NotOurs
	case err != nil && lost && !refused(err):
		log.Warn("nobody knows whether the job is acknowledged; going on", "error", err)
		return ""
	case err != nil:
		log.Error("cannot acknowledge the job", "error", err)
		return Unacknowledged
	case out.Status != types.JobStatusInProgress:
		log.Info("the job is over", "status", out.Status)
		return NotOurs
	}
	return ""
}

// acknowledgeTimeout bounds one attempt. It is short, so that one request nobody
// answers leaves time for others.
const acknowledgeTimeout = 5 * time.Second

// acknowledgeOnce leaves it to its caller to try again: of attempts that the SDK made
// by itself, nobody would know whether the first was answered.
func (r *run) acknowledgeOnce(job types.Job) (*codepipeline.AcknowledgeJobOutput, error) {
	call, cancel := context.WithTimeout(r.inHandUntil, acknowledgeTimeout)
	defer cancel()
	return r.client.AcknowledgeJob(call, &codepipeline.AcknowledgeJobInput{JobId: job.Id, Nonce: job.Nonce},
		func(o *codepipeline.Options) { o.Retryer = aws.NopRetryer{} })
}

// unanswered errors leave open whether the request took effect.
func unanswered(err error) bool { return err != nil && !refused(err) && !turnedAway(err) }

// turnedAway errors are of requests that CodePipeline did not look at.
func turnedAway(err error) bool {
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool()
}

// refused errors are CodePipeline's answer.
func refused(err error) bool {
	return code(err) == "InvalidNonceException" || over(err) || invalid(err)
}
