package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"golang.org/x/sync/errgroup"

	"github.com/ecr-gate/ecr-gate/gate"
)

// maxImages is how many images one job may name: as many digests fit into a
// continuation token.
const maxImages = 25

// judge makes the one report a delivered job gets.
func (d *desk) judge(ctx context.Context, polled types.Job, stopping func() bool, log *slog.Logger) report {
	job := polled.Data
	if job == nil {
		return misconfigured(mistake("the job holds no data; release the change again"))
	}
	now := d.now()
	given, err := d.properties(job)
	if err != nil {
		return misconfigured(err)
	}
	o, err := readOrder(given, d.place(polled), d.maxWait, d.registryHost)
	if err != nil {
		return misconfigured(err)
	}
	memory, err := decode(aws.ToString(job.ContinuationToken), now, o.maxWait)
	if err != nil {
		return misconfigured(err)
	}
	if d.without != nil {
		return unable(d.without, memory, now)
	}
	images, err := d.images(ctx, job, o)
	if err != nil {
		return unable(err, memory, now)
	}
	verdicts := d.check(ctx, images, o, memory)
	out := settle(verdicts, o, memory, now, stopping())
	logVerdicts(log, verdicts)
	if out.token == "" {
		out.verdicts = verdicts
	}
	return out
}

// actionProperties are those of a custom action's job.
func actionProperties(job *types.JobData) (map[string]string, error) { return configuration(job), nil }

func configuration(job *types.JobData) map[string]string {
	if job.ActionConfiguration == nil {
		return nil
	}
	return job.ActionConfiguration.Configuration
}

// place is the pipeline's account and Region: the ARN says both, older jobs carry
// the account only.
func (d *desk) place(polled types.Job) place {
	here := place{account: aws.ToString(polled.AccountId), region: d.config.Region}
	if c := polled.Data.PipelineContext; c != nil {
		if arn := strings.Split(aws.ToString(c.PipelineArn), ":"); len(arn) == 6 && arn[3] != "" {
			here.region = arn[3]
		}
	}
	return here
}

// images are all that the job names, each once: the properties' and the input
// artifacts'.
func (d *desk) images(ctx context.Context, job *types.JobData, o order) ([]string, error) {
	images := o.images
	if len(job.InputArtifacts) > 0 {
		found, err := d.artifactImages(ctx, job, o.file, len(o.images) > 0)
		if err != nil {
			return nil, err
		}
		images = append(images, found...)
	} else if o.file != "" {
		return nil, mistakef("property File is set (%s), but the action has no input artifact", short(o.file))
	}
	images = distinct(images)
	switch {
	case len(images) == 0:
		return nil, mistakef("the action names no image; set Image, or Repository and ImageDigest, or give it an input artifact with imageDetail.json")
	case len(images) > maxImages:
		return nil, mistakef("the action names %d images; at most %d can be judged in one action", len(images), maxImages)
	}
	return images, nil
}

func distinct(images []string) []string {
	var once []string
	seen := map[string]bool{}
	for _, image := range images {
		if !seen[image] {
			once = append(once, image)
		}
		seen[image] = true
	}
	return once
}

// unable reports why nothing can be judged: a mistake at once, a fault of AWS that
// may pass is waited out.
func unable(err error, m memory, now time.Time) report {
	var trouble *gate.Trouble
	switch {
	case !errors.As(err, &trouble):
		return misconfigured(err)
	case trouble.Passing && now.Before(m.deadline):
		return report{token: m.encode(), summary: "could not check yet: " + gate.Clean(trouble.Text), result: HandedBack}
	}
	text := "could not check: " + gate.Clean(trouble.Text)
	if trouble.Mend != "" {
		text += "; " + trouble.Mend
	}
	return failure(failureType(gate.Verdict{Outcome: gate.Unavailable, Cause: trouble.Cause}), text)
}

// check judges the images, a few at a time.
func (d *desk) check(ctx context.Context, images []string, o order, m memory) []gate.Verdict {
	verdicts := make([]gate.Verdict, len(images))
	var group errgroup.Group
	group.SetLimit(4)
	for i, image := range images {
		group.Go(func() error {
			verdicts[i] = d.checkOne(ctx, gate.Request{
				Image: image, Digest: m.digest(image), Policy: o.policy, Readings: m.readings,
			})
			return nil
		})
	}
	_ = group.Wait() // the goroutines return no errors
	return verdicts
}

// checkOne contains a panic, which in a goroutine would end the process with
// every job in hand unreported.
func (d *desk) checkOne(ctx context.Context, req gate.Request) (v gate.Verdict) {
	defer func() {
		if p := recover(); p != nil {
			v = gate.Unjudged(req.Policy, gate.Image{Written: req.Image}, &gate.Trouble{
				Cause: gate.Internal, Text: "a fault of ecr-gate itself", Mend: "retry the stage and report the fault",
				Err: fmt.Errorf("panic: %v", p),
			})
		}
	}()
	return d.gate.Check(ctx, req)
}

func logVerdicts(log *slog.Logger, verdicts []gate.Verdict) {
	for _, v := range verdicts {
		line := log.With("door", "pipeline", "outcome", v.Outcome.String(), "cause", string(v.Cause),
			"policy", v.Policy, "digest", v.Digest, "reason", v.Reason)
		if v.Err != nil {
			line = line.With("error", v.Err)
		}
		level := slog.LevelInfo
		if v.Outcome == gate.Pending {
			level = slog.LevelDebug // said again at every look
		}
		line.Log(context.Background(), level, "verdict")
	}
}
