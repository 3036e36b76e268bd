package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxSentence is the longest verdict sentence in characters: consoles, Events
// and kubectl columns cut there.
const MaxSentence = 200

// sentence says in one line what is wrong, with which image, by which policy and
// what to do next. Where all of it does not fit, the next step goes first (it is
// in [Verdict.Detail] too), then the registry, then the middle of the name.
func (r *rules) sentence(d judgement, judged []judgement, next string) string {
	before, after := r.statement(d, judged)
	full := r.name(true)
	if next == "" {
		// Most images are allowed and have short names: one text, as it is.
		if text := Clean(before + full + after); utf8.RuneCountInString(text) <= MaxSentence {
			return text
		}
	}
	short := r.name(false)
	variants := make([]string, 0, 5)
	if next != "" {
		variants = append(variants, before+full+after+"; "+next, before+short+after+"; "+next)
	}
	variants = append(variants, before+full+after)
	if utf8.RuneCountInString(variants[0]) > MaxSentence {
		// The name gives way before the cause does, but for what tells images apart.
		over := utf8.RuneCountInString(before+short+after) - MaxSentence
		room := utf8.RuneCountInString(short) - over
		variants = append(variants, before+short+after, before+elide(short, max(room, leastName))+after)
	}
	return fit(MaxSentence, variants)
}

// leastName is what is left of an image's name at the least: the digest and some
// of the tag.
const leastName = 40

// statement returns the sentence without its next step: what comes before the
// image's name and what after it.
func (r *rules) statement(d judgement, judged []judgement) (before, after string) {
	where := onPlatform(d, judged)
	switch d.outcome {
	case Allowed:
		return "image allowed: ", r.allowedBecause(d, judged)
	case Pending:
		return "image not ready: ", where + " " + r.pendingBecause(d)
	case Unavailable:
		return "could not check: ", where + ": " + d.trouble.Text
	default:
		return "image not allowed: ", where + " " + r.deniedBecause(d)
	}
}

// policyName is how sentences call the policy.
func (r *rules) policyName() string {
	if r.policy.Name == "" {
		return "the policy"
	}
	return "policy " + Clip(r.policy.Name, 40)
}

func (r *rules) allowedBecause(d judgement, judged []judgement) string {
	if d.cause == Unscannable {
		return " cannot be scanned by ECR, which " + r.policyName() + " tolerates"
	}
	return " is within " + r.policyName() + " (" + r.newSince(judged) + r.withinLimits(judged) + ")"
}

func (r *rules) deniedBecause(d judgement) string {
	switch d.cause {
	case Unscannable:
		return "cannot be scanned by ECR" + inParens(d.scan.Description) + ", which " + r.policyName() + " denies"
	case Blocked:
		return "has " + r.headline(d.tally.blocked) + ", which " + r.policyName() + " blocks"
	case Exploitable:
		return "has " + r.headline(d.tally.exploitable) + " with a known exploit, which " + r.policyName() + " denies"
	default:
		return "has " + r.overLimits(d) + ", over " + r.policyName()
	}
}

func (r *rules) pendingBecause(d judgement) string {
	switch d.cause {
	case NoScan:
		return "has no scan yet, and " + r.policyName() + " needs a finished one"
	case TooOld:
		return "was scanned too long ago, and " + r.policyName() + " needs a newer scan"
	case NotSettled:
		return "was scanned just now and findings may still come in, and " + r.policyName() + " needs them all"
	default:
		return "is still being scanned (" + d.trouble.Text + "), and " + r.policyName() + " needs a finished scan"
	}
}

// overLimits writes "2 CRITICAL (0 allowed), 5 HIGH (3 allowed)", and where
// findings count as what they are not called, how many. Measured by a baseline it
// is "2 new CRITICAL (0 allowed) since prod".
func (r *rules) overLimits(d judgement) string {
	t, kind, since := d.tally, "", ""
	if d.since.known != nil {
		kind, since = "new ", " since "+Clip(r.policy.Baseline, 40)
	}
	over := r.over(t.weighed)
	parts := make([]string, len(over))
	for i, s := range over {
		limit, _ := r.policy.limit(s)
		parts[i] = fmt.Sprintf("%d %s%s", t.weighed[s], kind, s)
		if n := t.counts[Untriaged]; n > 0 && s != Untriaged && s == r.policy.weigh(Untriaged) {
			parts[i] += fmt.Sprintf(", %d of them untriaged", n)
		}
		parts[i] += fmt.Sprintf(" (%d allowed)", limit)
	}
	return strings.Join(parts, ", ") + since
}

// withinLimits writes "CRITICAL 0 of 0, MEDIUM 5 of 20", of several platforms
// the most that any has.
func (r *rules) withinLimits(judged []judgement) string {
	var text strings.Builder
	text.Grow(80)
	for _, s := range WorstFirst() {
		limit, limited := r.policy.limit(s)
		if _, named := r.policy.Limits[s]; !limited || !named {
			continue
		}
		most := 0
		for i := range judged {
			most = max(most, judged[i].tally.weighed[s])
		}
		if text.Len() > 0 {
			text.WriteString(", ")
		}
		text.WriteString(s.String())
		text.WriteByte(' ')
		text.WriteString(strconv.Itoa(most))
		text.WriteString(" of ")
		text.WriteString(strconv.Itoa(limit))
	}
	switch {
	case text.Len() == 0:
		return "no findings"
	case len(judged) > 1:
		return fmt.Sprintf("at most %s on each of %d platforms", text.String(), len(judged))
	default:
		return text.String()
	}
}

// newSince says that only new findings were counted, if that is so everywhere.
func (r *rules) newSince(judged []judgement) string {
	for i := range judged {
		if judged[i].since.known == nil {
			return ""
		}
	}
	return "new since " + Clip(r.policy.Baseline, 40) + ": "
}

func (r *rules) headline(findings []Finding) string {
	worst := slices.MinFunc(findings, func(a, b Finding) int { return worstFirst(&a, &b) })
	text := worst.Severity.String() + " " + worst.label(30)
	if id, ok := r.blockedAs(&worst); ok && id != worst.ID {
		text += " alias " + Clip(id, 30)
	}
	if len(worst.Packages) > 0 {
		p := worst.Packages[0]
		text += strings.TrimRight(" in "+Clip(p.Name, 40)+" "+Clip(p.Version, 24), " ")
	}
	if more := len(findings) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// label is the finding's ID, or what else it is called.
func (f Finding) label(limit int) string {
	return cmp.Or(Clip(f.ID, limit), Clip(f.Title, limit), "without a name")
}

// onPlatform names the platform that decided, where there are several.
func onPlatform(d judgement, judged []judgement) string {
	if len(judged) < 2 {
		return ""
	}
	platform := d.scan.Platform
	if platform == "" {
		platform = ShortDigest(d.scan.Digest)
	}
	if d.outcome == Allowed {
		return ""
	}
	same := 0
	for _, j := range judged {
		if j.outcome == d.outcome {
			same++
		}
	}
	if same > 1 {
		return fmt.Sprintf(" on %s and %d more of %d platforms", Clip(platform, 30), same-1, len(judged))
	}
	return " on " + Clip(platform, 30)
}

func (r *rules) unscannableWarning() string {
	return fit(MaxSentence, []string{
		r.name(true) + " cannot be scanned by ECR: nobody knows what is in it",
		r.name(false) + " cannot be scanned by ECR: nobody knows what is in it",
	})
}

// name is how people know the image: as written, its digest short. Where latest is only
// meant it is said, for that is what was asked for.
func (r *rules) name(withRegistry bool) string {
	written := Clean(r.img.Written)
	if r.img.Repository != "" {
		written, _, _ = strings.Cut(written, "@")
		untagged, tagged := strings.CutSuffix(written, r.img.Tag)
		tagged = tagged && strings.HasSuffix(untagged, ":")
		if r.img.Tag != "" && !tagged {
			written += ":" + r.img.Tag
		}
	}
	if !withRegistry && r.img.Repository != "" {
		written = r.img.Repository
		if r.img.Tag != "" {
			written += ":" + r.img.Tag
		}
	}
	if written == "" {
		written = "an image without a name"
	}
	if r.img.Digest == "" {
		return written
	}
	return written + " (" + ShortDigest(r.img.Digest) + ")"
}
