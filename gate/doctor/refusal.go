package doctor

import (
	"regexp"
	"strings"
)

// Refusal is AWS's refusal of one action, as its message says it (IAM user guide,
// troubleshoot_access-denied).
type Refusal struct {
	Action   string // as inspector2:ListFindings; empty: the message names none
	Who      string // the ARN refused; empty: not said
	Policy   string // the kind of policy that decided, as "service control policy"; empty: not said
	Explicit bool   // that policy has a Deny; otherwise it lacks an Allow
	Words    string // the message itself
}

var (
	refusedAction = regexp.MustCompile(`perform:? ([a-z0-9-]+:[A-Za-z]+)`)
	refusedWho    = regexp.MustCompile(`(?:User|Principal): (arn:[^\s]+)`)
	lackingAllow  = regexp.MustCompile(`because no ([A-Za-z -]+?)(?: policy)? allows`)
	explicitDeny  = regexp.MustCompile(`with an explicit deny in (?:an? |the )?([A-Za-z -]*[A-Za-z])`)
)

// ReadRefusal reads the message of an access-denied error.
func ReadRefusal(message string) Refusal {
	r := Refusal{Action: group(refusedAction, message), Who: group(refusedWho, message), Words: message}
	if kind := group(explicitDeny, message); kind != "" {
		r.Policy, r.Explicit = strings.TrimSuffix(kind, " policy"), true
	} else {
		r.Policy = group(lackingAllow, message)
	}
	if r.Policy != "" && !strings.HasSuffix(r.Policy, "boundary") {
		r.Policy += " policy"
	}
	return r
}

func group(form *regexp.Regexp, text string) string {
	if m := form.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// Found says what was refused, to whom and by what.
func (r Refusal) Found() string {
	if r.Action == "" {
		return "AWS refuses access: " + r.Words
	}
	text := "AWS refuses " + r.Action
	if r.Who != "" {
		text += " to " + r.Who
	}
	switch {
	case r.Explicit:
		text += ": an explicit deny in " + article(r.Policy)
	case r.Policy != "":
		text += ": no " + r.Policy + " allows it"
	}
	return text
}

// Mend says where to put the statement that allows it to the principal.
func (r Refusal) Mend(principal, statement string) string {
	permissions := "add to the permissions of " + principal + ":\n" + statement
	switch {
	case r.Explicit:
		return "take the explicit deny out of that " + r.Policy + ", for no Allow helps against it; then " + permissions
	case r.Policy == "", r.Policy == "identity-based policy":
		return permissions
	default: // a boundary of some kind: an Allow counts only where this one has it too
		return "allow it in that " + r.Policy + " too; and " + permissions
	}
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
