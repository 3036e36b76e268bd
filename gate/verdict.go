package gate

import (
	"slices"
	"time"
)

// Outcome is how a verdict ends. The zero value is Denied.
type Outcome uint8

// The four outcomes; they are never mixed up.
const (
	Denied      Outcome = iota // judged, over policy
	Unavailable                // cannot be judged
	Pending                    // no finished scan yet; worth waiting
	Allowed                    // judged, within policy
)

var outcomeNames = [...]string{"Denied", "Unavailable", "Pending", "Allowed"}

func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return outcomeNames[Denied]
}

// MarshalText writes the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// worse reports whether o counts before p: Denied over Unavailable over Pending
// over Allowed.
func (o Outcome) worse(p Outcome) bool { return o < p }

// Verdict is the decision on one image, with all that is needed to explain it.
type Verdict struct {
	Image   string  `json:"image"`            // as it was given
	Digest  string  `json:"digest,omitempty"` // what was judged; empty: never resolved
	Outcome Outcome `json:"outcome"`
	Cause   Cause   `json:"cause"`
	// Reason is the verdict sentence: one line, at most 200 characters, the same
	// bytes for the same cause.
	Reason string `json:"reason"`
	Policy string `json:"policy"`
	// Next is what to do about it; part of Reason where it fits.
	Next     string            `json:"next,omitempty"`
	Limits   map[Severity]int  `json:"limits,omitempty"`
	Counts   map[Severity]int  `json:"counts"`   // after exceptions, distinct over all platforms
	Findings []Finding         `json:"findings"` // what was counted, the worst first
	Excepted []ExceptedFinding `json:"excepted"`
	// Skipped counts what the policy passes over without an exception.
	Skipped Skipped `json:"skipped,omitzero"`
	// Baseline is what the policy measures the image by; nil: nothing. Whether it
	// could be used, the manifests say, and if not a warning why.
	Baseline *BaselineNote     `json:"baseline,omitempty"`
	Lapsed   []LapsedException `json:"lapsedExceptions,omitempty"`
	// Exceptions are those for this image that have expired, soon will, or matched
	// nothing in it.
	Exceptions []ExceptionReport `json:"exceptions,omitempty"`
	Warnings   []string          `json:"warnings,omitempty"`
	Manifests  []ManifestVerdict `json:"manifests"`

	// Comparison is with another image that somebody asked to be compared with; nil:
	// nobody did. It has no say in the outcome.
	Comparison *Comparison `json:"comparison,omitempty"`

	// Passing says that waiting may change the verdict: always for Pending, for
	// Unavailable where the trouble may pass, for Denied where only a baseline that
	// could not be read for the moment makes it so.
	Passing bool `json:"passing,omitempty"`
	// WantsScan says that a new scan would help and the policy allows to start one.
	WantsScan bool `json:"-"`
	// Used are the exceptions, by index in what was given to Evaluate, that let a
	// finding pass.
	Used []int `json:"-"`

	// Err is what lies beneath a verdict that could not be had, for the log; nil if
	// there is nothing. It is in no text that must be stable.
	Err error `json:"-"`

	img         Image
	untriagedAs Severity
	brief       []string // not nil: of a [Verdict.Short]
}

// staleWarning has no age in it: the same cause gives the same bytes.
const staleWarning = "ECR did not answer: judged by what it said before"

// warn adds a warning, each once.
func (v *Verdict) warn(warning string) {
	if warning != "" && !slices.Contains(v.Warnings, warning) {
		v.Warnings = append(v.Warnings, warning)
	}
}

// ManifestVerdict is the judgement of one platform manifest by itself.
type ManifestVerdict struct {
	Platform    string           `json:"platform,omitempty"`
	Digest      string           `json:"digest"`
	Outcome     Outcome          `json:"outcome"`
	Cause       Cause            `json:"cause"`
	Status      Status           `json:"status,omitempty"`
	ScanType    ScanType         `json:"scanType,omitempty"`
	CompletedAt time.Time        `json:"completedAt,omitzero"`
	Counts      map[Severity]int `json:"counts"`
	// Findings are, of an index, the verdict's findings that count on this platform,
	// by their place in the list; nil for an image that is no index.
	Findings []int `json:"findings,omitempty"`
	// Baseline is the manifest that the findings were measured by, as a digest;
	// empty: every finding counted.
	Baseline string `json:"baseline,omitempty"`

	// What the judgement rests on, for those who ask whether to believe it.
	Pages     int       `json:"pages,omitzero"`           // of findings, read to the last one
	SourceAt  time.Time `json:"sourceUpdatedAt,omitzero"` // of the vulnerability data; zero: not said
	SettledBy Settling  `json:"settledBy,omitzero"`       // empty: not finished or not settled

	reading Reading // of a result that may still grow
	rescan  bool    // a new scan would help and the policy allows to start one
}

// ExceptedFinding is a finding that exceptions let pass.
type ExceptedFinding struct {
	Finding
	Exceptions []ExceptionNote `json:"exceptions"`
}

// ExceptionNote is what a report says of an exception.
type ExceptionNote struct {
	Source    string    `json:"source"`
	Statement string    `json:"statement,omitempty"`
	Owner     string    `json:"owner,omitempty"`
	Ticket    string    `json:"ticket,omitempty"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"` // the instant it lapses; zero: never
}

func (e Exception) note() ExceptionNote {
	return ExceptionNote{Source: e.Source, Statement: e.Statement, Owner: e.Owner, Ticket: e.Ticket, ExpiresAt: e.ExpiresAt}
}

// LapsedException would have let a finding pass, had it not expired.
type LapsedException struct {
	ID string `json:"id"`
	ExceptionNote
}

// Skipped counts findings that the policy passes over, by why.
type Skipped struct {
	Closed     int `json:"closed,omitempty"`
	Suppressed int `json:"suppressed,omitempty"`
	Unfixable  int `json:"unfixable,omitempty"`
	InGrace    int `json:"inGrace,omitempty"`
	Baseline   int `json:"baseline,omitempty"` // the baseline has them too
}

// Readings returns the traces this look left of results that may still grow, by
// manifest digest, to hand to the next look as [Request.Readings].
func (v Verdict) Readings() map[string]Reading {
	readings := make(map[string]Reading, len(v.Manifests))
	for _, m := range v.Manifests {
		if m.Cause == NotSettled {
			readings[m.Digest] = m.reading
		}
	}
	return readings
}

// Worst returns the verdict that decides for several images, the first of equals.
// Of none there is none: ok is false, and nobody may take that for a yes.
func Worst(verdicts []Verdict) (worst Verdict, ok bool) {
	for i, v := range verdicts {
		if i == 0 || v.Outcome.worse(worst.Outcome) {
			worst = v
		}
	}
	return worst, len(verdicts) > 0
}

// VerdictList is the document that check prints and the pipeline stores.
type VerdictList struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Items      []Verdict `json:"items"`
}

// List puts verdicts into one document.
func List(verdicts []Verdict) VerdictList {
	if verdicts == nil {
		verdicts = []Verdict{}
	}
	return VerdictList{APIVersion: "ecr-gate.dev/v1alpha1", Kind: "VerdictList", Items: verdicts}
}

// judged reports whether the findings were looked at, whatever came of it.
func (m ManifestVerdict) judged() bool {
	switch m.Cause {
	case WithinPolicy, OverPolicy, Blocked, Exploitable:
		return true
	default:
		return false
	}
}
