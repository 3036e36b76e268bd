package webhook_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/ecr-gate/ecr-gate/webhook"
)

var update = flag.Bool("update", false, "rewrite testdata/messages")

// TestMessages holds what people read: the refusal, the warnings and the audit
// annotations. Regenerate with
//
//	go test ./webhook -run TestMessages -update
//
// and read each aloud.
func TestMessages(t *testing.T) {
	deny := webhook.Settings{}
	lenient := webhook.Settings{NonECRImages: webhook.Warn, OnUnavailable: webhook.Warn}
	warnOnly := webhook.Settings{Enforce: webhook.None, Warn: webhook.Auto}
	audited := webhook.Settings{Enforce: "lax", Audit: "dev"}
	for name, c := range map[string]struct {
		settings webhook.Settings
		ask      func(*lab) admissionv1.AdmissionRequest
	}{
		"denied":          {deny, pods("bad")},
		"denied-several":  {deny, pods("bad", "pending", "worse", "clean", "bad")},
		"not-ready":       {deny, pods("unscanned")},
		"pending":         {deny, pods("pending")},
		"unscannable":     {deny, pods("scratch")},
		"expired":         {deny, pods("expired")},
		"expired-warned":  {lenient, pods("expired")},
		"non-ecr":         {deny, func(*lab) admissionv1.AdmissionRequest { return create(podOf("nginx:1.25")) }},
		"non-ecr-warned":  {lenient, func(*lab) admissionv1.AdmissionRequest { return create(podOf("nginx:1.25")) }},
		"no-reference":    {lenient, func(*lab) admissionv1.AdmissionRequest { return create(podOf("Not A Reference")) }},
		"warned":          {warnOnly, pods("bad")},
		"audited":         {audited, pods("bad")},
		"template":        {deny, func(l *lab) admissionv1.AdmissionRequest { return deployment(l.images["bad"]) }},
		"template-warned": {warnOnly, func(l *lab) admissionv1.AdmissionRequest { return deployment(l.images["bad"]) }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, c.settings)
			got := shown(t, l.ask(t, c.ask(l)))
			if again := shown(t, l.ask(t, c.ask(l))); again != got {
				t.Errorf("the second answer differs:\n%s\nfrom the first:\n%s", again, got)
			}
			file := filepath.Join("testdata", "messages", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v (run with -update)", err)
			}
			if got != string(want) {
				t.Errorf("if it is meant run with -update; got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func pods(names ...string) func(*lab) admissionv1.AdmissionRequest {
	return func(l *lab) admissionv1.AdmissionRequest {
		images := make([]string, len(names))
		for i, name := range names {
			images[i] = l.images[name]
		}
		return create(podOf(images...))
	}
}

func deployment(images ...string) admissionv1.AdmissionRequest {
	return request(admissionv1.Create, "deployments", map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"},
		"spec": map[string]any{"template": map[string]any{"spec": podOf(images...)["spec"]}},
	}, nil)
}

// shown is the answer as a person meets it, and holds it to the limits.
func shown(t *testing.T, r *admissionv1.AdmissionResponse) string {
	t.Helper()
	var b strings.Builder
	if r.Allowed {
		b.WriteString("allowed\n")
	} else {
		b.WriteString("refused: " + r.Result.Message + "\n")
		first, _, _ := strings.Cut(r.Result.Message, "\n")
		if n := utf8.RuneCountInString(first); n > 200 {
			t.Errorf("the first line has %d characters", n)
		}
		if len(r.Result.Message) > 1024-len(`admission webhook "labelled-pods.ecr-gate.dev" denied the request: `) {
			t.Errorf("the message has %d bytes", len(r.Result.Message))
		}
	}
	for _, w := range r.Warnings {
		b.WriteString("warning: " + w + "\n")
		if n := utf8.RuneCountInString(w); n > 256 {
			t.Errorf("a warning has %d characters", n)
		}
	}
	notes, err := json.MarshalIndent(r.AuditAnnotations, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b.WriteString("audit: " + string(notes) + "\n")
	return b.String()
}
