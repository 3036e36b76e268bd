package pipeline_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/codepipeline"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// BenchmarkWaitingJobs lets 500 jobs wait at once for a scan that takes three
// looks, on one worker. Nothing of the worker may grow with the jobs that wait.
func BenchmarkWaitingJobs(b *testing.B) {
	const jobs = 500
	for b.Loop() {
		aws := awslocal.New(awslocal.Options{})
		if _, err := aws.Start(); err != nil {
			b.Fatal(err)
		}
		config := aws.AWSConfig()
		if _, err := codepipeline.NewFromConfig(config).CreateCustomActionType(b.Context(), pipeline.ActionType{}.Definition()); err != nil {
			b.Fatal(err)
		}
		for i := range jobs {
			repository := "shop/r" + string(rune('a'+i%26)) + string(rune('a'+i/26))
			aws.PutImage(awslocal.Image{Repository: repository, Tags: []string{"1"}, Scans: []awslocal.Scan{
				{Status: "PENDING"}, {Status: "PENDING"}, scanned("LOW"),
			}})
			aws.AddJob(awslocal.Job{Configuration: map[string]string{"Image": aws.RegistryHost() + "/" + repository + ":1"}})
		}
		before := runtime.NumGoroutine()
		var peak, done atomic.Int64
		finished := make(chan struct{})
		worker := pipeline.Worker{
			Config: config, Gate: &gate.Gate{Source: ecr.NewSource(config, nil)},
			RegistryHost: ecr.RegistryHost, PollInterval: 10 * time.Millisecond,
			Counts: func(r pipeline.Result) {
				peak.Store(max(peak.Load(), int64(runtime.NumGoroutine()-before)))
				if r == pipeline.Succeeded && done.Add(1) == jobs {
					close(finished)
				}
			},
		}
		ctx, cancel := context.WithCancel(b.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = worker.Run(ctx) })
		<-finished
		cancel()
		running.Wait()
		calls := 0
		for _, n := range aws.Calls() {
			calls += n
		}
		b.ReportMetric(float64(calls)/jobs, "calls/job")
		b.ReportMetric(float64(peak.Load()), "goroutines-peak")
		aws.Close()
	}
}
