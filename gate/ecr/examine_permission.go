package ecr

import (
	"errors"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

// digestOfNothing is one that no image has: asked for it, ECR says ImageNotFound to
// whoever may ask, and starts nothing.
const digestOfNothing = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// asked is one action, on what, and by whom.
type asked struct {
	action   string
	resource string
	key      clientKey
	optional string // why it is no fault if it is refused: the gate itself does without
}

// permission notes whether an action is allowed, by what asking for it ended with.
// AWS looks at permissions first, so whatever else it says comes from being allowed.
func (e *Examination) permission(sheet *doctor.Sheet, a asked, err error) (allowed bool) {
	t := troubleOf(err)
	switch {
	case t == nil:
		sheet.OK(a.action, "allowed")
		return true
	case t.Err == nil: // no error beneath: ECR did answer, and the trouble is in what it said
		sheet.OK(a.action, "allowed")
		return true
	case t.Cause == gate.NoAccess:
		e.refused(sheet, a, t)
		return false
	case t.Cause == gate.NotReadable || t.Cause == gate.Internal:
		found, mend := unanswered(a.action, a.key.region, t)
		sheet.Unknown(a.action, found, mend)
		return false
	default:
		sheet.OK(a.action, "allowed")
		return true
	}
}

// services are those asked beside ECR, by the prefix of their actions: what people
// call them, and what their addresses begin with.
var services = map[string]struct{ name, host, endpoint string }{
	"ecr":        {"ECR", "api.ecr", "ecr.api"},
	"inspector2": {"Amazon Inspector", "inspector2", "inspector2"},
	"sts":        {"STS", "sts", "sts"},
}

// unanswered says of which service there was no answer, and where it is to be
// reached if that may be why.
func unanswered(action, region string, t *gate.Trouble) (found, mend string) {
	prefix, _, _ := strings.Cut(action, ":")
	s := services[prefix]
	found, mend = strings.Replace(t.Text, "ECR", s.name, 1), t.Mend
	if t.Text == silent.Text || t.Text == unreached.Text {
		mend = "try again; if it stays so, let this place reach " + s.host + "." + region + " on 443: NAT, or the VPC endpoint com.amazonaws." + region + "." + s.endpoint
	}
	return found, mend
}

// troubleOf is the trouble in an error of the source's or of the SDK's.
func troubleOf(err error) *gate.Trouble {
	if err == nil {
		return nil
	}
	var t *gate.Trouble
	if errors.As(err, &t) {
		return t
	}
	return trouble(err)
}

// refused notes a refusal. ECR asks Inspector with the caller's own rights, so the
// action it names may be another than the one asked for.
func (e *Examination) refused(sheet *doctor.Sheet, a asked, t *gate.Trouble) {
	if r, ok := rejected[code(t.Err)]; ok {
		sheet.Fault(a.action, r.found+" ("+code(t.Err)+")", r.mend)
		return
	}
	refusal := doctor.ReadRefusal(message(t.Err))
	found := refusal.Found()
	action, resource := a.action, a.resource
	if refusal.Action != "" && refusal.Action != action {
		action, resource = refusal.Action, "*" // Inspector's actions have no resource
		found += "; ECR reads enhanced findings from Inspector by the rights of whoever asks"
	}
	mend := refusal.Mend(e.asks(a.key), doctor.Allow(resource, action))
	if e.foreign(a.key) {
		mend = "read it by a role in account " + a.key.account + ": see account, below"
	}
	if a.optional != "" {
		sheet.Warning(a.action, found+"; "+a.optional, mend)
		return
	}
	sheet.Fault(a.action, found, mend)
}

// repositoryARN is what a policy calls a repository by.
func (e *Examination) repositoryARN(key clientKey, repository string) string {
	return "arn:" + e.caller.Partition() + ":ecr:" + key.region + ":" + key.account + ":repository/" + repository
}
