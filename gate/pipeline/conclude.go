package pipeline

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// conclude turns verdicts into the job's report. One that waiting will not change
// ends the job at once; otherwise it waits until the deadline.
func conclude(verdicts []gate.Verdict, o order, m memory, now time.Time, stopping bool) report {
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
		return report{result: HandedBack, token: m.encode(), summary: final.Reason, link: consolePath(final)}
	}
	text := story(final, verdicts, o, waiting)
	kind := failureType(final)
	// Mode warn forgives images, not a job that cannot work.
	if final.Outcome == gate.Allowed || o.warn && kind != types.FailureTypeConfigurationError {
		return report{result: Succeeded, summary: text, variables: variables(final, verdicts), link: consolePath(final)}
	}
	out := failure(kind, text)
	out.link = consolePath(final)
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
