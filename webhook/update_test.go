package webhook_test

import (
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// An update is judged by the (name, image) pairs that were not there before.
func TestUpdate(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	clean, bad, worse := l.images["clean"], l.images["bad"], l.images["worse"]
	containers := func(pairs ...string) map[string]any {
		var list []any
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, map[string]any{"name": pairs[i], "image": pairs[i+1]})
		}
		return with(podOf(clean), list, "spec", "containers")
	}
	deleted := func(pod map[string]any) map[string]any {
		pod = with(pod, "2026-11-24T12:00:00Z", "metadata", "deletionTimestamp")
		return with(pod, []any{"example.org/held"}, "metadata", "finalizers")
	}
	for name, c := range map[string]struct {
		now, old map[string]any
		refused  bool
	}{
		"nothing new, though bad":    {containers("a", bad), containers("a", bad), false},
		"reordered":                  {containers("b", bad, "a", clean), containers("a", clean, "b", bad), false},
		"another image":              {containers("a", bad), containers("a", clean), true},
		"another bad image":          {containers("a", worse), containers("a", bad), true},
		"to a clean image":           {containers("a", clean), containers("a", bad), false},
		"swapped between containers": {containers("a", bad, "b", clean), containers("a", clean, "b", bad), true},
		"renamed":                    {containers("z", bad), containers("a", bad), true},
		"added at the front":         {containers("new", bad, "a", clean), containers("a", clean), true},
		"taken away":                 {containers("a", clean), containers("a", clean, "b", bad), false},
		"the same name, as init container": {
			with(containers("a", clean), named("b", bad, 1), "spec", "initContainers"), containers("a", clean, "b-0", bad), true,
		},
		"deleted, nothing new":       {deleted(containers("a", bad)), containers("a", bad), false},
		"deleted, with a new image":  {deleted(containers("a", bad)), containers("a", clean), true},
		"a finalizer taken away":     {with(deleted(containers("a", bad)), []any{}, "metadata", "finalizers"), deleted(containers("a", bad)), false},
		"image volume exchanged":     {with(podOf(clean), imageVolume(bad), "spec", "volumes"), with(podOf(clean), imageVolume(clean), "spec", "volumes"), true},
		"ephemeral container added":  {with(podOf(clean), named("debug", bad, 1), "spec", "ephemeralContainers"), podOf(clean), true},
		"ephemeral container stands": {with(podOf(clean), named("debug", bad, 1), "spec", "ephemeralContainers"), with(podOf(clean), named("debug", bad, 1), "spec", "ephemeralContainers"), false},
	} {
		t.Run(name, func(t *testing.T) {
			got := l.ask(t, request(admissionv1.Update, "pods", c.now, c.old))
			if c.refused {
				wantDenied(t, got, "image not allowed: ")
			} else {
				wantAllowed(t, got)
			}
		})
	}
	t.Run("an old object on CREATE", func(t *testing.T) { // is none of the API server's
		wantDenied(t, l.ask(t, request(admissionv1.Create, "pods", podOf(bad), podOf(bad))), "image not allowed: ")
	})
	t.Run("no old object", func(t *testing.T) {
		wantDenied(t, l.ask(t, request(admissionv1.Update, "pods", podOf(bad), nil)), "image not allowed: ")
	})
}

// An outage must not hold up what changes no image: finalizers, labels, the status
// of a pod. Not even the namespace is looked up.
func TestUnchangedImagesPassInAnOutage(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	l.handler.Namespaces = labels{} // knows none
	l.aws.Inject(awslocal.Fault{Operation: "*", Code: "AccessDeniedException"})
	now := with(podOf(l.images["unscanned"]), map[string]any{"app": "web"}, "metadata", "labels")
	wantAllowed(t, l.ask(t, request(admissionv1.Update, "pods", now, podOf(l.images["unscanned"]))))
	if calls := l.aws.Calls(); len(calls) > 0 {
		t.Errorf("AWS was asked %v", calls)
	}
}

// An ephemeral container comes through a subresource of its own.
func TestEphemeralContainerAdded(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	add := func(image string) admissionv1.AdmissionRequest {
		req := request(admissionv1.Update, "pods",
			with(podOf(l.images["bad"]), named("debug", image, 1), "spec", "ephemeralContainers"), podOf(l.images["bad"]))
		req.SubResource = "ephemeralcontainers"
		return req
	}
	wantDenied(t, l.ask(t, add(l.images["worse"])), "image not allowed: shop/worse:1.4")
	wantAllowed(t, l.ask(t, add(l.images["clean"]))) // the bad container was there before
}
