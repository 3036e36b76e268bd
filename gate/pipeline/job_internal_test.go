package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// An image without a registry is looked for where the pipeline is, which may be
// elsewhere than the worker.
func TestPlace(t *testing.T) {
	d := &desk{config: aws.Config{Region: "eu-west-1"}}
	for arn, region := range map[string]string{
		"arn:aws:codepipeline:us-east-1:111122223333:p": "us-east-1",
		"":                                     "eu-west-1",
		"arn:aws:codepipeline::111122223333:p": "eu-west-1",
		"p":                                    "eu-west-1",
	} {
		job := types.Job{AccountId: aws.String("111122223333"), Data: &types.JobData{PipelineContext: &types.PipelineContext{PipelineArn: aws.String(arn)}}}
		if got, want := d.place(job), (place{"111122223333", region}); got != want {
			t.Errorf("%q: %v, want %v", arn, got, want)
		}
	}
}

// hangs answers when it is told to end, as a call to AWS does.
type hangs struct{}

func (hangs) Check(ctx context.Context, req gate.Request) gate.Verdict {
	<-ctx.Done()
	return gate.Unjudged("p", gate.Image{Written: req.Image}, &gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "no answer"})
}

// Past its deadline a job is handed back because the worker stops, and never because
// a look took too long: it would go round for ever.
func TestSlowLookIsNoStop(t *testing.T) {
	d := (&desk{gate: hangs{}, properties: actionProperties}).ready()
	job := types.Job{Data: &types.JobData{ActionConfiguration: &types.ActionConfiguration{
		Configuration: map[string]string{"Image": "x/y:1", "MaxWait": "0"},
	}}}
	if out := d.judgeSafely(t.Context(), job, time.Millisecond, d.log); out.result != Failed || out.failure != types.FailureTypeSystemUnavailable {
		t.Errorf("a slow look: %s %s", out.result, out.failure)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if out := d.judgeSafely(stopped, job, time.Minute, d.log); out.result != HandedBack {
		t.Errorf("a stop: %s %s", out.result, out.failure)
	}
}

// A verdict is one line of the log; that a scan is not finished is said again at every
// look, so it is for debugging.
func TestVerdictsInTheLog(t *testing.T) {
	var lines bytes.Buffer
	logVerdicts(t.Context(), slog.New(slog.NewTextHandler(&lines, nil)), []gate.Verdict{denied, pending, allowed})
	if got := lines.String(); strings.Count(got, "msg=verdict") != 2 || strings.Contains(got, "Pending") {
		t.Error(got)
	}
}

// listing has as many findings as the image's tag says, none of them over policy.
type listing struct {
	outcome gate.Outcome
	all     []gate.Finding
}

func (l listing) Check(_ context.Context, req gate.Request) gate.Verdict {
	_, tag, _ := strings.Cut(req.Image, ":")
	n, _ := strconv.Atoi(tag)
	return gate.Verdict{Image: req.Image, Outcome: l.outcome, Findings: l.all[:n], Manifests: make([]gate.ManifestVerdict, 1)}
}

// A job whose images have more findings than its reports are to hold is judged all the
// same, and says that they are left out.
func TestListsOfAJobAreBounded(t *testing.T) {
	const half = maxListed / 2
	all := make([]gate.Finding, 2*maxListed)
	for name, c := range map[string]struct {
		outcome gate.Outcome
		images  []int
		want    int // of them have lists
	}{
		"just as many":              {gate.Denied, []int{half, half}, 2},
		"one more":                  {gate.Denied, []int{half, half + 1}, 1},
		"each too many":             {gate.Allowed, []int{maxListed + 1, maxListed + 2}, 0},
		"some have none":            {gate.Denied, []int{maxListed + 1, 0, 0, 0, 0, 0, 0, 0, 0}, 8},
		"pending, and not reported": {gate.Pending, []int{half, half, half}, 3},
	} {
		d := (&desk{gate: listing{c.outcome, all}}).ready()
		images := make([]string, len(c.images))
		for i, n := range c.images {
			images[i] = fmt.Sprintf("x/y%d:%d", i, n)
		}
		listed := 0
		for i, v := range d.check(t.Context(), images, order{}, memory{}) {
			if v.Image != images[i] || v.Outcome != c.outcome {
				t.Errorf("%s: %s %s", name, v.Image, v.Outcome)
			}
			switch {
			case v.Manifests != nil && len(v.Findings) == c.images[i] && len(v.Warnings) == 0:
				listed++
			case len(v.Findings) > 0 || !slices.Contains(v.Warnings, leftOut):
				t.Errorf("%s: %d findings, %q", name, len(v.Findings), v.Warnings)
			}
		}
		if listed != c.want {
			t.Errorf("%s: %d have lists", name, listed)
		}
	}
}
