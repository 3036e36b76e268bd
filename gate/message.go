package gate

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxSentence is the longest verdict sentence in characters: consoles, Events
// and kubectl columns cut there.
const MaxSentence = 200

// sentence says in one line what is wrong, with which image, by which policy and
// what to do next. Where all of it does not fit, the next step goes first (it is
// in [Verdict.Detail] too), then the registry, then the middle of the name.
func (r rules) sentence(d judgement, judged []judgement, next string) string {
	say := r.statement(d, judged)
	full, short := r.name(true), r.name(false)
	variants := []string{}
	if next != "" {
		variants = append(variants, say(full)+"; "+next, say(short)+"; "+next)
	}
	variants = append(variants, say(full), say(short))
	over := utf8.RuneCountInString(say(short)) - MaxSentence
	if room := utf8.RuneCountInString(short) - over; over > 0 && room >= 20 {
		variants = append(variants, say(elide(short, room)))
	}
	return fit(MaxSentence, variants)
}

// statement returns the sentence without its next step, as a function of how the
// image is called.
func (r rules) statement(d judgement, judged []judgement) func(name string) string {
	where := onPlatform(d, judged)
	policy := "policy " + clip(r.policy.Name, 63)
	switch d.outcome {
	case Allowed:
		return func(name string) string {
			return "image allowed: " + name + r.allowedBecause(d) + policy
		}
	case Pending:
		return func(name string) string {
			return "image not ready: " + name + " " + pendingBecause(d) + where + "; " + policy + " needs a finished scan"
		}
	case Unavailable:
		return func(name string) string { return "could not check: " + name + ": " + d.trouble.Text + where }
	default:
		return func(name string) string {
			return "image not allowed: " + name + " " + r.deniedBecause(d) + where + ", " + policy
		}
	}
}

func (r rules) allowedBecause(d judgement) string {
	if d.cause == Unscannable {
		return " cannot be scanned by ECR, which is tolerated by "
	}
	if limits := r.againstLimits(d.tally.weighed, nil); limits != "" {
		return " has " + limits + ", within "
	}
	return " is within "
}

func (r rules) deniedBecause(d judgement) string {
	switch d.cause {
	case Unscannable:
		return "cannot be scanned by ECR" + inParens(d.scan.Description)
	case Blocked:
		return "has " + headline(d.tally.blocked) + ", which is blocked"
	case Exploitable:
		return "has " + headline(d.tally.exploitable) + ", which has a known exploit"
	default:
		return "has " + r.againstLimits(d.tally.weighed, r.over(d.tally.weighed))
	}
}

func pendingBecause(d judgement) string {
	switch d.cause {
	case NoScan:
		return "has no scan yet"
	case TooOld:
		return "was scanned too long ago and is to be scanned again"
	case NotSettled:
		return "was scanned just now and findings may still come in"
	default:
		return "is still being scanned (" + d.trouble.Text + ")"
	}
}

// againstLimits writes "2 CRITICAL of 0 allowed, 5 HIGH of 3 allowed" for the
// severities given; nil stands for every limited one.
func (r rules) againstLimits(weighed map[Severity]int, only []Severity) string {
	if only == nil {
		for _, s := range WorstFirst() {
			if _, ok := r.policy.Limits[s]; ok {
				only = append(only, s)
			}
		}
	}
	parts := make([]string, len(only))
	for i, s := range only {
		limit, _ := r.policy.limit(s)
		parts[i] = fmt.Sprintf("%d %s of %d allowed", weighed[s], s, limit)
	}
	return strings.Join(parts, ", ")
}

func headline(findings []Finding) string {
	worst := findings[0]
	for _, f := range findings[1:] {
		if worstFirst(f, worst) < 0 {
			worst = f
		}
	}
	text := worst.Severity.String() + " " + clip(worst.ID, 30)
	if len(worst.Packages) > 0 {
		text += " in " + clip(worst.Packages[0].Name, 40) + " " + clip(worst.Packages[0].Version, 24)
	}
	if more := len(findings) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
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
		return fmt.Sprintf(" on %s and %d more of %d platforms", clip(platform, 30), same-1, len(judged))
	}
	return " on " + clip(platform, 30)
}

// next is what to do about it.
func (r rules) next(d judgement) string {
	switch {
	case d.outcome == Allowed:
		return ""
	case d.trouble != nil && d.cause != NotFinished && d.cause != NoScan:
		return d.trouble.Mend
	case d.cause == NoScan:
		return "wait a minute; if it stays so, see that scan on push covers repository " + clip(r.img.Repository, 60)
	case d.outcome == Pending:
		return "wait for the scan and try again"
	case d.cause == Unscannable:
		return "build it on a base image that ECR can scan"
	default:
		return remedy(r.deciding(d))
	}
}

// deciding are the findings without which the image would pass.
func (r rules) deciding(d judgement) []Finding {
	switch d.cause {
	case Blocked:
		return d.tally.blocked
	case Exploitable:
		return d.tally.exploitable
	}
	over := map[Severity]bool{}
	for _, s := range r.over(d.tally.weighed) {
		over[s] = true
	}
	var deciding []Finding
	for _, f := range d.tally.counted {
		if over[r.policy.weigh(f.Severity)] {
			deciding = append(deciding, f)
		}
	}
	return deciding
}

// remedy names the upgrade for the worst finding that has one.
func remedy(findings []Finding) string {
	var best *Finding
	packages := map[string]bool{}
	noData := false
	for i, f := range findings {
		noData = noData || f.Fix == FixUnknown
		if !f.hasFixedVersion() {
			continue
		}
		packages[fixedPackage(f).Name] = true
		if best == nil || worstFirst(f, *best) < 0 {
			best = &findings[i]
		}
	}
	switch {
	case best != nil:
		p := fixedPackage(*best)
		text := fmt.Sprintf("upgrade %s to %s", clip(p.Name, 40), clip(p.FixedIn, 30))
		if more := len(packages) - 1; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		return text + ", rebuild and push"
	case noData:
		return "rebuild on a newer base image and push"
	default:
		return "no fix is known yet: remove the package or change the base image"
	}
}

func fixedPackage(f Finding) Package {
	for _, p := range f.Packages {
		if p.FixedIn != "" {
			return p
		}
	}
	return Package{}
}

func (r rules) unscannableWarning() string {
	return fit(MaxSentence, []string{
		r.name(true) + " cannot be scanned by ECR: nobody knows what is in it",
		r.name(false) + " cannot be scanned by ECR: nobody knows what is in it",
	})
}

// name is how people know the image: as written, its digest short.
func (r rules) name(withRegistry bool) string {
	written, _, _ := strings.Cut(r.img.Written, "@")
	written = Clean(written)
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

func inParens(text string) string {
	if text == "" {
		return ""
	}
	return " (" + clip(text, 90) + ")"
}

// fit returns the first variant of at most limit characters, else the last one
// cut.
func fit(limit int, variants []string) string {
	for _, v := range variants {
		if v = Clean(v); utf8.RuneCountInString(v) <= limit {
			return v
		}
	}
	return clip(variants[len(variants)-1], limit)
}

// clip makes text one clean line of at most limit characters.
func clip(text string, limit int) string {
	text = Clean(text)
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// elide takes characters out of the middle: both ends of a name tell images apart.
func elide(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	tail := (limit - 1) * 2 / 3
	head := limit - 1 - tail
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:])
}

// Clean makes text one line and drops what could forge a second line or steer a terminal: texts come
// from images and from AWS.
func Clean(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t' || c == '\r':
			return ' '
		case !unicode.IsPrint(c) || c == utf8.RuneError:
			return -1
		default:
			return c
		}
	}, text)
}
