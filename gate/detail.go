package gate

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Detail tells the whole story in at most limit characters: the sentence, the
// counts against the limits, the worst findings with installed and fixed
// version, what was excepted and what lapsed. It is cut at whole lines, the
// least telling last.
func (v Verdict) Detail(limit int) string {
	b := lines{limit: limit}
	b.add(v.Reason)
	b.addNext(v)
	switch {
	case v.hasCounts():
		b.add(v.againstLimits())
	case v.Policy != "":
		b.add("policy " + Clean(v.Policy))
	}
	b.addSome(len(v.Findings), "findings", func(i int) string { return v.Findings[i].Line() })
	b.addSome(len(v.Excepted), "excepted", func(i int) string { return v.Excepted[i].line() })
	b.addSome(len(v.Lapsed), "expired exceptions", func(i int) string { return v.Lapsed[i].line() })
	v.addExceptionReports(&b)
	for _, w := range v.Warnings {
		b.add("warning: " + Clean(w))
	}
	if v.Digest != "" {
		b.add("judged: " + Clean(v.img.Pinned()))
	}
	b.addBaseline(v)
	return b.String()
}

// addExceptionReports names the exceptions that soon lapse, and counts those that
// matched nothing.
func (v Verdict) addExceptionReports(b *lines) {
	count := map[ExceptionState]int{}
	for _, e := range v.Exceptions {
		count[e.State]++
		if e.State == ExceptionExpiring {
			b.add("soon expiring: exception " + e.ExceptionNote.line())
		}
	}
	var idle []string
	for _, state := range []ExceptionState{ExceptionExpired, ExceptionUnused} {
		if n := count[state]; n > 0 {
			idle = append(idle, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(idle) > 0 {
		b.add("exceptions of no use here: " + strings.Join(idle, ", "))
	}
}

func (v Verdict) hasCounts() bool {
	return v.Outcome == Denied && v.Cause != Unscannable || v.Outcome == Allowed && v.Cause == WithinPolicy
}

// againstLimits lists every limited severity and every other one found. Of an
// index it counts what is distinct, while each platform has the limit to itself.
func (v Verdict) againstLimits() string {
	against, scope := "%s %d of %d", ""
	if n := len(v.Manifests); n > 1 {
		against, scope = "%s %d (limit %d each)", fmt.Sprintf(", over %d platforms", n)
	}
	var parts []string
	for _, s := range WorstFirst() {
		limit, limited := Policy{Limits: v.Limits}.limit(s)
		switch {
		case s == Untriaged && v.Counts[s] > 0:
			parts = append(parts, fmt.Sprintf("%s %d (%s)", s, v.Counts[s], v.untriagedMeans()))
		case s == Untriaged:
		case limited:
			parts = append(parts, fmt.Sprintf(against, s, v.Counts[s], limit))
		case v.Counts[s] > 0:
			parts = append(parts, fmt.Sprintf("%s %d (no limit)", s, v.Counts[s]))
		}
	}
	text := strings.TrimRight("policy "+Clean(v.Policy), " ") + scope + ": " + strings.Join(parts, ", ")
	if n := v.Skipped.Suppressed + v.Skipped.Unfixable + v.Skipped.InGrace + v.Skipped.Baseline; n > 0 {
		text += fmt.Sprintf("; not counted: %s", v.Skipped)
	}
	return text
}

func (v Verdict) untriagedMeans() string {
	if v.untriagedAs == Untriaged {
		return "none allowed"
	}
	return "counted as " + v.untriagedAs.String()
}

func (s Skipped) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{s.Suppressed, "suppressed"}, {s.Unfixable, "without a fix"}, {s.InGrace, "in their grace period"}, {s.Baseline, "in the baseline too"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

// Line is the finding in one line: severity, ID, package, installed -> fixed.
func (f Finding) Line() string {
	text := f.Severity.String() + " " + f.label(40)
	for i, p := range f.Packages {
		if i == 3 {
			text += fmt.Sprintf(" and %d more packages", len(f.Packages)-i)
			break
		}
		if i > 0 {
			text += ","
		}
		text += " " + p.line(f.Fix)
	}
	if f.Exploit {
		text += " (known exploit)"
	}
	return text
}

func (p Package) line(fix Fix) string {
	text := strings.TrimSpace(Clip(p.Name, 60) + " " + Clip(p.Version, 40))
	switch {
	case p.FixedIn != "":
		return text + " -> " + Clip(p.FixedIn, 40)
	case fix == FixNo:
		return text + " (no fix)"
	default:
		return text
	}
}

func (x ExceptedFinding) line() string {
	text := "excepted: " + x.Finding.Line()
	for i, n := range x.Exceptions {
		if i == 0 {
			text += " by "
		} else {
			text += " and "
		}
		text += n.line()
	}
	return text
}

func (l LapsedException) line() string {
	return "expired: exception for " + Clip(l.ID, 40) + ", " + l.ExceptionNote.line()
}

func (n ExceptionNote) line() string {
	text := cmp.Or(Clip(n.Source, 80), "an exception")
	if !n.ExpiresAt.IsZero() {
		text += " until " + n.ExpiresAt.UTC().Format(time.RFC3339)
	}
	if n.Statement != "" {
		text += " (" + Clip(n.Statement, 80) + ")"
	}
	return text
}

// lines gathers lines up to a limit in characters.
type lines struct {
	limit, used int
	text        []string
}

func (b *lines) add(line string) bool {
	cost := utf8.RuneCountInString(line)
	if len(b.text) > 0 {
		cost++
	}
	if b.used+cost > b.limit {
		if len(b.text) == 0 && b.limit > 0 {
			b.text, b.used = []string{Clip(line, b.limit)}, b.limit
		}
		return false
	}
	b.text = append(b.text, line)
	b.used += cost
	return true
}

// addNext adds the next step, if the sentence had no room for it.
func (b *lines) addNext(v Verdict) {
	if next := Clean(v.Next); next != "" && !strings.HasSuffix(v.Reason, next) {
		b.add("next: " + next)
	}
}

// addSome adds as many of n lines as fit and says how many did not.
func (b *lines) addSome(n int, what string, line func(int) string) {
	const room = 40 // for the line that says so
	for i := range n {
		more := fmt.Sprintf("and %d more %s", n-i, what)
		text := line(i)
		if i < n-1 && b.used+utf8.RuneCountInString(text)+room > b.limit || !b.add(text) {
			b.add(more)
			return
		}
	}
}

func (b *lines) String() string { return strings.Join(b.text, "\n") }
