package report

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/ecr-gate/ecr-gate/gate"
)

// home is where to read about the tool that made a report.
const home = "https://github.com/ecr-gate/ecr-gate"

// notClean is the rule of results that stand for a verdict without findings: a log
// of no results would say that all is well.
const notClean = "ecr-gate/not-allowed"

// SARIF writes one SARIF 2.1.0 log of one run, whatever the number of images:
// GitHub takes no two runs of one tool and category.
func SARIF(o Options) Format {
	return func(w io.Writer, verdicts []gate.Verdict) error {
		l := sarifLog{run: sarif.NewRun(), rules: map[string]int{}, artifacts: map[string]int{}}
		l.run.Tool = sarif.NewTool().WithDriver(sarif.NewToolComponent().WithName("ecr-gate").WithInformationURI(home))
		if version := gate.Clean(o.Version); version != "" {
			l.run.Tool.Driver.WithVersion(version)
		}
		for _, v := range verdicts {
			l.verdict(v)
		}
		log := sarif.NewReport().AddRun(l.run)
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(log)
	}
}

// sarifLog gathers one run. Rules and artifacts stand in it once, by their places.
type sarifLog struct {
	run       *sarif.Run
	rules     map[string]int
	artifacts map[string]int
}

func (l *sarifLog) verdict(v gate.Verdict) {
	l.run.AddInvocation(invocation(v))
	image := newTarget(v)
	place := l.artifact(image, v)
	platforms := platformsOf(v)
	for i, f := range v.Findings {
		result := l.result(f, image, place)
		if len(platforms[i]) > 0 {
			result.Properties.Add("platforms", cleaned(platforms[i]))
		}
		l.run.AddResult(result)
	}
	for _, x := range v.Excepted {
		result := l.result(x.Finding, image, place)
		for i, n := range x.Exceptions {
			if !slices.Contains(x.Exceptions[:i], n) {
				result.AddSuppression(suppression(n))
			}
		}
		l.run.AddResult(result)
	}
	if v.Outcome != gate.Allowed && len(v.Findings) == 0 {
		l.run.AddResult(l.refusal(v, image, place))
	}
}

// invocation tells of the verdict as a whole. One that could not be had is a run
// that failed, and no run without results.
func invocation(v gate.Verdict) *sarif.Invocation {
	judged := v.Outcome == gate.Allowed || v.Outcome == gate.Denied
	i := sarif.NewInvocation().WithExecutionSuccessful(judged)
	if !judged {
		i.AddToolExecutionNotification(sarif.NewNotification().WithLevel(sarif.LevelError).WithMessage(message(v.Reason)))
	}
	p := sarif.NewPropertyBag().
		Add("image", gate.Clean(v.Image)).
		Add("outcome", v.Outcome.String()).
		Add("reason", gate.Clean(v.Reason)).
		Add("policy", gate.Clean(v.Policy)).
		Add("counts", v.Counts)
	if v.Digest != "" {
		p.Add("digest", gate.Clean(v.Digest))
	}
	if v.Baseline != nil {
		p.Add("baseline", baseline(v))
	}
	if len(v.Limits) > 0 {
		p.Add("limits", v.Limits)
	}
	return i.WithProperties(p)
}

func (l *sarifLog) artifact(image target, v gate.Verdict) int {
	if place, known := l.artifacts[image.uri]; known {
		return place
	}
	place := len(l.run.Artifacts)
	l.artifacts[image.uri] = place
	artifact := sarif.NewArtifact().WithLocation(sarif.NewSimpleArtifactLocation(image.uri).WithIndex(place)).WithRoles([]string{"analysisTarget"})
	hash, isSHA256 := strings.CutPrefix(v.Digest, "sha256:")
	if _, err := hex.DecodeString(hash); isSHA256 && err == nil {
		artifact.WithHashes(map[string]string{"sha-256": hash})
	}
	l.run.AddArtifact(artifact)
	return place
}

func (l *sarifLog) result(f gate.Finding, image target, place int) *sarif.Result {
	rule := l.rule(f)
	result := sarif.NewRuleResult(label(f)).
		WithRuleIndex(rule).
		WithLevel(levelOf(f.Severity)).
		WithMessage(message(f.Line())).
		WithPartialFingerprints(fingerprints(image.uri, f)).
		WithProperties(properties(f))
	location := locationOf(image, place)
	location.WithLogicalLocations(logicalLocations(f.Packages))
	return result.AddLocation(location)
}

// rule is the place of the finding's rule. The same vulnerability may be worse in
// one image than in another; the rule is as bad as the worst.
func (l *sarifLog) rule(f gate.Finding) int {
	id := label(f)
	place, known := l.rules[id]
	if !known {
		place = len(l.run.Tool.Driver.Rules)
		l.rules[id] = place
		l.run.Tool.Driver.AddRule(newRule(id, f))
	}
	worsen(l.run.Tool.Driver.Rules[place], f.Severity)
	return place
}

// refusal is the one result of an image that is not allowed and has no findings.
func (l *sarifLog) refusal(v gate.Verdict, image target, place int) *sarif.Result {
	rule, known := l.rules[notClean]
	if !known {
		rule = len(l.run.Tool.Driver.Rules)
		l.rules[notClean] = rule
		l.run.Tool.Driver.AddRule(describe(sarif.NewRule(notClean), "The image is not allowed, or it could not be judged"))
	}
	return sarif.NewRuleResult(notClean).
		WithRuleIndex(rule).
		WithLevel(sarif.LevelError).
		WithMessage(message(v.Reason)).
		WithPartialFingerprints(fingerprints(image.uri, gate.Finding{ID: notClean})).
		AddLocation(locationOf(image, place))
}

// suppression is an exception. It is not in the image's source, so its kind is
// external, and somebody has looked at it, so it is accepted.
func suppression(n gate.ExceptionNote) *sarif.Suppression {
	p := sarif.NewPropertyBag().Add("source", gate.Clean(n.Source))
	if n.Owner != "" {
		p.Add("owner", gate.Clean(n.Owner))
	}
	if n.Ticket != "" {
		p.Add("ticket", gate.Clean(n.Ticket))
	}
	if !n.ExpiresAt.IsZero() {
		p.Add("expiresAt", instant(n.ExpiresAt))
	}
	s := sarif.NewSuppression().WithKind("external").WithStatus("accepted").WithProperties(p)
	justification := brief(n.Statement, longestReason)
	if justification == "" {
		justification = "no reason is given"
	}
	return s.WithJustification(justification + " (" + provenance(n) + ")")
}
