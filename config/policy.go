package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Policy says what is tolerated in the images that it matches.
type Policy struct {
	// The name, by which namespace labels and doors ask for the policy: at most 63
	// of 0-9 A-Z a-z - _ and ., with a letter or digit at either end. Not auto,
	// none or built-in.
	Name string `json:"name" jsonschema:"pattern=^[A-Za-z0-9]([-A-Za-z0-9_.]{0\\,61}[A-Za-z0-9])?$"`
	// Which images the policy is for.
	Match Match `json:"match,omitzero"`
	// The tolerated number of findings per severity. A severity left out is not
	// limited.
	MaxFindings map[Severity]int `json:"maxFindings"`
	// What a finding counts as whose severity nobody has set: CRITICAL, HIGH,
	// MEDIUM, LOW or INFORMATIONAL. Default: HIGH.
	UntriagedAs Severity `json:"untriagedAs,omitempty" jsonschema:"default=HIGH"`
	// Counts only findings that have a fix, even a partial one. A basic scan has
	// no fix data: its findings count. Default: false.
	FixableOnly bool `json:"fixableOnly,omitempty" jsonschema:"default=false"`
	// What Inspector's own suppression rules hide: count or ignore. Default: count.
	Suppressed string `json:"suppressed,omitempty" jsonschema:"enum=count,enum=ignore,default=count"`
	// Per severity, for how long a finding first observed does not count yet, as
	// 72h; needs an enhanced scan. Default: every finding counts at once.
	GracePeriod map[Severity]time.Duration `json:"gracePeriod,omitempty"`
	// A finding with a known exploit: deny (always, whatever its severity) or
	// ignore. Default: deny.
	Exploitable string `json:"exploitable,omitempty" jsonschema:"enum=deny,enum=ignore,default=deny"`
	// How old a result may be, as 720h. An older one is Pending if a new scan can
	// be started, else Unavailable. 0 or left out: any age.
	MaxScanAge time.Duration `json:"maxScanAge,omitempty"`
	// Whether StartImageScan (basic) may be called when there is no scan or it is
	// too old. Default: false.
	StartScan bool `json:"startScan,omitempty" jsonschema:"default=false"`
	// Images that ECR cannot scan: deny, warn or allow. Default: deny.
	Unscannable string `json:"unscannable,omitempty" jsonschema:"enum=deny,enum=warn,enum=allow,default=deny"`
	// Vulnerability IDs that always fail, exceptions or not.
	Blocked []string `json:"blocked,omitempty"`
	// Counts only findings that another image does not have. Default: every finding
	// counts.
	Baseline *Baseline `json:"baseline,omitempty"`
}

// Baseline names the image that others are measured by. Where it cannot be read,
// every finding counts; what is blocked or exploitable denies all the same.
type Baseline struct {
	// A tag of the image's own repository, as prod. Who may push it can hide
	// findings.
	Tag string `json:"tag" jsonschema:"pattern=^[A-Za-z0-9_][A-Za-z0-9_.-]{0\\,127}$"`
}

// Match says which images a policy is for.
type Match struct {
	// Globs over registry/repository, as **/shop/**. Empty: every image.
	Images []string `json:"images,omitempty"`
}

// SetDefaults sets what holds for keys that are left out.
func (p *Policy) SetDefaults() {
	*p = Policy{UntriagedAs: Severity(gate.High), Suppressed: "count", Exploitable: Deny, Unscannable: Deny}
}

// Severity is a severity that can be limited, written in capitals.
type Severity gate.Severity

func (s Severity) String() string { return gate.Severity(s).String() }

// MarshalText writes the severity as AWS does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads CRITICAL, HIGH, MEDIUM, LOW or INFORMATIONAL.
func (s *Severity) UnmarshalText(text []byte) error {
	word := string(text)
	switch got := gate.ParseSeverity(word); {
	case got != gate.Untriaged && got.String() == word:
		*s = Severity(got)
		return nil
	case got != gate.Untriaged:
		return fmt.Errorf("%s must be in capitals; write %s", word, got)
	case strings.EqualFold(word, "UNTRIAGED"), strings.EqualFold(word, "UNDEFINED"):
		return fmt.Errorf("%s cannot be limited by itself; let untriagedAs say which severity such findings count as", word)
	default:
		return fmt.Errorf("%.40q is no severity; write one of CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL", word)
	}
}

func (p Policy) gate() gate.Policy {
	return gate.Policy{
		Name:             p.Name,
		Images:           slices.Clone(p.Match.Images),
		Limits:           bySeverity(p.MaxFindings),
		UntriagedAs:      gate.Severity(p.UntriagedAs),
		FixableOnly:      p.FixableOnly,
		IgnoreSuppressed: p.Suppressed == "ignore",
		Grace:            bySeverity(p.GracePeriod),
		IgnoreExploits:   p.Exploitable == "ignore",
		MaxScanAge:       p.MaxScanAge,
		StartScan:        p.StartScan,
		Unscannable:      unscannables[p.Unscannable],
		Blocked:          slices.Clone(p.Blocked),
		Baseline:         p.Baseline.tag(),
	}
}

func (b *Baseline) tag() string {
	if b == nil {
		return ""
	}
	return b.Tag
}

// unscannables gives the zero value, which refuses, for every other word.
var unscannables = map[string]gate.Unscannables{Warn: gate.WarnUnscannable, Allow: gate.AllowUnscannable}

func bySeverity[V any](written map[Severity]V) map[gate.Severity]V {
	if written == nil {
		return nil
	}
	converted := make(map[gate.Severity]V, len(written))
	for s, v := range written {
		converted[gate.Severity(s)] = v
	}
	return converted
}
