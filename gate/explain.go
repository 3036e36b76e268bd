package gate

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Explanation is why a vulnerability counts in an image, or does not. What it
// tells is what the verdict's own rules noted as they decided.
type Explanation struct {
	ID      string  `json:"id"` // as asked
	Image   string  `json:"image"`
	Digest  string  `json:"digest,omitempty"`
	Policy  string  `json:"policy"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"`         // the verdict sentence on the whole image
	Next    string  `json:"next,omitempty"` // what to do about it; part of Reason where it fits
	// Answer is the explanation in one sentence.
	Answer string `json:"answer"`
	// Found is the vulnerability wherever it was found, platform by platform.
	Found []ExplainedFinding `json:"found"`
	// Unjudged are the platforms whose findings were not looked at: there nobody can
	// say.
	Unjudged []UnjudgedPlatform `json:"unjudged,omitempty"`
	Warnings []string           `json:"warnings,omitempty"`

	// Others are the IDs that the image does have, in order.
	Others []string `json:"-"`
}

// ExplainedFinding is one finding, and what each rule made of it.
type ExplainedFinding struct {
	Platform string   `json:"platform,omitempty"`
	Digest   string   `json:"digest"` // of the platform's manifest
	Finding  Finding  `json:"finding"`
	ScanType ScanType `json:"scanType,omitempty"`
	CountsAs Severity `json:"countsAs"`
	Counts   bool     `json:"counts"`
	// Steps are the rules in the order in which they were asked, as far as to the one
	// that decided.
	Steps []Step `json:"steps"`
	// Next is what to do about a finding that denies; empty for others.
	Next string `json:"next,omitempty"`
}

// Step is what one rule made of a finding.
type Step struct {
	Rule string `json:"rule"` // as the configuration calls it
	Text string `json:"text"`
	// Decides says that the step decided; of exceptions, several together may.
	Decides bool `json:"decides,omitempty"`
	// Exception is the one that the step is about; nil: none.
	Exception *ExceptionNote `json:"exception,omitempty"`
}

// UnjudgedPlatform is a platform whose findings were not looked at, and why.
type UnjudgedPlatform struct {
	Platform string `json:"platform,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Reason   string `json:"reason"`
}

// Conclusive reports whether there is an answer: the vulnerability was found, or
// every platform was looked at and has it not.
func (e Explanation) Conclusive() bool { return len(e.Found) > 0 || len(e.Unjudged) == 0 }

// Explain says what comes of one vulnerability in an image. It asks what
// [Gate.Check] asks, and starts no scan.
func (g *Gate) Explain(ctx context.Context, req Request, id string) Explanation {
	c, stale, place, trouble := g.read(ctx, req)
	defer place.leave()
	if trouble != nil {
		v := Unjudged(c.Policy.Name, c.Image, trouble)
		return v.explanation(id, []UnjudgedPlatform{{Reason: Clip(trouble.Text, MaxSentence)}})
	}
	e := c.Explain(id)
	if stale && !slices.Contains(e.Warnings, staleWarning) {
		e.Warnings = append(e.Warnings, staleWarning)
	}
	return e
}

// Explain judges the case as [Case.Verdict] does, and keeps what becomes of one
// vulnerability.
func (c Case) Explain(id string) Explanation {
	if len(c.Scans) == 0 {
		return c.Verdict().explanation(id, []UnjudgedPlatform{{Reason: "it has no platform manifest to judge"}})
	}
	r := c.rules()
	r.trace = &trace{id: id, ids: map[string]bool{}}
	judged, decisive := r.judgeAll(c.Scans)
	var unjudged []UnjudgedPlatform
	for _, j := range judged {
		if !j.manifest().judged() && !r.trace.saw(j.scan.Digest) {
			unjudged = append(unjudged, UnjudgedPlatform{Clip(j.scan.Platform, 60), j.scan.Digest, r.whyUnjudged(j)})
		}
	}
	v := r.verdict(judged, decisive)
	e := v.explanation(id, unjudged)
	for _, t := range r.trace.found {
		e.Found = append(e.Found, r.explained(t, judged))
	}
	for other := range r.trace.ids {
		if other != "" {
			e.Others = append(e.Others, other)
		}
	}
	slices.Sort(e.Others)
	e.Answer = e.answer()
	return e
}

func (v Verdict) explanation(id string, unjudged []UnjudgedPlatform) Explanation {
	e := Explanation{
		ID: Clip(id, 60), Image: v.Image, Digest: v.Digest, Policy: v.Policy, Outcome: v.Outcome, Reason: v.Reason, Next: Clip(v.Next, 300),
		Found: []ExplainedFinding{}, Unjudged: unjudged, Warnings: v.Warnings,
	}
	e.Answer = e.answer()
	return e
}

// explained adds to what was decided which rules led there.
func (r *rules) explained(t traced, judged []judgement) ExplainedFinding {
	e := ExplainedFinding{
		Platform: Clip(t.scan.Platform, 60), Digest: t.scan.Digest, Finding: t.finding, ScanType: t.scan.Type,
		CountsAs: t.decision.weight, Counts: t.decision.fate.counts(),
	}
	step := func(rule, text string, decides bool) {
		e.Steps = append(e.Steps, Step{Rule: rule, Text: Clip(text, 300), Decides: decides})
	}
	step("severity", r.whySeverity(t), false)
	step("firstObserved", whenObserved(t.finding), false)
	for fate := isClosed; fate <= isKnown; fate++ {
		decides := fate == t.decision.fate
		if fate == isExcepted {
			e.Steps = append(e.Steps, r.whyExcepted(t)...)
		} else {
			step(ruleNames[fate], r.why(fate, t), decides)
		}
		if decides {
			if e.Counts {
				e.Next = nextStep(t)
			}
			return e
		}
	}
	i := slices.IndexFunc(judged, func(j judgement) bool { return j.scan.Digest == t.scan.Digest })
	step("maxFindings", r.whyLimit(t.decision.weight, judged[i].tally), true)
	if r.overLimit(t.decision.weight, judged[i].tally) {
		e.Next = nextStep(t)
	}
	return e
}

// ruleNames are the configuration's keys, or what there is instead.
var ruleNames = map[fate]string{
	isClosed: "status", isBlocked: "blocked", isSuppressed: "suppressed", isExploited: "exploitable",
	isUnfixable: "fixableOnly", isInGrace: "gracePeriod", isKnown: "baseline",
}

// because are the steps that decided.
func (e ExplainedFinding) because() string {
	var texts []string
	for _, s := range e.Steps {
		if s.Decides {
			texts = append(texts, s.Text)
		}
	}
	return strings.Join(texts, ", ")
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
