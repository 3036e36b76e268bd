package webhook

import (
	"slices"

	"github.com/ecr-gate/ecr-gate/gate"
)

// The words that stand where a policy's name may.
const (
	Auto = "auto" // the first policy whose match fits the image
	None = "none" // do not judge
)

// Labels of a namespace. Each names a policy, auto or none.
const (
	EnforceLabel = "ecr-gate.dev/enforce"
	WarnLabel    = "ecr-gate.dev/warn"
	AuditLabel   = "ecr-gate.dev/audit"
)

// Treatment is what becomes of an image that could not be judged. The zero value
// denies.
type Treatment uint8

// The three treatments, the strictest first.
const (
	Deny Treatment = iota
	Warn
	Allow
)

// Settings are what the configuration says of this door. The zero value enforces
// the policies by match and denies all that cannot be judged.
type Settings struct {
	// What holds for namespaces without a label of that mode: a policy's name,
	// auto or none. Empty Enforce is auto, empty Warn and Audit are none.
	Enforce, Warn, Audit string
	NonECRImages         Treatment // images that are not in a private ECR registry
	OnUnavailable        Treatment // images that could not be checked
	// Policies are the names a label may use, to tell who sets another one.
	Policies []string
	// Gate has the policies of the same version of the configuration, for settings
	// that change: one version's choice of a policy says nothing of what another one
	// calls so. nil: the handler's.
	Gate Checker
}

// modes are the policies that hold for one namespace.
type modes struct{ enforce, warn, audit string }

// modes reads a namespace's labels; where one is missing the settings hold.
func (s Settings) modes(labels map[string]string) modes {
	return modes{
		enforce: mode(labels, EnforceLabel, s.Enforce, Auto),
		warn:    mode(labels, WarnLabel, s.Warn, None),
		audit:   mode(labels, AuditLabel, s.Audit, None),
	}
}

// mode is the label's value, else the setting, else what an empty one means. An
// empty label asks for the mode without saying which policy: auto.
func mode(labels map[string]string, label, setting, otherwise string) string {
	value, labelled := labels[label]
	switch {
	case labelled && value == "":
		return Auto
	case labelled:
		return value
	case setting == "":
		return otherwise
	default:
		return setting
	}
}

// policies lists what the modes ask for, each once, enforce first.
func (m modes) policies() []string {
	var list []string
	for _, policy := range []string{m.enforce, m.warn, m.audit} {
		if policy != None && !slices.Contains(list, policy) {
			list = append(list, policy)
		}
	}
	return list
}

// of is the strictest mode that asks for the policy.
func (m modes) of(policy string) string {
	switch policy {
	case m.enforce:
		return "enforce"
	case m.warn:
		return "warn"
	default:
		return "audit"
	}
}

// knows reports whether a mode names a policy that exists.
func (s Settings) knows(policy string) bool {
	return policy == Auto || policy == None || slices.Contains(s.Policies, policy)
}

// treatment is what a verdict means in this door. What is nobody's outage is
// denied whatever onUnavailable says: a reference that cannot be read, an image
// that is built so that it cannot be judged, a policy that does not exist (or a
// misspelt label would open the door), and a registry that the configuration
// leaves out.
func (s Settings) treatment(v gate.Verdict) Treatment {
	switch {
	case v.Outcome == gate.Allowed:
		return Allow
	case v.Outcome != gate.Unavailable:
		return Deny
	}
	switch v.Cause {
	case gate.NotECR:
		return s.NonECRImages
	case gate.BadReference, gate.BadImage, gate.UnknownPolicy, gate.NotListed:
		return Deny
	default:
		return s.OnUnavailable
	}
}
