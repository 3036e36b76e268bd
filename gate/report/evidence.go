package report

import (
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// evidence says what the judgement of a manifest rests on: which scan, when it
// was completed, how fresh the vulnerability data is, and why the result is
// believed to be whole.
func evidence(m gate.ManifestVerdict) string {
	if m.Status == "" && m.CompletedAt.IsZero() {
		return "no scan was read"
	}
	kind := "scan"
	if m.ScanType != "" {
		kind = brief(string(m.ScanType), 20) + " scan"
	}
	parts := []string{strings.TrimSpace(kind + " " + brief(string(m.Status), 40))}
	if m.CompletedAt.IsZero() {
		parts = append(parts, "not completed")
	} else {
		parts = append(parts, "completed "+instant(m.CompletedAt))
	}
	if !m.SourceAt.IsZero() {
		parts = append(parts, "vulnerability data of "+instant(m.SourceAt))
	}
	if m.Pages > 0 {
		parts = append(parts, plural(m.Pages, "page")+" read")
	}
	parts = append(parts, settling(m.SettledBy))
	if m.Baseline != "" {
		parts = append(parts, "measured by "+brief(gate.ShortDigest(m.Baseline), 20))
	}
	return strings.Join(parts, ", ")
}

// baseline names the image that the policy measures this one by; whether it could
// be, each platform's evidence says. Empty: there is none.
func baseline(v gate.Verdict) string {
	if v.Baseline == nil {
		return ""
	}
	text := "baseline " + brief(v.Baseline.Tag, 60)
	if v.Baseline.Digest == "" {
		return text + ", which was not resolved"
	}
	return text + " " + brief(v.Baseline.Digest, 80)
}

func settling(by gate.Settling) string {
	switch by {
	case gate.SettledByType:
		return "settled when completed"
	case gate.SettledByAge:
		return "settled by age"
	case gate.SettledByAgreement:
		return "settled by two equal reads"
	default:
		return "not settled"
	}
}
