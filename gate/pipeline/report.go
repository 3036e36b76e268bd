package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// CodePipeline's limits for texts, in characters; longer ones are refused.
const (
	maxSummary = 2048
	maxMessage = 5000
)

// report is what a job's delivery ends with. The zero value is a failure.
type report struct {
	result    Result
	summary   string // what the person in the console reads
	failure   types.FailureType
	token     string // not empty: the job goes on
	variables map[string]string
	verdicts  []gate.Verdict // for the output artifact; of a job that goes on, none
	reportKey string
	place     string // of the image in the console; may be empty
}

func failure(kind types.FailureType, text string) report {
	return report{result: Failed, failure: kind, summary: text}
}

func misconfigured(err error) report {
	return failure(types.FailureTypeConfigurationError, "could not check: "+gate.Clean(err.Error()))
}

// settle turns verdicts into the job's report. One that waiting will not change
// ends the job at once; otherwise it waits until the deadline.
func settle(verdicts []gate.Verdict, o order, m memory, now time.Time, stopping bool) report {
	worst, ok := gate.Worst(verdicts)
	if !ok {
		return misconfigured(mistake("the action names no image"))
	}
	final := decisive(verdicts, worst)
	waiting := final.Outcome != gate.Allowed && final.Passing
	if waiting && (stopping || now.Before(m.deadline)) {
		for _, v := range verdicts {
			m.remember(v)
		}
		return report{result: HandedBack, token: m.encode(), summary: final.Reason, place: consolePath(final)}
	}
	text := story(final, verdicts, o, waiting)
	kind := failureType(final)
	// Mode warn forgives images, not a job that cannot work.
	if final.Outcome == gate.Allowed || o.warn && kind != types.FailureTypeConfigurationError {
		return report{result: Succeeded, summary: text, variables: variables(final, verdicts), place: consolePath(final)}
	}
	out := failure(kind, text)
	out.place = consolePath(final)
	return out
}

// decisive is the worst verdict, but of those that could not be had rather one
// that will not pass.
func decisive(verdicts []gate.Verdict, worst gate.Verdict) gate.Verdict {
	for _, v := range verdicts {
		if v.Outcome == worst.Outcome && !v.Passing {
			return v
		}
	}
	return worst
}

// failureType is the word of CodePipeline's that fits the cause.
func failureType(v gate.Verdict) types.FailureType {
	if v.Outcome == gate.Denied {
		return types.FailureTypeJobFailed
	}
	if v.Outcome == gate.Pending {
		return types.FailureTypeRevisionUnavailable
	}
	switch v.Cause {
	case gate.NoAccess:
		return types.FailureTypePermissionError
	case gate.NotECR, gate.NotListed, gate.BadReference, gate.NoRepository, gate.UnknownPolicy:
		return types.FailureTypeConfigurationError
	case gate.NotFound, gate.Expired, gate.Archived, gate.TooOld, gate.BadImage, gate.ScanFailed:
		return types.FailureTypeRevisionUnavailable
	default:
		return types.FailureTypeSystemUnavailable
	}
}

// story is the whole text: the sentence that decides first, since consoles show
// its 200 characters alone, then what else there is to know.
func story(final gate.Verdict, verdicts []gate.Verdict, o order, timedOut bool) string {
	parts := []string{final.Reason}
	if timedOut {
		parts = append(parts, fmt.Sprintf("waited %s for it (MaxWait); retry the stage to wait again", o.maxWait))
	}
	if o.warn && final.Outcome != gate.Allowed {
		parts = append(parts, "mode warn: the pipeline goes on all the same")
	}
	if len(verdicts) > 1 {
		parts = append(parts, tallied(verdicts))
	}
	text := strings.Join(parts, "\n") + strings.TrimPrefix(final.Detail(maxMessage), final.Reason)
	for _, v := range verdicts {
		if v.Image != final.Image {
			text += "\n" + v.Detail(maxMessage/4)
		}
	}
	return text
}

func tallied(verdicts []gate.Verdict) string {
	n := map[gate.Outcome]int{}
	for _, v := range verdicts {
		n[v.Outcome]++
	}
	parts := []string{}
	for _, o := range []gate.Outcome{gate.Denied, gate.Unavailable, gate.Pending, gate.Allowed} {
		if n[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[o], o))
		}
	}
	return fmt.Sprintf("%d images: %s", len(verdicts), strings.Join(parts, ", "))
}

// variables are what later actions may refer to; counts are of all images.
func variables(final gate.Verdict, verdicts []gate.Verdict) map[string]string {
	counts := map[gate.Severity]int{}
	excepted := 0
	for _, v := range verdicts {
		for s, n := range v.Counts {
			counts[s] += n
		}
		excepted += len(v.Excepted)
	}
	return map[string]string{
		"Verdict": final.Outcome.String(), "Image": final.Image, "ImageDigest": final.Digest,
		"Critical": strconv.Itoa(counts[gate.Critical]), "High": strconv.Itoa(counts[gate.High]),
		"Medium": strconv.Itoa(counts[gate.Medium]), "Low": strconv.Itoa(counts[gate.Low]),
		"Untriaged": strconv.Itoa(counts[gate.Untriaged]), "Excepted": strconv.Itoa(excepted),
		"ReportKey": "none",
	}
}

// send reports, and tries again for a while if AWS does not take it. A job that
// is settled already needs no report.
func (d *desk) send(ctx context.Context, job string, out report, log *slog.Logger) Result {
	var err error
	for attempt := range 5 {
		if err = d.sendOnce(ctx, job, out); err == nil {
			log.Debug("reported", "result", string(out.result))
			return out.result
		}
		if settled(err) {
			log.Info("the job is settled already", "error", err)
			return NotOurs
		}
		if invalid(err) {
			break
		}
		log.Warn("cannot report; trying again", "attempt", attempt+1, "error", err)
		if !sleep(ctx, jitter(min(maxBackOff, d.pause<<(attempt+1)))) {
			break
		}
	}
	log.Error("the job stays unreported and will time out", "error", err)
	return Unreported
}

// settled errors mean that the job was stopped, superseded or reported before.
func settled(err error) bool {
	return code(err) == "InvalidJobStateException" || code(err) == "JobNotFoundException"
}

// invalid errors will not go away by trying again.
func invalid(err error) bool {
	return code(err) == "ValidationException" || code(err) == "AccessDeniedException"
}

func (d *desk) sendOnce(ctx context.Context, job string, out report) (err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if out.fails() {
		_, err = d.client.PutJobFailureResult(ctx, &codepipeline.PutJobFailureResultInput{
			JobId: aws.String(job), FailureDetails: out.failureDetails(),
		})
		return err
	}
	in := &codepipeline.PutJobSuccessResultInput{
		JobId:            aws.String(job),
		ExecutionDetails: &types.ExecutionDetails{Summary: aws.String(cut(out.summary, maxSummary))},
	}
	in.ExecutionDetails.ExternalExecutionId = optional(out.place)
	if out.result == HandedBack {
		in.ContinuationToken = aws.String(out.token)
	} else {
		in.OutputVariables = out.outputVariables()
	}
	_, err = d.client.PutJobSuccessResult(ctx, in)
	return err
}

// fails is true of every report but a success and a hand-back that has its token:
// without one, CodePipeline would take the hand-back for a success.
func (out report) fails() bool {
	return out.result != Succeeded && (out.result != HandedBack || out.token == "")
}

// failureDetails never leaves out what CodePipeline requires: a refused report
// leaves the job hanging.
func (out report) failureDetails() *types.FailureDetails {
	if out.failure == "" {
		out.failure = types.FailureTypeSystemUnavailable
	}
	if out.summary == "" {
		out.summary = "could not check: ecr-gate itself failed; retry the stage and report the fault"
	}
	return &types.FailureDetails{
		Type: out.failure, Message: aws.String(cut(out.summary, maxMessage)), ExternalExecutionId: optional(out.place),
	}
}

// optional is for a member that may be left out but not empty.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return aws.String(text)
}

func (out report) outputVariables() map[string]string {
	all := maps.Clone(out.variables)
	if out.reportKey != "" && all != nil {
		all["ReportKey"] = out.reportKey
	}
	return all
}

// cut shortens text to at most limit characters, never inside one, at a line's
// end where there is one near.
func cut(text string, limit int) string {
	runes := []rune(strings.ToValidUTF8(text, ""))
	if len(runes) <= limit {
		return string(runes)
	}
	short := string(runes[:limit-2])
	if i := strings.LastIndexByte(short, '\n'); i > len(short)*3/4 {
		short = short[:i]
	}
	return short + "\n…"
}
