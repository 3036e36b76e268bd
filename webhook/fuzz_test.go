package webhook_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	strict "k8s.io/apimachinery/pkg/util/json"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// FuzzReview holds the whole handler to two things (T-15 CVE-2026-41485 Kyverno,
// CVE-2026-65834 Capsule: input that made the webhook panic stopped the cluster).
// Whatever comes is answered; and a pod that names the bad image, as Kubernetes
// reads pods, is never let in.
//
// The bytes are a body of their own, or the object of a review that is sound.
func FuzzReview(f *testing.F) {
	l := newLab(f, webhook.Settings{NonECRImages: webhook.Allow})
	endpoint := webhook.NewEndpoint(l.handler, quiet)
	bad := l.images["bad"]
	for _, pod := range []map[string]any{
		podOf(l.images["clean"]), podOf(bad), podOf(l.images["clean"], bad), podOf("nginx"), podOf(""),
		with(podOf("nginx"), named("setup", bad, 1), "spec", "initContainers"),
		with(podOf("nginx"), named("debug", bad, 1), "spec", "ephemeralContainers"),
		with(podOf("nginx"), imageVolume(bad), "spec", "volumes"),
		owned(with(podOf(bad), "2026-11-24T12:00:00Z", "metadata", "deletionTimestamp")),
	} {
		raw := rawOf(pod).Raw
		f.Add(raw, true)
		f.Add(reviewOf(f, create(pod)), false)
		f.Add(bytes.Replace(raw, []byte("containers"), []byte("Containers"), 1), true)
		f.Add(bytes.Replace(raw, []byte(bad), []byte(strings.ToUpper(bad[:40])+bad[40:]), 1), true)
	}
	f.Add(reviewOf(f, deployment(bad)), false)
	f.Add(reviewOf(f, request(admissionv1.Update, "pods", podOf(bad), podOf("nginx"))), false)
	f.Add(reviewOf(f, namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: "x"}, nil)), false)
	for _, text := range []string{"", "null", "{}", "[]", `"x"`, "{", "\x00", "---\napiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n", "k8s\x00"} {
		f.Add([]byte(text), true)
		f.Add([]byte(text), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, isObject bool) {
		body := data
		if isObject {
			if !json.Valid(data) {
				return // the API server makes the review, and it is JSON
			}
			req := create(nil)
			req.Object.Raw = data
			body = reviewOf(t, req)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate?timeout=10s", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		endpoint.ServeHTTP(w, r)
		if w.Code != http.StatusOK { // which the API server takes for no answer
			if w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Body.String(), "could not check: ") {
				t.Fatalf("HTTP %d: %s", w.Code, w.Body)
			}
			return
		}
		var answer admissionv1.AdmissionReview
		if err := json.Unmarshal(w.Body.Bytes(), &answer); w.Code != http.StatusOK || err != nil || answer.Response == nil {
			t.Fatalf("HTTP %d, %v: %s", w.Code, err, w.Body)
		}
		var review admissionv1.AdmissionReview
		if strict.Unmarshal(body, &review) != nil || review.Request == nil {
			return
		}
		if answer.Response.UID != review.Request.UID {
			t.Errorf("the answer to %q is for %q", review.Request.UID, answer.Response.UID)
		}
		if answer.Response.Allowed && isPodCreate(review.Request) && holds(review.Request.Object.Raw, bad) {
			t.Errorf("let in: %s", body)
		}
	})
}

func isPodCreate(r *admissionv1.AdmissionRequest) bool {
	return r.Operation == admissionv1.Create && r.Resource.Group == "" && r.Resource.Resource == "pods" &&
		(r.SubResource == "" || r.SubResource == "ephemeralcontainers")
}

// holds reports whether a pod, read as the API server reads it, names the image.
func holds(raw []byte, image string) bool {
	var pod corev1.Pod
	if len(raw) == 0 || strict.Unmarshal(raw, &pod) != nil {
		return false
	}
	var images []string
	for i := range pod.Spec.Containers {
		images = append(images, pod.Spec.Containers[i].Image)
	}
	for i := range pod.Spec.InitContainers {
		images = append(images, pod.Spec.InitContainers[i].Image)
	}
	for i := range pod.Spec.EphemeralContainers {
		images = append(images, pod.Spec.EphemeralContainers[i].Image)
	}
	for i := range pod.Spec.Volumes {
		if v := pod.Spec.Volumes[i].Image; v != nil {
			images = append(images, v.Reference)
		}
	}
	want, err := gate.ParseImage(image)
	for _, written := range images {
		if got, bad := gate.ParseImage(written); bad == nil && err == nil && got.Registry == want.Registry && got.Repository == want.Repository {
			return true
		}
	}
	return false
}
