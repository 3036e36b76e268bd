package webhook

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ecr-gate/ecr-gate/gate"
)

// How long texts may be. The API server writes its own words before a refusal, and
// Events hold 1,024 bytes in all.
const (
	maxFirstLine = gate.MaxSentence // characters
	maxMessage   = 900              // bytes
	maxWarning   = 256              // characters; longer ones are cut by the API server
	maxWarnings  = 8
)

// refusal is what the person reads whose pod is rejected: the verdict sentence of
// the worst image, where it runs, what was counted and found, and the other
// images. The same cause gives the same bytes, or Kubernetes would write an Event
// for every retry (kubernetes#106160).
func refusal(list []objection) string {
	worst := list[0]
	lines := []string{worst.sentence(), places(worst.uses)}
	lines = append(lines, worst.verdict.Brief()...)
	var others []string
	for _, o := range list[1:] {
		others = append(others, "also "+places(o.uses)+": "+o.sentence())
	}
	return within(maxMessage, lines, others)
}

// sentence is the verdict's, or this door's own for an image that a setting denies.
func (o objection) sentence() string {
	if o.verdict.Cause == gate.NotECR && o.treatment == Deny {
		return gate.Clip("image not allowed: "+o.verdict.Image+" is not in a private Amazon ECR registry, and the configuration denies others; push it to ECR, where it is scanned", maxFirstLine)
	}
	return o.verdict.Reason
}

// places says where in the pod an image is named.
func places(uses []use) string {
	names := make([]string, 0, 3)
	for i, u := range uses {
		if i == 3 {
			names = append(names, fmt.Sprintf("%d more", len(uses)-i))
			break
		}
		names = append(names, u.String())
	}
	return strings.Join(names, ", ")
}

// warning is the objection in one line; where in the pod is left out where it does
// not fit.
func (o objection) warning(prefix string) string {
	text := prefix + o.uses[0].String() + ": " + o.sentence()
	if utf8.RuneCountInString(text) > maxWarning {
		text = prefix + o.sentence()
	}
	return gate.Clip(text, maxWarning)
}

// bounded keeps what a terminal shows readable.
func bounded(warnings []string) []string {
	if len(warnings) <= maxWarnings {
		return warnings
	}
	more := len(warnings) - maxWarnings + 1
	return append(warnings[:maxWarnings-1:maxWarnings-1], fmt.Sprintf("and %d more images", more))
}

// within puts lines together up to a limit in bytes, whole lines only. The first
// line always stands; other images come before the last of the findings.
func within(limit int, lines, others []string) string {
	tail := ""
	for i, other := range others {
		line := "\n" + other
		if len(tail)+len(line) > limit/2 {
			tail += fmt.Sprintf("\nand %d more images", len(others)-i)
			break
		}
		tail += line
	}
	var b strings.Builder
	for i, line := range lines {
		line = gate.Clean(line)
		if i > 0 {
			if b.Len()+1+len(line)+len(tail) > limit {
				break
			}
			b.WriteByte('\n')
		}
		b.WriteString(line)
	}
	return b.String() + tail
}
