package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// scanStage is how the demo's pipelines ask the gate.
type scanStage interface {
	about() string
	// action is the stage's, with the images as pipeline variables.
	action() awslocal.Action
	// open sets going what answers; stop ends it.
	open(ctx context.Context, aws *awslocal.Server, judge *gate.Gate, files map[string][]byte) (stop func(), err error)
}

// builtImage is what the Build stage made, by tag and digest.
const builtImage = "#{Build.ImageURI}@#{Build.Digest}"

// byWorker is the job worker of a custom action: the same one that `serve` runs,
// but for a shorter pause between polls.
type byWorker struct{}

func (byWorker) about() string { return "a custom action, done by a job worker" }

func (byWorker) action() awslocal.Action {
	return awslocal.Action{Provider: "EcrGate", Configuration: map[string]string{"Image": builtImage}}
}

func (byWorker) open(ctx context.Context, aws *awslocal.Server, judge *gate.Gate, _ map[string][]byte) (func(), error) {
	if err := createActionType(ctx, aws.AWSConfig(), pipeline.ActionType{}); err != nil {
		return nil, err
	}
	worker := pipeline.Worker{
		Config: aws.AWSConfig(), Gate: judge, RegistryHost: ecr.RegistryHost, PollInterval: 400 * time.Millisecond,
	}
	working, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = worker.Run(working) }) // it has a gate, so it starts
	return func() { cancel(); running.Wait() }, nil
}

// byLambda is the Lambda function: this program once more, as a process of its own
// that talks to Lambda's runtime API. It reads its configuration from S3.
type byLambda struct{}

func (byLambda) about() string { return "a Lambda function, called by an Invoke action" }

func (byLambda) action() awslocal.Action {
	return awslocal.Action{Category: "Invoke", Provider: "Lambda", Configuration: map[string]string{
		"FunctionName": "ecr-gate", "UserParameters": `{"Image": "` + builtImage + `"}`,
	}}
}

// demoTimeout is the function's: the shorter it is, the sooner an unfinished job is
// handed back.
const demoTimeout = 4 * time.Second

func (byLambda) open(ctx context.Context, aws *awslocal.Server, _ *gate.Gate, files map[string][]byte) (func(), error) {
	for name, text := range files {
		if err := aws.PutObject("company-config", "gate/"+name, text); err != nil {
			return nil, err
		}
	}
	f, err := aws.AddFunction(awslocal.FunctionOptions{Name: "ecr-gate", Timeout: demoTimeout})
	if err != nil {
		return nil, err
	}
	return startFunction(ctx, f, envConfig+"=s3://company-config/gate/ecr-gate.yaml")
}

// startFunction runs this program as a Lambda function's process.
func startFunction(ctx context.Context, f *awslocal.Function, environment ...string) (stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	process := exec.CommandContext(ctx, self) //nolint:gosec // this program
	process.Env = append(append(os.Environ(), f.Environment()...), environment...)
	if err := process.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { _ = process.Wait(); close(ended) }()
	stop = func() { _ = process.Process.Kill(); <-ended }
	select {
	case <-f.Started():
		return stop, nil
	case <-ended:
		return nil, fmt.Errorf("the Lambda function's process ended before it asked for an event: %s", process.ProcessState)
	}
}
