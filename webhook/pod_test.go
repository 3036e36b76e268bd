package webhook_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// named are containers, each with a name of its own and the same image.
func named(prefix, image string, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = map[string]any{"name": fmt.Sprintf("%s-%d", prefix, i), "image": image}
	}
	return list
}

func imageVolume(reference string) []any {
	return []any{map[string]any{"name": "assets", "image": map[string]any{"reference": reference}}}
}

// Wherever a pod may name an image, a bad one there is refused and named by place.
func TestEveryPlaceOfAPodIsJudged(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	clean, bad := l.images["clean"], l.images["bad"]
	sidecar := []any{map[string]any{"name": "proxy", "image": bad, "restartPolicy": "Always"}}
	for name, c := range map[string]struct {
		pod   map[string]any
		place string
	}{
		"container":         {podOf(clean, bad), `container "b"`},
		"init container":    {with(podOf(clean), named("setup", bad, 1), "spec", "initContainers"), `init container "setup-0"`},
		"sidecar":           {with(podOf(clean), sidecar, "spec", "initContainers"), `init container "proxy"`},
		"second init":       {with(podOf(clean), append(named("ok", clean, 1), named("setup", bad, 1)...), "spec", "initContainers"), `init container "setup-0"`},
		"ephemeral":         {with(podOf(clean), named("debug", bad, 1), "spec", "ephemeralContainers"), `ephemeral container "debug-0"`},
		"image volume":      {with(podOf(clean), imageVolume(bad), "spec", "volumes"), `image volume "assets"`},
		"by digest and tag": {podOf(clean, bad+"@"+l.digest(t, "bad")), `container "b"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := l.ask(t, create(c.pod))
			wantDenied(t, got, "image not allowed: ")
			if lines := strings.Split(got.Result.Message, "\n"); len(lines) < 2 || lines[1] != c.place {
				t.Errorf("the second line is not %s:\n%s", c.place, got.Result.Message)
			}
		})
	}
	other := []any{
		map[string]any{"name": "tmp", "emptyDir": map[string]any{}},
		map[string]any{"name": "nothing", "image": map[string]any{}},
	}
	for name, pod := range map[string]map[string]any{
		"clean everywhere": with(with(podOf(clean), named("setup", clean, 1), "spec", "initContainers"), imageVolume(clean), "spec", "volumes"),
		"other volumes":    with(podOf(clean), other, "spec", "volumes"),
		"generateName":     with(podOf(clean), map[string]any{"generateName": "web-"}, "metadata"),
	} {
		t.Run(name, func(t *testing.T) { wantAllowed(t, l.ask(t, create(pod))) })
	}
}

// digest is what an image's tag stands for.
func (l *lab) digest(t testing.TB, name string) string {
	t.Helper()
	audit := l.ask(t, create(podOf(l.images[name]))).AuditAnnotations["images"]
	_, rest, ok := strings.Cut(audit, "=")
	digest, _, _ := strings.Cut(rest, " ")
	if !ok || !strings.HasPrefix(digest, "sha256:") {
		t.Fatalf("no digest in %q", audit)
	}
	return digest
}

// An image is judged once, however many containers run it, and there is one answer.
func TestSameImageInManyContainers(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: "dev", webhook.WarnLabel: "lax", webhook.AuditLabel: "auto"}}
	pod := with(podOf(l.images["bad"]), named("c", l.images["bad"], 500), "spec", "containers")
	got := l.ask(t, create(pod))
	wantDenied(t, got, "image not allowed: ")
	if n := strings.Count(got.Result.Message, "image not allowed"); n != 1 {
		t.Errorf("the image is refused %d times:\n%s", n, got.Result.Message)
	}
	if !strings.Contains(got.Result.Message, `container "c-0", container "c-1", container "c-2", 497 more`) {
		t.Errorf("where it runs is not bounded:\n%s", got.Result.Message)
	}
	if calls := l.aws.Calls(); calls["ecr.BatchGetImage"] != 1 || calls["ecr.DescribeImageScanFindings"] != 1 {
		t.Errorf("AWS was asked %v", calls)
	}
}

// Nor is anybody waited for who was not asked: the answer is there when the verdicts
// are.
func TestNoWaitForTheSameImage(t *testing.T) {
	inBubble(t, webhook.Settings{Enforce: "dev", Warn: "lax"}, func(t *testing.T, l *lab) {
		began := time.Now()
		wantAllowed(t, l.ask(t, create(podOf(l.images["clean"], l.images["clean"]))))
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %s", took)
		}
	})
}

// Five hundred containers with 120 images: what one review asks of AWS is bounded, so
// the pod is refused in one answer, whatever onUnavailable says. With 100 it is judged.
func TestManyImages(t *testing.T) {
	l := newLab(t, webhook.Settings{OnUnavailable: webhook.Warn})
	containers := make([]any, 500)
	for i := range containers {
		name := fmt.Sprintf("many-%d", i%120)
		if i < 120 {
			l.put(name, []awslocal.Scan{{Status: "COMPLETE", CompletedAt: hourAgo(), Findings: []awslocal.Finding{}}})
		}
		containers[i] = map[string]any{"name": fmt.Sprintf("c-%d", i), "image": l.images[name]}
	}
	got := l.ask(t, create(with(podOf(""), containers, "spec", "containers")))
	wantDenied(t, got, "could not check: ")
	if !strings.Contains(got.Result.Message, "more than 100 images") || len(got.Result.Message) > 1000 {
		t.Errorf("%d bytes: %s", len(got.Result.Message), got.Result.Message)
	}
	if calls := l.aws.Calls(); len(calls) > 0 {
		t.Errorf("AWS was asked %v", calls)
	}
	within := l.ask(t, create(with(podOf(""), containers[:100], "spec", "containers")))
	wantAllowed(t, within)
}

// What is no pod, or none that the API server would store, is refused as not
// checked and never let pass.
func TestUnreadablePods(t *testing.T) {
	l := newLab(t, webhook.Settings{OnUnavailable: webhook.Warn, NonECRImages: webhook.Allow})
	raw := func(object string) admissionv1.AdmissionRequest {
		req := create(podOf(l.images["clean"]))
		req.Object.Raw = []byte(object)
		return req
	}
	for name, req := range map[string]admissionv1.AdmissionRequest{
		"no object":          raw(`null`),
		"no spec":            raw(`{}`),
		"no containers":      raw(`{"spec":{"containers":[]}}`),
		"a list":             raw(`[]`),
		"a string":           raw(`"pod"`),
		"containers no list": raw(`{"spec":{"containers":{"name":"a"}}}`),
		"image no string":    raw(`{"spec":{"containers":[{"name":"a","image":7}]}}`),
		"another letter":     raw(`{"Spec":{"Containers":[{"name":"a","image":"` + l.images["clean"] + `"}]}}`),
		"update without pod": request(admissionv1.Update, "pods", nil, podOf(l.images["clean"])),
		"old unreadable":     request(admissionv1.Update, "pods", podOf(l.images["clean"]), map[string]any{"spec": 7}),
	} {
		t.Run(name, func(t *testing.T) {
			got := l.ask(t, req)
			if got.Allowed || got.Result.Code != http.StatusBadRequest || !strings.HasPrefix(got.Result.Message, "could not check: ") {
				t.Errorf("allowed %t, %d: %s", got.Allowed, got.Result.Code, got.Result.Message)
			}
		})
	}
	if calls := l.aws.Calls(); len(calls) > 0 {
		t.Errorf("AWS was asked %v", calls)
	}
}

// An image that is empty or no reference is refused, whatever is lenient.
func TestImagesThatAreNone(t *testing.T) {
	l := newLab(t, webhook.Settings{OnUnavailable: webhook.Warn, NonECRImages: webhook.Allow})
	for _, image := range []string{"", " ", "auto:", "https://example.org/x", "../../etc", "sha256:" + strings.Repeat("3f", 32)} {
		t.Run(image, func(t *testing.T) {
			wantDenied(t, l.ask(t, create(podOf(image))), "could not check: ")
		})
	}
}
