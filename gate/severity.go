package gate

import (
	"fmt"
	"strings"
)

// Severity ranks a finding. The zero value is Untriaged: nobody has said how bad
// the finding is, so the policy has to ([Policy.UntriagedAs]).
type Severity uint8

// The severities of ECR and Inspector, least first.
const (
	Untriaged Severity = iota
	Informational
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"UNTRIAGED", "INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}

// ParseSeverity reads a severity as AWS writes it. UNDEFINED (basic scans),
// UNTRIAGED (Inspector) and every word it does not know are Untriaged.
func ParseSeverity(word string) Severity {
	for i, name := range severityNames {
		if strings.EqualFold(word, name) {
			return Severity(i)
		}
	}
	return Untriaged
}

// WorstFirst lists every severity, the worst first, Untriaged last.
func WorstFirst() []Severity {
	return []Severity{Critical, High, Medium, Low, Informational, Untriaged}
}

// known is the severity itself, and Untriaged for a number that stands for none.
func (s Severity) known() Severity {
	if s > Critical {
		return Untriaged
	}
	return s
}

func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("Severity(%d)", s)
}

// MarshalText writes the severity as AWS does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads one of the six names. Unlike [ParseSeverity] it refuses
// any other word: it reads what people wrote, not what AWS answered.
func (s *Severity) UnmarshalText(text []byte) error {
	got := ParseSeverity(string(text))
	if got == Untriaged && !strings.EqualFold(string(text), "UNTRIAGED") {
		return fmt.Errorf("%q is no severity; one of CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL", text)
	}
	*s = got
	return nil
}
