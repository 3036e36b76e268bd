package webhook

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/gate"
)

// reviewed is a pod, or a template of pods, with a verdict on every image.
type reviewed struct {
	settings Settings
	modes    modes
	policies []string // that the modes ask for
	images   [][]use  // the places of each
	verdicts verdicts
}

// objection is an image that a mode does not let pass unsaid.
type objection struct {
	uses      []use // the same image in several places
	verdict   gate.Verdict
	treatment Treatment // Deny or Warn
}

// objections are what one mode has against the pod: the denied before the warned
// about, the worse outcome first, else in the pod's order.
func (r reviewed) objections(policy string) []objection {
	if policy == None {
		return nil
	}
	var list []objection
	for _, uses := range r.images {
		q := question{uses[0].image, policy}
		v, ok := r.verdicts.on(q)
		if !ok { // a verdict that was not asked for is no yes
			v = unjudged(q, nil)
		}
		if t := r.settings.treatment(v); t != Allow {
			list = append(list, objection{uses, v, t})
		}
	}
	slices.SortStableFunc(list, func(a, b objection) int {
		return cmp.Or(cmp.Compare(a.treatment, b.treatment), cmp.Compare(a.verdict.Outcome, b.verdict.Outcome))
	})
	return list
}

// denied are the objections that reject a pod where the mode enforces.
func denied(list []objection) []objection {
	return slices.DeleteFunc(slices.Clone(list), func(o objection) bool { return o.treatment != Deny })
}

// response is the answer on a pod.
func (r reviewed) response() admission.Response {
	against := r.objections(r.modes.enforce)
	refused := denied(against)
	var response admission.Response
	if len(refused) > 0 {
		response = admission.Denied(refusal(refused)).WithWarnings(bounded(r.notes())...)
	} else {
		response = admission.Allowed("").WithWarnings(r.warnings(against)...)
	}
	response.AuditAnnotations = r.annotations(against)
	return response
}

// warnings are for a pod that is let in all the same.
func (r reviewed) warnings(enforced []objection) []string {
	var list []string
	said := map[string]bool{}
	for _, o := range enforced {
		said[o.verdict.Image] = true
		list = append(list, o.warning("let in unchecked: "))
	}
	for _, o := range r.objections(r.modes.warn) {
		if !said[o.verdict.Image] {
			list = append(list, o.warning("let in with a warning: "))
		}
	}
	return bounded(append(list, r.notes()...))
}

// notes are what is to be known of the verdicts, whatever became of the pod: that one
// rests on an earlier answer of ECR's, say.
func (r reviewed) notes() []string {
	var list []string
	for _, uses := range r.images {
		v, _ := r.verdicts.on(question{uses[0].image, r.modes.enforce})
		for _, w := range v.Warnings {
			list = append(list, gate.Clip(uses[0].String()+": "+w, maxWarning))
		}
	}
	return list
}

// forecast warns whoever applies a workload of what its pods will meet.
func (r reviewed) forecast() []string {
	enforced := r.objections(r.modes.enforce)
	var list []string
	for _, o := range denied(enforced) {
		list = append(list, o.warning("its pods will be refused: "))
	}
	if len(list) == 0 {
		list = r.warnings(enforced)
	}
	return bounded(list)
}

// annotations are for the audit log, where the API server prefixes them with the
// webhook's name.
func (r reviewed) annotations(enforced []objection) map[string]string {
	notes := map[string]string{
		"enforce-policy": r.modes.enforce,
		"images":         r.judged(r.policies[0]),
	}
	for _, o := range enforced {
		if o.verdict.Outcome == gate.Unavailable && o.verdict.Cause != gate.NotECR {
			notes["error"] = o.verdict.Reason
			break
		}
	}
	if violations := r.objections(r.modes.audit); len(violations) > 0 {
		notes["audit-policy"] = r.modes.audit
		notes["audit-violations"] = refusal(violations)
	}
	return notes
}

// judged lists which digest stood for each image and what became of it.
func (r reviewed) judged(policy string) string {
	var list []string
	for _, uses := range r.images {
		v, _ := r.verdicts.on(question{uses[0].image, policy})
		list = append(list, uses[0].name+"="+cmp.Or(v.Digest, "unresolved")+" "+v.Outcome.String())
	}
	return gate.Clip(strings.Join(list, ", "), maxMessage)
}

// maxLogged is how many characters of a name are logged, as many as one may have: the
// line is there for every image, and a name of a mebibyte would be in each.
const maxLogged = 253

// log writes one line for each verdict.
func (r reviewed) log(ctx context.Context, log *slog.Logger, req admission.Request, p pod) {
	for _, uses := range r.images {
		for _, policy := range r.policies {
			v, _ := r.verdicts.on(question{uses[0].image, policy})
			level, attrs := slog.LevelInfo, []slog.Attr{
				slog.String("door", "webhook"),
				slog.String("requestId", gate.Clip(string(req.UID), maxLogged)),
				slog.String("namespace", gate.Clip(req.Namespace, maxLogged)),
				slog.String("pod", gate.Clip(p.name(), maxLogged)),
				slog.String("at", gate.Clip(places(uses), maxLogged)),
				slog.String("image", v.Image),
				slog.String("digest", v.Digest),
				slog.String("mode", r.modes.of(policy)),
				slog.String("answer", r.answer(policy, v)),
				slog.String("outcome", v.Outcome.String()),
				slog.String("policy", v.Policy),
				slog.String("reason", r.reason(v)),
			}
			if isDryRun(req) {
				attrs = append(attrs, slog.Bool("dryRun", true))
			}
			if v.Err != nil {
				level = slog.LevelWarn
				attrs = append(attrs, slog.Any("error", v.Err))
			}
			log.LogAttrs(ctx, level, "verdict", attrs...)
		}
	}
}

// answer is what the verdict means for the pod.
func (r reviewed) answer(policy string, v gate.Verdict) string {
	switch t := r.settings.treatment(v); {
	case t == Allow:
		return "allowed"
	case t == Deny && policy == r.modes.enforce:
		return "refused"
	case policy == r.modes.enforce, policy == r.modes.warn:
		return "warned"
	default:
		return "noted"
	}
}

// reason is the verdict's, but for an image that was never to be checked.
func (r reviewed) reason(v gate.Verdict) string {
	if v.Cause == gate.NotECR && r.settings.NonECRImages == Allow {
		return "not in a private Amazon ECR registry, which the configuration lets pass"
	}
	return v.Reason
}
