package webhook_test

import (
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/ecr-gate/ecr-gate/webhook"
)

// What a namespace's labels say holds over the settings, each mode by itself.
func TestLabels(t *testing.T) {
	const warns, notes = true, true
	type answer struct{ refused, warns, notes bool }
	for name, c := range map[string]struct {
		settings webhook.Settings
		labels   map[string]string
		want     answer
	}{
		"zero settings enforce":           {webhook.Settings{}, nil, answer{refused: true}},
		"zero settings, other labels":     {webhook.Settings{}, map[string]string{"team": "shop"}, answer{refused: true}},
		"enforce a policy":                {webhook.Settings{Enforce: webhook.None}, map[string]string{webhook.EnforceLabel: "dev"}, answer{refused: true}},
		"enforce auto":                    {webhook.Settings{Enforce: webhook.None}, map[string]string{webhook.EnforceLabel: webhook.Auto}, answer{refused: true}},
		"enforce, empty":                  {webhook.Settings{Enforce: webhook.None}, map[string]string{webhook.EnforceLabel: ""}, answer{refused: true}},
		"enforce a laxer policy":          {webhook.Settings{}, map[string]string{webhook.EnforceLabel: "lax"}, answer{}},
		"enforce none":                    {webhook.Settings{}, map[string]string{webhook.EnforceLabel: webhook.None}, answer{}},
		"enforce unknown":                 {webhook.Settings{}, map[string]string{webhook.EnforceLabel: "none-such"}, answer{refused: true}},
		"enforce unknown, lenient":        {webhook.Settings{OnUnavailable: webhook.Warn, NonECRImages: webhook.Allow}, map[string]string{webhook.EnforceLabel: "none-such"}, answer{refused: true}},
		"settings name an unknown policy": {webhook.Settings{Enforce: "none-such", OnUnavailable: webhook.Warn}, nil, answer{refused: true}},
		"None is a word of its own":       {webhook.Settings{}, map[string]string{webhook.EnforceLabel: "None"}, answer{refused: true}},
		"warn":                            {webhook.Settings{}, map[string]string{webhook.EnforceLabel: "lax", webhook.WarnLabel: "dev"}, answer{warns: warns}},
		"warn, empty":                     {webhook.Settings{}, map[string]string{webhook.EnforceLabel: "none", webhook.WarnLabel: ""}, answer{warns: warns}},
		"warn only":                       {webhook.Settings{}, map[string]string{webhook.EnforceLabel: "none", webhook.WarnLabel: "auto"}, answer{warns: warns}},
		"warn by the settings":            {webhook.Settings{Enforce: webhook.None, Warn: "dev"}, nil, answer{warns: warns}},
		"warn label over the settings":    {webhook.Settings{Enforce: webhook.None, Warn: "dev"}, map[string]string{webhook.WarnLabel: "none"}, answer{}},
		"warn unknown":                    {webhook.Settings{}, map[string]string{webhook.EnforceLabel: "none", webhook.WarnLabel: "none-such"}, answer{warns: warns}},
		"audit":                           {webhook.Settings{}, map[string]string{webhook.EnforceLabel: "none", webhook.AuditLabel: "dev"}, answer{notes: notes}},
		"audit, empty":                    {webhook.Settings{}, map[string]string{webhook.EnforceLabel: "lax", webhook.AuditLabel: ""}, answer{notes: notes}},
		"audit by the settings":           {webhook.Settings{Enforce: webhook.None, Audit: "dev"}, nil, answer{notes: notes}},
		"warn and audit": {
			webhook.Settings{},
			map[string]string{webhook.EnforceLabel: "lax", webhook.WarnLabel: "dev", webhook.AuditLabel: "dev"}, answer{warns: warns, notes: notes},
		},
		"all three": {
			webhook.Settings{},
			map[string]string{webhook.EnforceLabel: "dev", webhook.WarnLabel: "dev", webhook.AuditLabel: "dev"}, answer{refused: true, notes: notes},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, c.settings)
			l.handler.Namespaces = labels{"dev": c.labels}
			got := l.ask(t, create(podOf(l.images["bad"])))
			_, noted := got.AuditAnnotations["audit-violations"]
			if have := (answer{!got.Allowed, len(got.Warnings) > 0, noted}); have != c.want {
				t.Errorf("got %+v, want %+v: %s %q %v", have, c.want, got.Result.Message, got.Warnings, got.AuditAnnotations)
			}
			if got.AuditAnnotations["audit-policy"] != "" != noted {
				t.Errorf("the audit policy: %v", got.AuditAnnotations)
			}
		})
	}
}

// A clean image passes unsaid in every mode.
func TestCleanImageIsLetInUnsaid(t *testing.T) {
	l := newLab(t, webhook.Settings{Enforce: "dev", Warn: "dev", Audit: "dev"})
	got := l.ask(t, create(podOf(l.images["clean"])))
	wantAllowed(t, got)
	if len(got.Warnings) > 0 || got.AuditAnnotations["audit-violations"] != "" {
		t.Errorf("%q %v", got.Warnings, got.AuditAnnotations)
	}
}

// A namespace in which nothing holds costs AWS nothing.
func TestNoModeNoCall(t *testing.T) {
	l := newLab(t, webhook.Settings{Enforce: webhook.None})
	wantAllowed(t, l.ask(t, create(podOf(l.images["bad"]))))
	if calls := l.aws.Calls(); len(calls) > 0 {
		t.Errorf("AWS was asked %v", calls)
	}
}

// Nobody knows what holds in a namespace that cannot be found: refused, and the
// answer says that it is no verdict.
func TestNamespaceNotFound(t *testing.T) {
	l := newLab(t, webhook.Settings{Enforce: webhook.None, OnUnavailable: webhook.Warn})
	l.handler.Namespaces = labels{"prod": nil}
	got := l.ask(t, create(podOf(l.images["clean"])))
	wantDenied(t, got, `could not check: the labels of namespace "dev"`)
	if !strings.Contains(l.log.String(), `"requestId":"1f0a9b1e-0000-4000-8000-000000000001"`) {
		t.Errorf("why is not in the log: %s", l.log)
	}
}

// The namespace is the request's. The object's own may be left out, and whoever
// posts a review could write what they like.
func TestNamespaceOfTheRequest(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: "dev"}, "free": {webhook.EnforceLabel: "none"}}
	pod := with(podOf(l.images["bad"]), "free", "metadata", "namespace")
	wantDenied(t, l.ask(t, create(pod)), "image not allowed: ")

	free := create(with(podOf(l.images["bad"]), "dev", "metadata", "namespace"))
	free.Namespace = "free"
	wantAllowed(t, l.ask(t, free))

	nobody := create(pod)
	nobody.Namespace = ""
	wantDenied(t, l.ask(t, nobody), "could not check: ")
}

// Labels of the pod, of the kind the namespace may carry, say nothing.
func TestLabelsOfThePodSayNothing(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	pod := with(podOf(l.images["bad"]), map[string]any{webhook.EnforceLabel: "none"}, "metadata", "labels")
	wantDenied(t, l.ask(t, create(pod)), "image not allowed: ")
	update := request(admissionv1.Update, "pods", pod, podOf(l.images["clean"]))
	wantDenied(t, l.ask(t, update), "image not allowed: ")
}
