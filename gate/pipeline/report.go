package pipeline

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

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
	link      string // to the image in the console; may be empty
}

func failure(kind types.FailureType, text string) report {
	return report{result: Failed, failure: kind, summary: text}
}

func misconfigured(err error) report {
	return failure(types.FailureTypeConfigurationError, "could not check: "+gate.Clean(err.Error()))
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
	if images := byDigest(verdicts); len(images) > 1 {
		parts = append(parts, tallied(images))
	}
	text := strings.Join(parts, "\n") + strings.TrimPrefix(final.Detail(maxMessage), final.Reason)
	for _, v := range verdicts {
		if v.Image != final.Image {
			text += "\n" + v.Detail(maxMessage/4)
		}
	}
	return text
}

// byDigest is the worst verdict on each digest, in the order given: an image that is
// named by tag and by digest is one image. Verdicts without a digest all stay.
func byDigest(verdicts []gate.Verdict) []gate.Verdict {
	var once []gate.Verdict
	at := map[string]int{}
	for _, v := range verdicts {
		i, seen := at[v.Digest]
		if !seen || v.Digest == "" {
			at[v.Digest] = len(once)
			once = append(once, v)
			continue
		}
		once[i], _ = gate.Worst([]gate.Verdict{once[i], v})
	}
	return once
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

// variables are what later actions may refer to; counts are of all images, each once.
func variables(final gate.Verdict, verdicts []gate.Verdict) map[string]string {
	counts := map[gate.Severity]int{}
	excepted := 0
	for _, v := range byDigest(verdicts) {
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
