package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	strict "k8s.io/apimachinery/pkg/util/json"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// What the bytes of FuzzReview are: a body of their own, or the object of a review
// that is sound. Where there is an old object too, a zero byte parts them.
const (
	wholeBody = iota
	podCreated
	podUpdated
	ephemeralAdded
	workloadCreated
	namespaceUpdated
	shapes
)

// FuzzReview holds the whole handler, from HTTP to the answer, to this (T-15
// CVE-2026-41485 Kyverno, CVE-2026-65834 Capsule: input that made the webhook panic
// stopped the cluster):
//
//   - whatever comes is answered, in the form that the API server takes, in texts that
//     nothing obeys and that are as long as the API server shows;
//   - a pod is let in only if the gate was asked about every image in it that was not
//     there before, as Kubernetes reads pods, and never with the bad one;
//   - workloads and namespaces are never refused.
func FuzzReview(f *testing.F) {
	l := newLab(f, webhook.Settings{NonECRImages: webhook.Allow})
	l.handler.Log = slog.New(slog.DiscardHandler)
	asked := &witness{gate: l.handler.Gate}
	l.handler.Gate = asked
	endpoint := webhook.NewEndpoint(l.handler, quiet)
	bad := l.images["bad"]
	seedReviews(f, l)
	f.Fuzz(func(t *testing.T, data []byte, shape uint8, contentType, query string) {
		body, ok := bodyOf(t, data, shape%shapes)
		if !ok {
			return // the API server makes the review, and it is JSON
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate", bytes.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", contentType)
		asked.forget()
		w := httptest.NewRecorder()
		endpoint.ServeHTTP(w, r)
		response := wantAnswer(t, w)
		var review admissionv1.AdmissionReview
		if response == nil || strict.Unmarshal(body, &review) != nil || review.Request == nil {
			return
		}
		if response.UID != review.Request.UID {
			t.Errorf("the answer to %q is for %q", review.Request.UID, response.UID)
		}
		if shape%shapes >= workloadCreated && !response.Allowed {
			t.Errorf("refused: %s", response.Result.Message)
		}
		if !response.Allowed || !isPod(review.Request) {
			return
		}
		for _, image := range toJudge(review.Request) {
			if !asked.about(image) {
				t.Errorf("let in without a question about %q: %s", image, body)
			}
			if sameRepository(image, bad) {
				t.Errorf("let in with the bad image: %s", body)
			}
		}
	})
}

func seedReviews(f *testing.F, l *lab) {
	const asJSON, usual = "application/json", "timeout=10s"
	clean, bad := l.images["clean"], l.images["bad"]
	for _, pod := range []map[string]any{
		podOf(clean), podOf(bad), podOf(clean, bad), podOf("nginx"), podOf(""), podOf("nginx\u202e\u009b31m"),
		with(podOf("nginx"), named("setup", bad, 1), "spec", "initContainers"),
		with(podOf("nginx"), named("debug", bad, 1), "spec", "ephemeralContainers"),
		with(podOf("nginx"), imageVolume(bad), "spec", "volumes"),
		owned(with(podOf(bad), "2026-11-24T12:00:00Z", "metadata", "deletionTimestamp")),
	} {
		raw := rawOf(pod).Raw
		f.Add(raw, uint8(podCreated), asJSON, usual)
		f.Add(reviewOf(f, create(pod)), uint8(wholeBody), asJSON, usual)
		f.Add(bytes.Replace(raw, []byte("containers"), []byte("Containers"), 1), uint8(podCreated), asJSON, "")
		f.Add(bytes.Replace(raw, []byte(bad), []byte(strings.ToUpper(bad[:40])+bad[40:]), 1), uint8(podCreated), asJSON, "timeout=-1s")
		f.Add(bytes.Join([][]byte{raw, rawOf(podOf(clean)).Raw}, []byte{0}), uint8(podUpdated), asJSON, usual)
		f.Add(bytes.Join([][]byte{raw, rawOf(podOf("nginx")).Raw}, []byte{0}), uint8(ephemeralAdded), asJSON, usual)
	}
	held := rawOf(with(podOf(bad), []any{map[string]any{"name": "a"}}, "spec", "schedulingGates")).Raw
	f.Add(bytes.Join([][]byte{rawOf(podOf(bad)).Raw, held}, []byte{0}), uint8(podUpdated), asJSON, usual)
	f.Add(rawOf(podOf(clean)).Raw, uint8(podCreated), "application/yaml; \u009b", "timeout=%zz&&")
	f.Add(reviewOf(f, deployment(bad)), uint8(wholeBody), asJSON, usual)
	f.Add(deployment(bad).Object.Raw, uint8(workloadCreated), asJSON, usual)
	f.Add([]byte(`{"metadata":{"labels":{"ecr-gate.dev/enforce":"no-such-\u001b[2J"}}}`), uint8(namespaceUpdated), asJSON, usual)
	f.Add(reviewOf(f, namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: "x"}, nil)), uint8(wholeBody), asJSON, usual)
	for _, text := range []string{"", "null", "{}", "[]", `"x"`, "{", "\x00", "---\napiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n", "k8s\x00"} {
		f.Add([]byte(text), uint8(podCreated), asJSON, usual)
		f.Add([]byte(text), uint8(wholeBody), asJSON, usual)
	}
}

// bodyOf is the review that the bytes make; ok is false where they make none.
func bodyOf(t *testing.T, data []byte, shape uint8) (body []byte, ok bool) {
	if shape == wholeBody {
		return data, true
	}
	object, old, _ := bytes.Cut(data, []byte{0})
	if !json.Valid(object) || len(old) > 0 && !json.Valid(old) {
		return nil, false
	}
	var req admissionv1.AdmissionRequest
	switch shape {
	case podCreated:
		req = create(nil)
	case podUpdated:
		req = request(admissionv1.Update, "pods", nil, nil)
	case ephemeralAdded:
		req = request(admissionv1.Update, "pods", nil, nil)
		req.SubResource = "ephemeralcontainers"
	case workloadCreated:
		req = request(admissionv1.Create, "deployments", nil, nil)
	default:
		req = request(admissionv1.Update, "namespaces", nil, nil)
	}
	req.Object.Raw = object
	if len(old) > 0 { // else there is none, which is not the same as an empty one
		req.OldObject.Raw = old
	}
	return reviewOf(t, req), true
}

// wantAnswer holds an answer to its form; nil is one that is no verdict, which the
// API server takes for a failed call.
func wantAnswer(t *testing.T, w *httptest.ResponseRecorder) *admissionv1.AdmissionResponse {
	t.Helper()
	if w.Code != http.StatusOK {
		text := strings.TrimSuffix(w.Body.String(), "\n")
		if w.Code != http.StatusBadRequest || !strings.HasPrefix(text, "could not check: ") || gate.Clean(text) != text {
			t.Fatalf("HTTP %d: %q", w.Code, text)
		}
		return nil
	}
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Response == nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	response := answer.Response
	if !response.Allowed {
		wantRefusal(t, response.Result.Message)
	}
	if len(response.Warnings) > 8 {
		t.Errorf("%d warnings", len(response.Warnings))
	}
	for _, warning := range response.Warnings {
		wantClean(t, warning, 256)
	}
	for key, note := range response.AuditAnnotations {
		for line := range strings.SplitSeq(note, "\n") {
			wantClean(t, key+line, 1024)
		}
	}
	return response
}

func wantRefusal(t *testing.T, message string) {
	t.Helper()
	if len(message) > 1024 {
		t.Errorf("a message of %d bytes", len(message))
	}
	lines := strings.Split(message, "\n")
	wantClean(t, lines[0], gate.MaxSentence)
	for _, line := range lines {
		wantClean(t, line, 1024)
	}
	for _, start := range []string{"image not allowed: ", "image not ready: ", "could not check: "} {
		if strings.HasPrefix(message, start) {
			return
		}
	}
	t.Errorf("nobody knows whether this is a verdict: %q", message)
}

func wantClean(t *testing.T, line string, most int) {
	t.Helper()
	if line == "" || utf8.RuneCountInString(line) > most || gate.Clean(line) != line || !utf8.ValidString(line) {
		t.Errorf("no clean line of at most %d characters: %q", most, line)
	}
}

// witness remembers what the gate was asked about.
type witness struct {
	gate  webhook.Checker
	mu    sync.Mutex
	asked map[string]bool
}

func (w *witness) Check(ctx context.Context, req gate.Request) gate.Verdict {
	w.mu.Lock()
	w.asked[req.Image] = true
	w.mu.Unlock()
	return w.gate.Check(ctx, req)
}

func (w *witness) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = map[string]bool{}
}

func (w *witness) about(image string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[image]
}

func isPod(r *admissionv1.AdmissionRequest) bool {
	return (r.Operation == admissionv1.Create || r.Operation == admissionv1.Update) && r.Resource.Group == "" && r.Resource.Resource == "pods" &&
		!slices.Contains([]string{"status", "resize", "binding", "eviction", "attach", "exec", "log", "portforward", "proxy"}, r.SubResource)
}

// toJudge are the images of a pod, read as the API server reads it, that stood in no
// container or volume of the same kind and name before.
func toJudge(r *admissionv1.AdmissionRequest) []string {
	before := map[[3]string]bool{}
	var old corev1.Pod
	if r.Operation == admissionv1.Update && len(r.OldObject.Raw) > 0 && strict.Unmarshal(r.OldObject.Raw, &old) == nil && len(old.Spec.SchedulingGates) == 0 {
		for _, place := range placesOf(&old.Spec) {
			before[place] = true
		}
	}
	var pod corev1.Pod
	if len(r.Object.Raw) == 0 || strict.Unmarshal(r.Object.Raw, &pod) != nil {
		return nil
	}
	var images []string
	for _, place := range placesOf(&pod.Spec) {
		if !before[place] {
			images = append(images, place[2])
		}
	}
	return images
}

// placesOf are kind, name and image of all that a pod runs or mounts.
func placesOf(spec *corev1.PodSpec) [][3]string {
	var list [][3]string
	for i := range spec.Containers {
		list = append(list, [3]string{"container", spec.Containers[i].Name, spec.Containers[i].Image})
	}
	for i := range spec.InitContainers {
		list = append(list, [3]string{"init", spec.InitContainers[i].Name, spec.InitContainers[i].Image})
	}
	for i := range spec.EphemeralContainers {
		list = append(list, [3]string{"ephemeral", spec.EphemeralContainers[i].Name, spec.EphemeralContainers[i].Image})
	}
	for i := range spec.Volumes {
		if v := spec.Volumes[i].Image; v != nil && v.Reference != "" {
			list = append(list, [3]string{"volume", spec.Volumes[i].Name, v.Reference})
		}
	}
	return list
}

func sameRepository(a, b string) bool {
	x, errX := gate.ParseImage(a)
	y, errY := gate.ParseImage(b)
	return errX == nil && errY == nil && x.Registry == y.Registry && x.Repository == y.Repository
}
