package gate

import (
	"fmt"
	"strings"
)

// The texts of this file say what a rule made of a finding. Nothing is decided
// here: decide did, and fate says what.

// answer is the explanation in one sentence.
func (e Explanation) answer() string {
	id := e.spelled()
	if len(e.Found) == 0 {
		if len(e.Unjudged) > 0 {
			return "whether " + id + " is in this image is not known: " + e.Unjudged[0].Reason
		}
		return id + " is not in this image"
	}
	n := 0
	for _, f := range e.Found {
		if f.Counts {
			n++
		}
	}
	text := either(n == 0, id+" does not count here", id+" counts here")
	switch {
	case n > 0 && n < len(e.Found):
		return fmt.Sprintf("%s counts in %d of %d findings here", id, n, len(e.Found))
	case len(e.Found) > 1:
		return fmt.Sprintf("%s, in %d findings", text, len(e.Found))
	default:
		return Clip(text+": "+e.Found[0].because(), 300)
	}
}

// spelled is the ID as the scan writes it: people ask in any letters.
func (e Explanation) spelled() string {
	for _, f := range e.Found {
		for _, id := range append([]string{f.Finding.ID}, f.Finding.Related...) {
			if strings.EqualFold(id, e.ID) {
				return Clip(id, 60)
			}
		}
	}
	return Clip(e.ID, 60)
}

// whyUnjudged is why a platform's findings were not looked at.
func (r *rules) whyUnjudged(j judgement) string {
	switch {
	case j.cause == Unscannable:
		return "ECR cannot scan it" + inParens(j.scan.Description)
	case j.outcome == Pending:
		return "it " + r.pendingBecause(j)
	case j.trouble != nil:
		return Clip(j.trouble.Text, MaxSentence)
	default:
		return "its findings were not looked at"
	}
}

func (r *rules) whySeverity(t traced) string {
	by := "ECR's scan"
	switch t.scan.Type {
	case Basic:
		by = "ECR's basic scan"
	case Enhanced:
		by = "Amazon Inspector"
	}
	severity := t.finding.Severity.known()
	if severity != Untriaged {
		return severity.String() + ", as " + by + " rates it"
	}
	if t.decision.weight == Untriaged {
		return "not rated by " + by + ", and " + r.policyName() + " does not say what such a finding counts as (untriagedAs), so none is tolerated"
	}
	return "not rated by " + by + "; counts as " + t.decision.weight.String() + ", as " + r.policyName() + " has it (untriagedAs)"
}

// why says why a rule decided, or why it did not.
func (r *rules) why(rule fate, t traced) string {
	decided := rule == t.decision.fate
	switch rule {
	case isClosed:
		return either(decided, "Amazon Inspector has closed it: it is no longer there", "open ("+t.finding.Status.String()+")")
	case isBlocked:
		return r.whyBlocked(t)
	case isSuppressed:
		return r.whySuppressed(t, decided)
	case isExploited:
		return r.whyExploited(t, decided)
	case isUnfixable:
		return r.whyUnfixable(t, decided)
	case isInGrace:
		return r.whyInGrace(t, decided)
	default:
		return r.whyKnown(t, decided)
	}
}

func either(yes bool, this, that string) string {
	if yes {
		return this
	}
	return that
}

func (r *rules) whyBlocked(t traced) string {
	id, blocked := r.blockedAs(&t.finding)
	switch {
	case blocked:
		return Clip(id, 60) + " is on the list of " + r.policyName() + ": it denies, whatever else is said of it"
	case len(r.blocked) == 0:
		return r.policyName() + " blocks nothing"
	default:
		return "not among what " + r.policyName() + " blocks"
	}
}

func (r *rules) whySuppressed(t traced, decided bool) string {
	switch {
	case decided:
		return "a suppression rule of Amazon Inspector hides it, and " + r.policyName() + " goes by that (suppressed: ignore)"
	case t.finding.Status == Suppressed:
		return "a suppression rule of Amazon Inspector hides it, and " + r.policyName() + " counts it all the same (suppressed: count)"
	default:
		return "not hidden by a suppression rule"
	}
}

func (r *rules) whyExploited(t traced, decided bool) string {
	switch {
	case decided:
		return "a known exploit exists: it denies, whatever its severity, age and fix"
	case t.finding.Exploit:
		return "a known exploit exists, which " + r.policyName() + " does not go by (exploitable: ignore)"
	case t.scan.Type == Basic:
		return "a basic scan does not tell of exploits"
	default:
		return "no known exploit"
	}
}

func (r *rules) whyUnfixable(t traced, decided bool) string {
	fix := "the scan does not say whether there is a fix"
	switch p := fixedPackage(t.finding); {
	case p.FixedIn != "":
		fix = "fixed by " + Clip(p.Name, 40) + " " + Clip(p.FixedIn, 40)
	case t.finding.Fix == FixNo:
		fix = "no fix is known"
	case t.finding.Fix == FixPartial, t.finding.Fix == FixYes:
		fix = "there is a fix (" + t.finding.Fix.String() + "), of which the scan names no version"
	}
	switch {
	case decided:
		return fix + ", and " + r.policyName() + " counts only what can be mended"
	case r.policy.FixableOnly:
		return fix
	default:
		return fix + "; " + r.policyName() + " counts findings without a fix too"
	}
}

func whenObserved(f Finding) string {
	if f.FirstObserved.IsZero() {
		return "the scan does not say"
	}
	return instant(f.FirstObserved)
}

func (r *rules) whyInGrace(t traced, decided bool) string {
	grace, first := r.policy.Grace[t.decision.weight], t.finding.FirstObserved
	switch {
	case decided:
		return fmt.Sprintf("counts from %s on (%s %s)", instant(first.Add(grace)), t.decision.weight, grace)
	case grace <= 0:
		return r.policyName() + " gives " + t.decision.weight.String() + " no time"
	case first.IsZero():
		return "nobody knows when it was first observed, so it has no time"
	case first.After(r.now):
		return "first observed in the future, so it has no time"
	default:
		return fmt.Sprintf("its time was over at %s (%s %s)", instant(first.Add(grace)), t.decision.weight, grace)
	}
}

func (r *rules) whyKnown(t traced, decided bool) string {
	tag := Clip(r.policy.Baseline, 40)
	switch {
	case decided:
		return "baseline " + tag + " (" + ShortDigest(t.since.digest) + ") has it too"
	case t.since.known != nil:
		return "new since baseline " + tag + " (" + ShortDigest(t.since.digest) + ")"
	case r.policy.Baseline == "":
		return r.policyName() + " names none"
	default:
		return t.since.warning
	}
}

// whyLimit is where the platform stands with what the finding counts as.
func (r *rules) whyLimit(weight Severity, t tally) string {
	limit, limited := r.policy.limit(weight)
	if !limited {
		return r.policyName() + " does not limit " + weight.String()
	}
	text := fmt.Sprintf("%d %s, of which %s tolerates %d", t.weighed[weight], weight, r.policyName(), limit)
	return text + either(r.overLimit(weight, t), ": it denies", "")
}

func (r *rules) overLimit(weight Severity, t tally) bool {
	limit, limited := r.policy.limit(weight)
	return limited && t.weighed[weight] > limit
}
