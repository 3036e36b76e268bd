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

func TestSettle(t *testing.T) {
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
			got := settle(tc.verdicts, tc.order, m, tc.now, tc.stopping)
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
