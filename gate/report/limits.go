package report

import (
	"strconv"

	"github.com/ecr-gate/ecr-gate/gate"
)

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
