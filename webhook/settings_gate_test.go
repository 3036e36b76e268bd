package webhook_test

import (
	"context"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// allowing is a gate of another version of the configuration, which tolerates all.
type allowing struct{}

func (allowing) Check(_ context.Context, r gate.Request) gate.Verdict {
	return gate.Verdict{Image: r.Image, Outcome: gate.Allowed}
}

// A review is judged by the gate of the settings that it began with, and not by what
// another version of the configuration calls a policy of that name.
func TestSettingsBringTheirGate(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	settings := l.handler.Settings()
	settings.Gate = l.handler.Gate
	l.handler.Gate, l.handler.Settings = allowing{}, func() webhook.Settings { return settings }
	wantDenied(t, l.ask(t, create(podOf(l.images["bad"]))), "image not allowed: ")
	wantDenied(t, l.ask(t, create(podOf(l.images["clean"], l.images["bad"]))), "image not allowed: ")
	settings.Gate = nil
	wantAllowed(t, l.ask(t, create(podOf(l.images["bad"]))))
}
