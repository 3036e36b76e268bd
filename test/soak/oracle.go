package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/test/process"
)

// fate is what may become of an image: one or more of the four answers.
type fate uint8

const (
	admit fate = 1 << iota
	deny       // it is over policy
	wait       // its scan is not finished, or not settled
	fail       // it cannot be judged: it is gone, or its scan is no good
)

func (f fate) String() string {
	var words []string
	for i, word := range []string{"allowed", "not allowed", "not ready", "could not check"} {
		if f&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, " or ")
}

// picture is an image, with what is true of it over time. It is the world that
// knows: it made the image and its findings.
type picture struct {
	kind   string
	digest string
	fates  history[fate]
	// aged is true of an image whose fate depends on the time of day: on how long ago
	// it was scanned, or on when an exception ends.
	aged bool
	// exact is true of an image whose fate changes by the gate's own files: nothing
	// earlier may be told.
	exact bool
	// lies are when AWS answered of its scan what was not so, and could be.
	lies history[bool]
}

// reference is a way to name an image, which may come to mean another one.
type reference struct {
	name       string
	repository string
	points     history[*picture]
}

// The declared windows: how long an earlier truth may be told. They are the promises
// of docs/webhook.md and gate's cache_life.go, here as numbers of their own.
const (
	tagWindow      = 12 * time.Second // 10 s, and a fifth of it
	staleTagWindow = 2 * time.Minute  // where AWS does not answer, and the answer says so
	resultWindow   = 10 * time.Minute // a finished, settled scan
	staleWindow    = time.Hour        // likewise
	looseWindow    = 18 * time.Second // all else that was read: 15 s, and a fifth of it
	slack          = 1500 * time.Millisecond
)

// possible is what a reference's fate may be, asked at one moment and answered at
// another. Stale: the answer says that AWS did not answer.
func (r *reference) possible(c *clock, from, to time.Time, stale bool) fate {
	tag, longest := tagWindow, resultWindow
	if stale {
		tag, longest = staleTagWindow, staleWindow
	}
	var sum fate
	for _, p := range r.points.within(from.Add(-tag-slack), to) {
		result := longest
		if p.exact {
			result = 0
		}
		for _, f := range p.fates.within(from.Add(-result-slack), to) {
			sum |= f & (admit | deny)
		}
		for _, f := range p.fates.within(from.Add(-looseWindow-slack), to) {
			sum |= f & (wait | fail)
		}
		if slices.Contains(p.lies.within(from.Add(-looseWindow-slack), to), true) {
			sum |= wait | fail
		}
		// What a wrong clock dated is not believed while it is held.
		if p.aged && c.wrongWithin(from.Add(-resultWindow-slack), to) {
			sum |= wait
		}
		if p.aged && c.wrongWithin(from.Add(-slack), to) {
			sum |= admit | deny | wait
		}
	}
	return sum
}

// ruling is what the oracle says of one answer.
type ruling struct {
	answer    fate
	silence   string // not empty: AWS gave no answer, and this is how the answer says so
	stale     bool
	violation string // empty: the answer is right
}

// staleWords are what an answer says that rests on an earlier one of AWS's.
const staleWords = "ECR did not answer"

// silence are the words for AWS not answering, or not sensibly.
var silence = regexp.MustCompile(`ECR is throttling|ECR answered with an error|ECR did not answer|ECR could not be reached|ECR's answer could not be read|` +
	`there was no answer in time|its scan changed while it was read`)

// review rules on the answer to a pod of these images.
func review(c *clock, refs []*reference, from, to time.Time, a process.Answer) ruling {
	r := ruling{answer: admit, stale: strings.Contains(strings.Join(a.Warnings, "\n")+a.Message, staleWords)}
	if a.Allowed {
		for _, ref := range refs {
			if f := ref.possible(c, from, to, r.stale); f&admit == 0 {
				r.violation = fmt.Sprintf("wrong admission: %s (%s) is %s", ref.name, ref.what(from), f)
			}
		}
		return r
	}
	first, _, _ := strings.Cut(a.Message, "\n")
	switch {
	case strings.HasPrefix(first, "image not allowed: "):
		r.answer = deny
	case strings.HasPrefix(first, "image not ready: "):
		r.answer = wait
	case strings.HasPrefix(first, "could not check: "):
		r.answer, r.silence = fail, silence.FindString(first)
	default:
		r.violation = fmt.Sprintf("a refusal that does not say what it is: %q", first)
		return r
	}
	for _, ref := range refs {
		if ref.named(first) && ref.possible(c, from, to, r.stale)&r.answer != 0 {
			r.silence = ""
			return r
		}
	}
	if r.silence != "" {
		return r
	}
	r.violation = fmt.Sprintf("wrong refusal: %q, but %s", first, told(c, refs, from, to))
	return r
}

// job rules on what was reported for a job of these images.
func job(c *clock, refs []*reference, from, to time.Time, failure, text string) ruling {
	r := ruling{answer: admit}
	stale := strings.Contains(text, staleWords)
	switch failure {
	case "":
		for _, ref := range refs {
			if f := ref.possible(c, from, to, stale); f&admit == 0 {
				r.violation = fmt.Sprintf("wrong success of a job: %s (%s) is %s", ref.name, ref.what(from), f)
			}
		}
		return r
	case "JobFailed":
		r.answer = deny
	case "RevisionUnavailable":
		r.answer = wait | fail
	case "SystemUnavailable":
		r.answer, r.silence = fail, failure
	default:
		r.violation = fmt.Sprintf("a job failed with %s: %q", failure, text)
		return r
	}
	for _, ref := range refs {
		if ref.possible(c, from, to, stale)&r.answer != 0 {
			r.silence = ""
			return r
		}
	}
	if r.silence != "" {
		return r
	}
	r.violation = fmt.Sprintf("wrong failure of a job: %s, %.200q, but %s", failure, text, told(c, refs, from, to))
	return r
}

// named reports whether a sentence is about an image of the reference's repository.
func (r *reference) named(sentence string) bool {
	_, rest, found := strings.Cut(sentence, r.repository)
	return found && (rest == "" || strings.ContainsRune(":@ ", rune(rest[0])))
}

// what a reference meant at a moment, for a message.
func (r *reference) what(at time.Time) string {
	for _, p := range r.points.within(at, at) {
		return p.kind + ", " + p.digest[:min(len(p.digest), 19)]
	}
	return "nothing"
}

func told(c *clock, refs []*reference, from, to time.Time) string {
	parts := make([]string, len(refs))
	for i, ref := range refs {
		parts[i] = fmt.Sprintf("%s (%s) is %s", ref.name, ref.what(from), ref.possible(c, from, to, false))
	}
	return strings.Join(parts, "; ")
}
