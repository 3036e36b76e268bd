package report

import (
	"strconv"
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

// limits says how a manifest's findings stand against the policy's limits, as
// "CRITICAL 3 of 0 allowed". Nil where they were not looked at.
func limits(v gate.Verdict, m gate.ManifestVerdict) []string {
	standings := v.Standings(m)
	if standings == nil {
		return nil
	}
	var parts []string
	told := map[gate.Severity]bool{}
	for _, s := range standings {
		told[s.Severity] = true
		told[gate.Untriaged] = told[gate.Untriaged] || s.Untriaged > 0
		parts = append(parts, s.Severity.String()+" "+standing(s))
	}
	for _, s := range gate.WorstFirst() {
		if n := m.Counts[s]; n > 0 && !told[s] {
			parts = append(parts, s.String()+" "+strconv.Itoa(n)+" (no limit)")
		}
	}
	return parts
}

func standing(s gate.Standing) string {
	text := strconv.Itoa(s.Counted) + " of " + strconv.Itoa(s.Allowed) + " allowed"
	if s.Untriaged > 0 {
		text += " (" + strconv.Itoa(s.Untriaged) + " untriaged)"
	}
	return text
}

// allowance writes "none allowed" or "3 allowed".
func allowance(n int) string {
	if n == 0 {
		return "none allowed"
	}
	return strconv.Itoa(n) + " allowed"
}
