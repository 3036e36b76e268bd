package webhook

import (
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// What nobody has set refuses.
func TestZeroValues(t *testing.T) {
	var s Settings
	if got := s.modes(nil); got != (modes{Auto, None, None}) {
		t.Errorf("zero settings: %+v", got)
	}
	if Treatment(0) != Deny {
		t.Error("the zero treatment does not deny")
	}
	if got := s.treatment(gate.Verdict{}); got != Deny {
		t.Errorf("the zero verdict: %v", got)
	}
	if policies := s.modes(nil).policies(); len(policies) != 1 || policies[0] != Auto {
		t.Errorf("zero settings ask for %v", policies)
	}
	if s.knows("dev") || !s.knows(Auto) || !s.knows(None) {
		t.Error("zero settings know other policies than auto and none")
	}
}

// Each verdict to its treatment: nothing is let in but what is allowed, and what the
// two settings are for.
func TestTreatment(t *testing.T) {
	lenient := Settings{NonECRImages: Allow, OnUnavailable: Warn}
	for _, outcome := range []gate.Outcome{gate.Denied, gate.Pending, gate.Outcome(77)} {
		for _, cause := range []gate.Cause{gate.NotECR, gate.NotReadable, gate.OverPolicy, ""} {
			if got := lenient.treatment(gate.Verdict{Outcome: outcome, Cause: cause}); got != Deny {
				t.Errorf("%s %s: %v", outcome, cause, got)
			}
		}
	}
	for cause, want := range map[gate.Cause]Treatment{
		gate.NotECR: Allow, gate.NotReadable: Warn, gate.NoAccess: Warn, gate.NotFound: Warn, gate.NoRepository: Warn,
		gate.Expired: Warn, gate.Archived: Warn, gate.ScanFailed: Warn, gate.UnknownStatus: Warn, gate.CountsDisagree: Warn,
		gate.TooOld: Warn, gate.Internal: Warn,
		gate.BadReference: Deny, gate.BadImage: Deny, gate.UnknownPolicy: Deny, gate.NotListed: Deny,
	} {
		v := gate.Verdict{Outcome: gate.Unavailable, Cause: cause}
		if got := lenient.treatment(v); got != want {
			t.Errorf("%s: %v, want %v", cause, got, want)
		}
		if got := (Settings{}).treatment(v); got != Deny {
			t.Errorf("%s, zero settings: %v", cause, got)
		}
	}
	if got := (Settings{NonECRImages: Deny, OnUnavailable: Warn}).treatment(gate.Verdict{Outcome: gate.Unavailable, Cause: gate.NotECR}); got != Deny {
		t.Errorf("onUnavailable is taken for nonECRImages: %v", got)
	}
	if got := (Settings{}).treatment(gate.Verdict{Outcome: gate.Allowed, Cause: gate.WithinPolicy}); got != Allow {
		t.Errorf("allowed: %v", got)
	}
}

// A verdict that nobody asked for is no yes, in any mode.
func TestMissingVerdict(t *testing.T) {
	r := reviewed{modes: modes{Auto, Auto, None}, policies: []string{Auto}, images: [][]use{{{inContainer, "a", "nginx"}}}}
	if got := r.response(); got.Allowed {
		t.Error("let in without a verdict")
	}
	r.settings.OnUnavailable = Warn
	if got := r.response(); !got.Allowed || len(got.Warnings) == 0 {
		t.Errorf("lenient: allowed %t, %q", got.Allowed, got.Warnings)
	}
}

// The reserve is a tenth, within sensible bounds.
func TestReserve(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0: 100 * time.Millisecond, time.Second: 100 * time.Millisecond, 5 * time.Second: 500 * time.Millisecond,
		10 * time.Second: time.Second, 30 * time.Second: time.Second,
	} {
		if got := reserve(timeout); got != want {
			t.Errorf("%s: %s, want %s", timeout, got, want)
		}
	}
}
