package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/gate"
)

var (
	yes     = gate.Verdict{Outcome: gate.Allowed, Cause: gate.WithinPolicy, Reason: "yes"}
	no      = gate.Verdict{Outcome: gate.Denied, Cause: gate.OverPolicy, Reason: "no"}
	silence = gate.Verdict{Outcome: gate.Unavailable, Cause: gate.NotReadable, Reason: "silence"}
	foreign = gate.Verdict{Outcome: gate.Unavailable, Cause: gate.NotECR, Reason: "foreign"}
)

// reviewedPod is a pod with containers a, b, c... that run the images named by the
// verdicts' order, under every policy of the modes.
func reviewedPod(s Settings, m modes, list ...gate.Verdict) reviewed {
	r := reviewed{settings: s, modes: m, policies: m.policies(), verdicts: verdicts{many: map[question]gate.Verdict{}}}
	for i, v := range list {
		name := string(rune('a' + i))
		v.Image = "image-" + name
		r.images = append(r.images, []use{{inContainer, name, v.Image}})
		for _, policy := range r.policies {
			r.verdicts.many[question{v.Image, policy}] = v
		}
	}
	return r
}

// What the log says of a verdict is what came of it.
func TestAnswerInTheLog(t *testing.T) {
	r := reviewed{settings: Settings{OnUnavailable: Warn, NonECRImages: Allow}, modes: modes{enforce: "dev", warn: "lax", audit: "strict"}}
	for _, test := range []struct {
		verdict              gate.Verdict
		enforce, warn, audit string
	}{
		{yes, "allowed", "allowed", "allowed"},
		{foreign, "allowed", "allowed", "allowed"},
		{silence, "warned", "warned", "noted"},
		{no, "refused", "warned", "noted"},
	} {
		for policy, want := range map[string]string{"dev": test.enforce, "lax": test.warn, "strict": test.audit} {
			if got := r.answer(policy, test.verdict); got != want {
				t.Errorf("%s by %s: %s, want %s", test.verdict.Reason, policy, got, want)
			}
		}
	}
}

// An image that was never to be checked was no failure to check.
func TestReasonInTheLog(t *testing.T) {
	for _, test := range []struct {
		verdict gate.Verdict
		others  Treatment
		want    string
	}{
		{foreign, Allow, "not in a private Amazon ECR registry, which the configuration lets pass"},
		{foreign, Warn, "foreign"},
		{foreign, Deny, "foreign"},
		{silence, Allow, "silence"},
		{yes, Allow, "yes"},
	} {
		r := reviewed{settings: Settings{NonECRImages: test.others}}
		if got := r.reason(test.verdict); got != test.want {
			t.Errorf("%s, others %v: %s", test.verdict.Reason, test.others, got)
		}
	}
}

// Dry runs are told from others in the log.
func TestDryRunInTheLog(t *testing.T) {
	for _, dryRun := range []*bool{nil, new(false), new(true)} {
		var out bytes.Buffer
		req := admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{DryRun: dryRun}}
		reviewedPod(Settings{}, modes{"dev", None, None}, yes).log(t.Context(), slog.New(slog.NewJSONHandler(&out, nil)), req, pod{})
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if got, _ := line["dryRun"].(bool); got != (dryRun != nil && *dryRun) {
			t.Errorf("%s", out.String())
		}
	}
}

// A pod that is let in is told once of each image, and of what its verdict warns.
func TestWarningsOfAPodLetIn(t *testing.T) {
	lenient := Settings{OnUnavailable: Warn}
	stale := yes
	stale.Warnings = []string{"ECR did not answer"}
	for name, test := range map[string]struct {
		pod  reviewed
		want []string
	}{
		"unchecked, and warned about": {
			reviewedPod(lenient, modes{Auto, "dev", None}, silence), []string{`let in unchecked: container "a": silence`},
		},
		"two that are unchecked": {
			reviewedPod(lenient, modes{Auto, "dev", None}, silence, silence),
			[]string{`let in unchecked: container "a": silence`, `let in unchecked: container "b": silence`},
		},
		"warned about": {
			reviewedPod(lenient, modes{None, "dev", None}, no, yes), []string{`let in with a warning: container "a": no`},
		},
		"allowed with a warning": {
			reviewedPod(lenient, modes{Auto, None, None}, yes, stale), []string{`container "b": ECR did not answer`},
		},
		"allowed": {reviewedPod(lenient, modes{Auto, "dev", "dev"}, yes), nil},
	} {
		if got := test.pod.response(); !got.Allowed || !slices.Equal(got.Warnings, test.want) {
			t.Errorf("%s: allowed %t, %q; want %q", name, got.Allowed, got.Warnings, test.want)
		}
	}
}

// A refusal says too what its verdicts rest on.
func TestWarningsOfAPodRefused(t *testing.T) {
	stale := no
	stale.Warnings = []string{"ECR did not answer"}
	got := reviewedPod(Settings{}, modes{Auto, None, None}, stale, yes).response()
	if want := []string{`container "a": ECR did not answer`}; got.Allowed || !slices.Equal(got.Warnings, want) {
		t.Errorf("allowed %t, %q; want %q", got.Allowed, got.Warnings, want)
	}
}

// The audit log has the first thing that could not be checked; an image that is not
// for us to check is none.
func TestErrorInTheAuditLog(t *testing.T) {
	second := silence
	second.Reason = "more silence"
	lenient := Settings{OnUnavailable: Warn, NonECRImages: Warn}
	for want, r := range map[string]reviewed{
		"silence":      reviewedPod(lenient, modes{Auto, None, None}, foreign, silence, second),
		"more silence": reviewedPod(lenient, modes{Auto, None, None}, second, silence, no),
		"":             reviewedPod(lenient, modes{Auto, None, None}, foreign, no),
	} {
		if got := r.response().AuditAnnotations["error"]; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Where the gate gave no verdict, the image is named all the same, as well as it can
// be read.
func TestUnjudgedNamesTheImage(t *testing.T) {
	for image, want := range map[string]string{
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4": "could not check: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4",
		"Not A Reference": "could not check: Not A Reference",
	} {
		v := unjudged(question{image, "dev"}, errors.New("boom"))
		if v.Outcome != gate.Unavailable || v.Cause != gate.Internal || v.Image != image || v.Policy != "dev" || !strings.HasPrefix(v.Reason, want) {
			t.Errorf("%q: %s by %q: %s", image, v.Cause, v.Policy, v.Reason)
		}
	}
	const digest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	if v := unjudged(question{"example.com/shop/web@" + digest, "dev"}, errors.New("boom")); v.Digest != digest {
		t.Errorf("the digest is %q", v.Digest)
	}
	if v := unjudged(question{strings.Repeat("A", 5000), Auto}, errors.New("boom")); len(v.Image) > 4*maxFirstLine || v.Policy != "" {
		t.Errorf("%d bytes of image, policy %q", len(v.Image), v.Policy)
	}
}
