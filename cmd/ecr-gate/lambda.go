package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/announce"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// The environment of the Lambda function: where things are. What holds is in the
// configuration file.
const (
	envRuntime = "AWS_LAMBDA_RUNTIME_API" // Lambda's own
	envConfig  = "ECR_GATE_CONFIG"
	envTopic   = "ECR_GATE_TOPIC_ARN"
	envBus     = "ECR_GATE_EVENT_BUS"
	envEnforce = "ECR_GATE_ENFORCE"
	envMemory  = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" // Lambda's own, in MB
)

// startedByLambda is told by what Lambda's runtime sets.
func startedByLambda() bool { return os.Getenv(envRuntime) != "" }

// serveLambda answers events until Lambda ends the process. It asks nobody for
// anything before the first event.
func serveLambda(ctx context.Context, std streams) {
	limitMemory()
	f := newFunction(slog.New(slog.NewJSONHandler(std.err, nil)))
	lambda.StartWithOptions(f, lambda.WithContext(ctx))
}

// enforced is whether jobs may not choose a mode or a policy. What cannot be read
// means yes.
func enforced() bool {
	text := os.Getenv(envEnforce)
	on, err := strconv.ParseBool(text)
	return text != "" && (on || err != nil)
}

// function is one execution environment of the Lambda function. Its invocations
// come one at a time.
type function struct {
	log     *slog.Logger
	current *config.Config
	read    time.Time // when the configuration was last read
	gate    *gate.Gate
	env     aws.Config
}

func newFunction(log *slog.Logger) *function { return &function{log: log} }

// Invoke is called by the runtime, with the function's deadline in ctx.
func (f *function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	err := f.handle(ctx, event)
	if err != nil {
		f.log.ErrorContext(ctx, "the event is not dealt with", "error", err)
		return nil, err
	}
	return []byte(`{"handled":true}`), nil
}

func (f *function) handle(ctx context.Context, event []byte) error {
	job, scan := pipeline.IsJob(event), announce.IsScan(event)
	if !job && !scan {
		return strange(event)
	}
	if f.env.Region == "" {
		env, err := awsEnvironment(ctx, config.Default())
		if err != nil {
			return err
		}
		f.env = env
	}
	if job {
		return pipeline.Function{
			Config: f.env, RegistryHost: ecr.RegistryHost, Files: artifactFiles(maxFunctionReported), Enforce: enforced(), Log: f.log,
			Gate: func(ctx context.Context) (pipeline.Checker, time.Duration, error) {
				c, err := f.configure(ctx)
				if err != nil {
					return nil, 0, err
				}
				return f.gate, maxWait(c), nil
			},
		}.Handle(ctx, event)
	}
	return announce.Announcer{
		Config: f.env, RegistryHost: ecr.RegistryHost, Log: f.log,
		TopicARN: os.Getenv(envTopic), EventBus: os.Getenv(envBus),
		Gate: func(ctx context.Context) (announce.Checker, error) {
			_, err := f.configure(ctx)
			return f.gate, err
		},
	}.Handle(ctx, event)
}

func maxWait(c *config.Config) time.Duration {
	if c.Pipeline == nil {
		return 0
	}
	return c.Pipeline.MaxWait
}

// strange says what came instead of an event for this program. Nobody may take a
// silent end for a verdict, so it is an error.
func strange(event []byte) error {
	var e struct {
		Source     string            `json:"source"`
		DetailType string            `json:"detail-type"`
		Records    []json.RawMessage `json:"Records"`
	}
	what := "no JSON object"
	switch err := json.Unmarshal(event, &e); {
	case err != nil:
	case e.Source != "" || e.DetailType != "":
		what = fmt.Sprintf("%.60q of %.60q", e.DetailType, e.Source)
	case e.Records != nil:
		what = "a batch of records (SQS, SNS, S3)"
	default:
		what = "neither a CodePipeline.job nor an EventBridge event"
	}
	return fmt.Errorf("this event is not for ecr-gate: it is %s; call the function from an Invoke action of CodePipeline, or by a rule for %s",
		what, announce.Wanted)
}

// configEvery is how often the configuration is read anew, at an event.
const configEvery = time.Minute

// configure reads the configuration if it is time to. A new one that is not good is
// refused and logged; the last good one stays in force.
func (f *function) configure(ctx context.Context) (*config.Config, error) {
	if f.current != nil && time.Since(f.read) < configEvery {
		return f.current, nil
	}
	c, err := f.load(ctx)
	switch {
	case err != nil && f.current != nil:
		f.log.ErrorContext(ctx, "the new configuration is refused; the last good one stays in force", "error", err)
	case err != nil:
		return nil, err
	default:
		for _, w := range c.Warnings {
			f.log.WarnContext(ctx, "configuration", "warning", w)
		}
		env := f.env.Copy()
		if c.AWS.Region != "" {
			env.Region = c.AWS.Region
		}
		f.current, f.gate = c, gateOf(c, ecr.NewSource(env, registries(c)))
	}
	f.read = time.Now()
	return f.current, nil
}

func (f *function) load(ctx context.Context) (*config.Config, error) {
	where := os.Getenv(envConfig)
	if where == "" {
		return config.Default(), nil
	}
	return loadFrom(ctx, f.env, where)
}
