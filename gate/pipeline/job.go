package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
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
func (d *desk) judge(ctx context.Context, job types.Job, stopping func() bool, log *slog.Logger) report {
	now := d.now()
	images, o, memory, err := d.read(ctx, job, now)
	if err != nil {
		// The report has no room for what lies beneath, and there is no verdict to log.
		log.Warn("could not check", "door", "pipeline", "error", err)
		return unable(err, memory, now, stopping())
	}
	verdicts := d.check(ctx, images, o, memory)
	out := conclude(verdicts, o, memory, now, stopping())
	logVerdicts(ctx, log, verdicts)
	if out.token == "" {
		out.verdicts = verdicts
		d.verdicts(verdicts)
	}
	return out
}

// read is all that is known of a job before its images are judged. Its memory is good
// beside an error that may pass, too.
func (d *desk) read(ctx context.Context, job types.Job, now time.Time) (images []string, o order, m memory, err error) {
	data := job.Data
	if data == nil {
		return nil, o, m, mistake("the job holds no data; release the change again")
	}
	given, err := d.properties(data)
	if err != nil {
		return nil, o, m, err
	}
	if o, err = readOrder(given, d.place(job), d.maxWait, d.registryHost); err != nil {
		return nil, o, m, err
	}
	if m, err = decode(aws.ToString(data.ContinuationToken), now, o.maxWait); err != nil {
		return nil, o, m, err
	}
	if d.without != nil {
		return nil, o, m, d.without
	}
	images, err = d.images(ctx, data, o)
	return images, o, m, err
}

// actionProperties are those of a custom action's job.
func actionProperties(data *types.JobData) (map[string]string, error) {
	return configuration(data), nil
}

func configuration(data *types.JobData) map[string]string {
	if data.ActionConfiguration == nil {
		return nil
	}
	return data.ActionConfiguration.Configuration
}

// place is the pipeline's account and Region: the ARN says both, older jobs carry
// the account only.
func (d *desk) place(job types.Job) place {
	here := place{account: aws.ToString(job.AccountId), region: d.config.Region}
	if c := job.Data.PipelineContext; c != nil {
		if arn := strings.Split(aws.ToString(c.PipelineArn), ":"); len(arn) == 6 && arn[3] != "" {
			here.region = arn[3]
		}
	}
	return here
}

// images are all that the job names, each once: the properties' and the input
// artifacts'.
func (d *desk) images(ctx context.Context, data *types.JobData, o order) ([]string, error) {
	images := o.images
	if len(data.InputArtifacts) > 0 {
		found, err := d.artifactImages(ctx, data, o.file, len(o.images) > 0)
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
func unable(err error, m memory, now time.Time, stopping bool) report {
	var trouble *gate.Trouble
	switch {
	case !errors.As(err, &trouble):
		return misconfigured(err)
	case trouble.Passing && (stopping || now.Before(m.deadline)):
		return report{token: m.encode(), summary: "could not check yet: " + gate.Clean(trouble.Text), result: HandedBack}
	}
	text := "could not check: " + gate.Clean(trouble.Text)
	if trouble.Mend != "" {
		text += "; " + trouble.Mend
	}
	return failure(failureType(gate.Verdict{Outcome: gate.Unavailable, Cause: trouble.Cause}), text)
}

// maxListed is how many findings the verdicts of one job hold, for its reports; some
// 15 MiB. Every job in hand holds as much, until it is reported.
const maxListed = 50_000

// leftOut is the warning in a verdict without its lists.
const leftOut = "the findings are left out here: the images of this job have more than 50,000"

// check judges the images, a few at a time.
func (d *desk) check(ctx context.Context, images []string, o order, m memory) []gate.Verdict {
	verdicts := make([]gate.Verdict, len(images))
	var listed atomic.Int64
	var group errgroup.Group
	group.SetLimit(4)
	for i, image := range images {
		group.Go(func() error {
			v := d.checkOne(ctx, gate.Request{
				Image: image, Digest: m.digest(image), Policy: o.policy, Readings: m.readings,
			})
			lists := len(v.Findings) + len(v.Excepted)
			// What is pending is not reported yet, and leaves readings for the next look.
			if listed.Add(int64(lists)) > maxListed && lists > 0 && v.Outcome != gate.Pending {
				v = v.Short()
				v.Warnings = append(v.Warnings, leftOut)
			}
			verdicts[i] = v
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

func logVerdicts(ctx context.Context, log *slog.Logger, verdicts []gate.Verdict) {
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
		line.Log(ctx, level, "verdict")
	}
}
