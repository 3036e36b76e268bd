package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/codepipeline"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// jobs lets one worker empty queues of several lengths, each job with an image of
// its own.
func jobs(ctx context.Context, r *figures, s settings) error {
	r.printf("\n## One worker (%d jobs in hand at a time), a new image in each job\n\n| jobs queued | emptied after | jobs/s | calls per job | CodePipeline | ECR | |\n|---|---|---|---|---|---|---|\n", pipeline.DefaultConcurrency)
	took, calls := curve{name: "time"}, curve{name: "calls"}
	var rows []string
	for _, n := range s.jobs {
		q, err := newQueue(ctx, n)
		if err != nil {
			return err
		}
		elapsed, err := q.empty(ctx)
		q.close()
		if err != nil {
			return err
		}
		codePipeline, ecrCalls := q.calls("codepipeline."), q.calls("ecr.")
		all := float64(codePipeline + ecrCalls)
		took.add(n, elapsed.Seconds())
		calls.add(n, all)
		per := float64(n)
		rows = append(rows, fmt.Sprintf("| %d | %.2f s | %.1f | **%.1f** | %.1f | %.1f |", n, elapsed.Seconds(), per/elapsed.Seconds(), all/per, float64(codePipeline)/per, float64(ecrCalls)/per))
	}
	rate, perJob := curve{name: "jobs/s"}, curve{name: "calls per job"}
	for i, row := range rows {
		r.printf("%s %s |\n", row, marks(i, took, calls))
		p := took.points[i]
		rate.add(int(p.size), p.size/p.cost)
		perJob.add(int(p.size), calls.points[i].cost/p.size)
	}
	r.panels = append(r.panels, panel{title: "One worker: jobs a second, calls per job", x: "jobs queued", y: "jobs/s, calls", curves: []curve{rate, perJob}})
	r.printf("\nThe worker polls every %v here. With its own %v it takes up to %d jobs every %v while there are more, so %d jobs/s at the most: see docs/performance.md.\n",
		pollInterval, pipeline.DefaultPollInterval, pipeline.DefaultConcurrency, pipeline.DefaultPollInterval/10, pipeline.DefaultConcurrency*10/int(pipeline.DefaultPollInterval.Seconds()))
	return nil
}

// pollInterval is short, for the worker to be measured and not its pauses.
const pollInterval = 10 * time.Millisecond

// queue is an AWS with jobs that nobody has taken yet.
type queue struct {
	aws  *awslocal.Server
	jobs int
}

func newQueue(ctx context.Context, n int) (*queue, error) {
	q := &queue{awslocal.New(awslocal.Options{}), n}
	if _, err := q.aws.Start(); err != nil {
		return nil, err
	}
	if _, err := codepipeline.NewFromConfig(q.aws.AWSConfig()).CreateCustomActionType(ctx, pipeline.ActionType{}.Definition()); err != nil {
		return nil, err
	}
	scan := enhancedScan(20)
	for i := range n {
		repository := fmt.Sprintf("shop/job-%d", i)
		q.aws.PutImage(awslocal.Image{Repository: repository, Tags: []string{"1"}, Scans: scan})
		q.aws.AddJob(awslocal.Job{Configuration: map[string]string{"Image": q.aws.RegistryHost() + "/" + repository + ":1"}})
	}
	q.aws.ResetCalls()
	return q, nil
}

func (q *queue) close() { q.aws.Close() }

// empty runs a worker until every job has succeeded.
func (q *queue) empty(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var succeeded atomic.Int64
	config := q.aws.AWSConfig()
	worker := pipeline.Worker{
		Config: config, Gate: &gate.Gate{Source: ecr.NewSource(config, nil), Policies: []gate.Policy{tolerant}},
		RegistryHost: ecr.RegistryHost, PollInterval: pollInterval,
		Counts: func(result pipeline.Result) {
			switch {
			case result != pipeline.Succeeded:
				cancel(fmt.Errorf("a job %s", result))
			case int(succeeded.Add(1)) == q.jobs:
				cancel(nil)
			}
		},
	}
	began := time.Now()
	var running sync.WaitGroup
	running.Go(func() {
		if err := worker.Run(ctx); err != nil {
			cancel(err)
		}
	})
	<-ctx.Done()
	took := time.Since(began)
	running.Wait()
	if int(succeeded.Load()) < q.jobs {
		return 0, context.Cause(ctx)
	}
	return took, nil
}

// calls counts those to one service.
func (q *queue) calls(service string) int {
	n := 0
	for operation, count := range q.aws.Calls() {
		if strings.HasPrefix(operation, service) {
			n += count
		}
	}
	return n
}
