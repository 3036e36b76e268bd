package pipeline

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

func v(o gate.Outcome, c gate.Cause, passing bool) gate.Verdict {
	return gate.Verdict{Image: string(c), Outcome: o, Cause: c, Passing: passing, Reason: "reason " + string(c)}
}

var (
	allowed   = v(gate.Allowed, gate.WithinPolicy, false)
	denied    = v(gate.Denied, gate.OverPolicy, false)
	pending   = v(gate.Pending, gate.NotFinished, true)
	throttled = v(gate.Unavailable, gate.NotReadable, true)
	noAccess  = v(gate.Unavailable, gate.NoAccess, false)
	notECR    = v(gate.Unavailable, gate.NotECR, false)
	expired   = v(gate.Unavailable, gate.Expired, false)
	notFound  = v(gate.Unavailable, gate.NotFound, true)
)

func TestConclude(t *testing.T) {
	early, late := noon.Add(-time.Second), noon
	enforce, warn := order{}, order{warn: true}
	for name, tc := range map[string]struct {
		verdicts []gate.Verdict
		order    order
		now      time.Time
		stopping bool
		result   Result
		failure  types.FailureType
	}{
		"none":                          {nil, enforce, early, false, Failed, types.FailureTypeConfigurationError},
		"allowed":                       {[]gate.Verdict{allowed}, enforce, early, false, Succeeded, ""},
		"denied":                        {[]gate.Verdict{denied}, enforce, early, false, Failed, types.FailureTypeJobFailed},
		"one of two denied":             {[]gate.Verdict{allowed, denied}, enforce, early, false, Failed, types.FailureTypeJobFailed},
		"denied is not waited for":      {[]gate.Verdict{pending, denied}, enforce, early, false, Failed, types.FailureTypeJobFailed},
		"zero verdict":                  {[]gate.Verdict{{}}, enforce, early, false, Failed, types.FailureTypeJobFailed},
		"pending":                       {[]gate.Verdict{pending}, enforce, early, false, HandedBack, ""},
		"pending at the deadline":       {[]gate.Verdict{pending}, enforce, late, false, Failed, types.FailureTypeRevisionUnavailable},
		"pending beside allowed":        {[]gate.Verdict{allowed, pending}, enforce, early, false, HandedBack, ""},
		"throttled":                     {[]gate.Verdict{throttled}, enforce, early, false, HandedBack, ""},
		"throttled at the deadline":     {[]gate.Verdict{throttled}, enforce, late, false, Failed, types.FailureTypeSystemUnavailable},
		"not visible yet":               {[]gate.Verdict{notFound}, enforce, early, false, HandedBack, ""},
		"never visible":                 {[]gate.Verdict{notFound}, enforce, late, false, Failed, types.FailureTypeRevisionUnavailable},
		"no access is final":            {[]gate.Verdict{noAccess}, enforce, early, false, Failed, types.FailureTypePermissionError},
		"no access beside throttled":    {[]gate.Verdict{throttled, noAccess}, enforce, early, false, Failed, types.FailureTypePermissionError},
		"no access beside pending":      {[]gate.Verdict{pending, noAccess}, enforce, early, false, Failed, types.FailureTypePermissionError},
		"expired":                       {[]gate.Verdict{expired}, enforce, early, false, Failed, types.FailureTypeRevisionUnavailable},
		"not ECR":                       {[]gate.Verdict{notECR}, enforce, early, false, Failed, types.FailureTypeConfigurationError},
		"warn forgives denied":          {[]gate.Verdict{denied}, warn, early, false, Succeeded, ""},
		"warn still waits":              {[]gate.Verdict{pending}, warn, early, false, HandedBack, ""},
		"warn forgives at the deadline": {[]gate.Verdict{pending}, warn, late, false, Succeeded, ""},
		"warn forgives no mistake":      {[]gate.Verdict{notECR}, warn, early, false, Failed, types.FailureTypeConfigurationError},
		"stopping hands back":           {[]gate.Verdict{throttled}, enforce, late, true, HandedBack, ""},
		"stopping reports what is sure": {[]gate.Verdict{denied}, enforce, late, true, Failed, types.FailureTypeJobFailed},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := decode("", noon, 0)
			got := conclude(tc.verdicts, tc.order, m, tc.now, tc.stopping)
			if got.result != tc.result || got.failure != tc.failure {
				t.Errorf("got %s %s, want %s %s", got.result, got.failure, tc.result, tc.failure)
			}
			if (got.token != "") != (tc.result == HandedBack) {
				t.Errorf("token %q with result %s", got.token, got.result)
			}
			if worst, ok := gate.Worst(tc.verdicts); ok && worst.Outcome != gate.Allowed && !strings.HasPrefix(got.summary, "reason ") && worst.Reason != "" {
				t.Errorf("the text does not start with the verdict sentence: %q", got.summary)
			}
		})
	}
}

// A job whose artifact cannot be read right now waits as one whose scan is not
// finished does: to its deadline, and past it where the worker stops.
func TestUnable(t *testing.T) {
	passing := &gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "the artifact cannot be read"}
	lasting := &gate.Trouble{Cause: gate.NoAccess, Text: "no access"}
	for name, tc := range map[string]struct {
		err      error
		now      time.Time
		stopping bool
		result   Result
		failure  types.FailureType
	}{
		"passing":                 {passing, noon.Add(-time.Second), false, HandedBack, ""},
		"passing, at the end":     {passing, noon, false, Failed, types.FailureTypeSystemUnavailable},
		"passing, worker stops":   {passing, noon, true, HandedBack, ""},
		"lasting, worker stops":   {lasting, noon, true, Failed, types.FailureTypePermissionError},
		"a mistake, worker stops": {mistake("no file"), noon, true, Failed, types.FailureTypeConfigurationError},
	} {
		got := unable(tc.err, memory{deadline: noon}, tc.now, tc.stopping)
		if got.result != tc.result || got.failure != tc.failure || got.fails() != (tc.result == Failed) {
			t.Errorf("%s: got %s %s, want %s %s", name, got.result, got.failure, tc.result, tc.failure)
		}
	}
}

// The variables count what all images have.
func TestVariablesCountAllImages(t *testing.T) {
	got := variables(denied, []gate.Verdict{
		{Counts: map[gate.Severity]int{gate.Critical: 1, gate.Untriaged: 2}, Excepted: make([]gate.ExceptedFinding, 3)},
		{Counts: map[gate.Severity]int{gate.Critical: 4, gate.Low: 5}, Excepted: make([]gate.ExceptedFinding, 1)},
	})
	for name, want := range map[string]string{
		"Verdict": "Denied", "Critical": "5", "High": "0", "Medium": "0", "Low": "5", "Untriaged": "2", "Excepted": "4", "ReportKey": "none",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

// An image that is named twice, by tag and by digest, is one image with one image's
// findings; where the two were judged apart, the worse verdict counts. Its names are
// both listed.
func TestImageNamedTwiceCountsOnce(t *testing.T) {
	tag := gate.Verdict{Image: "x/y:1", Digest: "sha256:a", Outcome: gate.Allowed, Reason: "allowed", Counts: map[gate.Severity]int{gate.High: 1}}
	digest := gate.Verdict{Image: "x/y:1@sha256:a", Digest: "sha256:a", Outcome: gate.Denied, Reason: "denied", Counts: map[gate.Severity]int{gate.High: 2}}
	other := gate.Verdict{Image: "x/z:1", Digest: "sha256:b", Outcome: gate.Allowed, Reason: "allowed", Counts: map[gate.Severity]int{gate.High: 4}}
	missing := gate.Verdict{Image: "x/none:1", Outcome: gate.Unavailable, Reason: "missing"}
	for name, tc := range map[string]struct {
		verdicts []gate.Verdict
		high     string
		tally    string // empty: none
	}{
		"one image":                     {[]gate.Verdict{tag, digest}, "2", ""},
		"the other way round":           {[]gate.Verdict{digest, tag}, "2", ""},
		"beside another":                {[]gate.Verdict{tag, digest, other}, "6", "2 images: 1 Denied, 1 Allowed"},
		"two of which nothing is known": {[]gate.Verdict{missing, missing}, "0", "2 images: 2 Unavailable"},
	} {
		final, _ := gate.Worst(tc.verdicts)
		if got := variables(final, tc.verdicts)["High"]; got != tc.high {
			t.Errorf("%s: High is %s, want %s", name, got, tc.high)
		}
		text := story(final, tc.verdicts, order{}, false)
		if tc.tally == "" && strings.Contains(text, " images: ") || !strings.Contains(text, tc.tally) {
			t.Errorf("%s: want the line %q in:\n%s", name, tc.tally, text)
		}
		for _, v := range tc.verdicts {
			if !strings.Contains(text, v.Reason) {
				t.Errorf("%s: %s is not told of:\n%s", name, v.Image, text)
			}
		}
	}
}

// What nobody filled in fails the job, with a report that CodePipeline takes. A
// hand-back without a token would be a success to it.
func TestUnfinishedReportsFail(t *testing.T) {
	for name, out := range map[string]report{
		"zero":                      {},
		"hand-back without a token": {result: HandedBack, summary: "x"},
		"a token alone":             {token: "x"},
		"not ours":                  {result: NotOurs},
	} {
		if !out.fails() {
			t.Errorf("%s does not fail the job", name)
		}
		if d := out.failureDetails(); d.Type == "" || *d.Message == "" {
			t.Errorf("%s: CodePipeline refuses %q %q", name, d.Type, *d.Message)
		}
	}
	for _, out := range []report{{result: Succeeded}, {result: HandedBack, token: "x"}} {
		if out.fails() {
			t.Errorf("%+v fails the job", out)
		}
	}
}

func TestCut(t *testing.T) {
	for _, n := range []int{maxSummary - 1, maxSummary, maxSummary + 1, 3 * maxSummary} {
		text := strings.Repeat("ü", n)
		got := cut(text, maxSummary)
		if length := utf8.RuneCountInString(got); length > maxSummary || n <= maxSummary && got != text {
			t.Errorf("%d characters became %d", n, length)
		}
		if !utf8.ValidString(got) {
			t.Error("cut inside a character")
		}
	}
	if got := cut("a\xffb", 10); got != "ab" {
		t.Errorf("invalid bytes stay: %q", got)
	}
	lines := strings.Repeat(strings.Repeat("x", 30)+"\n", 100)
	if got := cut(lines, 200); !strings.HasSuffix(got, "x\n…") || strings.Count(got, "\n") != 6 {
		t.Errorf("not cut at a line's end: %q", got)
	}
}
