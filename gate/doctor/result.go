package doctor

import (
	"strings"
	"unicode/utf8"

	"github.com/ecr-gate/ecr-gate/gate"
)

// State is how a check ended. The zero value is Unknown: what nobody has looked at
// is not fine.
type State uint8

// The states.
const (
	Unknown State = iota // could not be told
	Fault                // does not work
	Warning              // works, and yet is probably not as meant
	OK
)

var stateNames = [...]string{"unknown", "fault", "warning", "ok"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return stateNames[Unknown]
}

// MarshalText writes the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Result is what came of one check.
type Result struct {
	Subject string `json:"subject"` // what was looked at: AWS, an image, the cluster
	Check   string `json:"check"`   // what was asked of it; the same words every time
	State   State  `json:"state"`
	Found   string `json:"found"` // what is so, in one line
	// Mend is what to do, exactly; it may have several lines. Empty where all is
	// well.
	Mend string `json:"mend,omitempty"`
}

// Worst is the state that decides for all results: a fault, then what could not be
// told, then a warning. Of no results it is Unknown.
func Worst(results []Result) State {
	worst := OK
	for _, r := range results {
		switch {
		case r.State == Fault:
			return Fault
		case r.State < worst:
			worst = r.State
		}
	}
	if len(results) == 0 {
		return Unknown
	}
	return worst
}

// Sheet collects the results on one subject.
type Sheet struct {
	subject string
	results []Result
}

// On returns an empty sheet.
func On(subject string) *Sheet { return &Sheet{subject: subject} }

// Results are the results in the order in which they came.
func (s *Sheet) Results() []Result { return s.results }

// OK notes that something is well.
func (s *Sheet) OK(check, found string) { s.add(check, OK, found, "") }

// Warning notes that something works, and is probably not meant so.
func (s *Sheet) Warning(check, found, mend string) { s.add(check, Warning, found, mend) }

// Fault notes that something does not work.
func (s *Sheet) Fault(check, found, mend string) { s.add(check, Fault, found, mend) }

// Unknown notes that something could not be told.
func (s *Sheet) Unknown(check, found, mend string) { s.add(check, Unknown, found, mend) }

// How long texts may be: AWS's and the cluster's own words are part of them.
const (
	maxLine = 1000 // characters
	maxMend = 40   // lines
)

// add cleans the texts, which hold names and words of other people's: whatever shows
// a result can then show it as it is.
func (s *Sheet) add(check string, state State, found, mend string) {
	lines := strings.Split(mend, "\n")
	lines = lines[:min(len(lines), maxMend)]
	for i := range lines {
		lines[i] = gate.Clean(lines[i])
	}
	s.results = append(s.results, Result{
		Subject: line(s.subject), Check: line(check), State: state, Found: line(found), Mend: strings.Join(lines, "\n"),
	})
}

// line is a text as one clean line.
func line(text string) string {
	text = gate.Clean(text)
	if utf8.RuneCountInString(text) <= maxLine {
		return text
	}
	return string([]rune(text)[:maxLine-1]) + "…"
}
