package webhook_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// namespaced is a review of a namespace that is given labels.
func namespaced(op admissionv1.Operation, now, old map[string]string) admissionv1.AdmissionRequest {
	object := func(labels map[string]string) any {
		return map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "shop", "labels": labels}}
	}
	req := request(op, "namespaces", object(now), nil)
	if op == admissionv1.Update {
		req.OldObject = rawOf(object(old))
	}
	req.Name, req.Namespace = "shop", "shop"
	return req
}

func running(name, image string) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: image}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
}

// Labelling a namespace says which of its pods would now be refused: one line for
// each thing wrong, the most frequent first. Pods that have ended do not count, and
// nobody is rejected.
func TestRelabel(t *testing.T) {
	l, cluster := newLab(t, webhook.Settings{Enforce: webhook.None}), newAPIServer(t)
	l.handler.Pods = cluster.reader(t)
	ended, failed := running("job-1", l.images["worse"]), running("job-2", l.images["worse"])
	ended.Status.Phase, failed.Status.Phase = corev1.PodSucceeded, corev1.PodFailed
	elsewhere := running("other", l.images["worse"])
	elsewhere.Namespace = "elsewhere"
	starting := running("web-9", l.images["bad"])
	starting.Status.Phase = corev1.PodPending
	cluster.pods = []corev1.Pod{
		running("api-1", l.images["unscanned"]),
		running("web-2", l.images["bad"]), running("web-1", l.images["bad"]), starting,
		running("ok", l.images["clean"]), ended, failed, elsewhere,
	}
	enforce := map[string]string{webhook.EnforceLabel: "dev"}
	got := l.ask(t, namespaced(admissionv1.Update, enforce, nil))
	wantAllowed(t, got)
	want := []string{
		"running pod web-1 (and 2 other pods) would now be refused: image not allowed: shop/bad:1.4",
		"running pod api-1 would now be refused: image not ready: ",
	}
	if len(got.Warnings) != len(want) {
		t.Fatalf("%q", got.Warnings)
	}
	for i, w := range got.Warnings {
		if !strings.HasPrefix(w, want[i]) || utf8.RuneCountInString(w) > 256 {
			t.Errorf("%q does not start with %q", w, want[i])
		}
	}
	// Judged under the policy of the label, and nothing comes of it.
	lax := l.ask(t, namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: "lax"}, nil))
	if len(lax.Warnings) != 1 || !strings.Contains(lax.Warnings[0], "api-1") {
		t.Errorf("lax: %q", lax.Warnings)
	}
	cluster.pods = []corev1.Pod{running("api-1", l.images["unscanned"])}
	l.ask(t, namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: "starting"}, nil))
	if n := l.aws.Calls()["ecr.StartImageScan"]; n > 0 {
		t.Errorf("%d scans were started", n)
	}
}

// Where the label changes nothing for the pods that run, they are not looked at.
func TestRelabelThatChangesNothing(t *testing.T) {
	l, cluster := newLab(t, webhook.Settings{}), newAPIServer(t)
	l.handler.Pods = cluster.reader(t)
	cluster.pods = []corev1.Pod{running("web", l.images["bad"])}
	dev, none := map[string]string{webhook.EnforceLabel: "dev"}, map[string]string{webhook.EnforceLabel: "none"}
	for name, req := range map[string]admissionv1.AdmissionRequest{
		"created":             namespaced(admissionv1.Create, dev, nil),
		"unchanged":           namespaced(admissionv1.Update, dev, dev),
		"another label":       namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: "dev", "team": "shop"}, dev),
		"to none":             namespaced(admissionv1.Update, none, dev),
		"label taken away":    namespaced(admissionv1.Update, nil, dev),
		"warn":                namespaced(admissionv1.Update, map[string]string{webhook.WarnLabel: "dev"}, nil),
		"a namespace deleted": namespaced(admissionv1.Delete, nil, dev),
	} {
		got := l.ask(t, req)
		if !got.Allowed || len(got.Warnings) > 0 {
			t.Errorf("%s: allowed %t, %q", name, got.Allowed, got.Warnings)
		}
	}
	if n := cluster.calls(); n > 0 {
		t.Errorf("the pods were listed %d times", n)
	}
	if got := l.ask(t, namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: ""}, none)); len(got.Warnings) != 1 {
		t.Errorf("from none to an empty label, which is auto: %q", got.Warnings)
	}
	if got := l.ask(t, namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: ""}, nil)); len(got.Warnings) != 1 {
		t.Errorf("from no label to an empty one: %q", got.Warnings)
	}
}

// A peer that is no API server may leave the name out, and a list without a namespace
// is of all of them: none is asked for, and nothing is told of anybody's pods.
func TestRelabelOfNoNamespace(t *testing.T) {
	l, cluster := newLab(t, webhook.Settings{Enforce: webhook.None}), newAPIServer(t)
	l.handler.Pods = cluster.reader(t)
	cluster.pods = []corev1.Pod{running("web", l.images["bad"])}
	object := func(name string) map[string]any {
		return map[string]any{"metadata": map[string]any{"name": name, "labels": map[string]string{webhook.EnforceLabel: "dev"}}}
	}
	for _, c := range []struct{ name, object string }{{"", "shop"}, {"", ""}, {"shop", ""}, {"shop", "other"}} {
		req := namespaced(admissionv1.Update, nil, nil)
		req.Name, req.Object = c.name, rawOf(object(c.object))
		got := l.ask(t, req)
		wantAllowed(t, got)
		if len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], "the running pods were not looked at: the review names no namespace") {
			t.Errorf("%+v: %q", c, got.Warnings)
		}
	}
	if n := cluster.calls(); n > 0 {
		t.Errorf("pods were listed %d times", n)
	}
}

// A policy that does not exist is named, for each label by what it would do.
func TestRelabelToAnUnknownPolicy(t *testing.T) {
	l, cluster := newLab(t, webhook.Settings{}), newAPIServer(t)
	l.handler.Pods = cluster.reader(t)
	cluster.pods = []corev1.Pod{running("web", l.images["bad"])}
	for _, label := range []string{webhook.EnforceLabel, webhook.WarnLabel, webhook.AuditLabel} {
		for _, op := range []admissionv1.Operation{admissionv1.Create, admissionv1.Update} {
			got := l.ask(t, namespaced(op, map[string]string{label: "devel"}, nil))
			wantAllowed(t, got)
			if len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], label+`: there is no policy named "devel"`) ||
				!strings.Contains(got.Warnings[0], "dev, starting, lax, built-in") {
				t.Errorf("%s: %q", label, got.Warnings)
			} else if refuses := strings.Contains(got.Warnings[0], "refused"); refuses != (label == webhook.EnforceLabel) {
				t.Errorf("%s: %q", label, got.Warnings)
			}
		}
	}
	known := map[string]string{webhook.EnforceLabel: "auto", webhook.WarnLabel: "built-in", webhook.AuditLabel: ""}
	if got := l.ask(t, namespaced(admissionv1.Create, known, nil)); len(got.Warnings) > 0 {
		t.Errorf("%q", got.Warnings)
	}
	again := map[string]string{webhook.WarnLabel: "devel"}
	if got := l.ask(t, namespaced(admissionv1.Update, again, again)); len(got.Warnings) > 0 {
		t.Errorf("said again though nothing changed: %q", got.Warnings)
	}
	if n := cluster.calls(); n > 0 {
		t.Errorf("the pods were listed %d times", n)
	}
}

// A namespace of any size is answered: some pods, some images, some lines.
func TestRelabelIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		pods, images, size int
		pages              int // of twenty pods
		want               string
	}{
		"many pods":   {600, 60, 0, 25, "only the first 500 running pods were looked at"},
		"many images": {120, 120, 0, 6, "only the first 100 running pods were looked at"},
		"large pods":  {60, 60, 1 << 20, 2, "only the first 40 running pods were looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			l, cluster := newLab(t, webhook.Settings{Enforce: webhook.None}), newAPIServer(t)
			l.handler.Pods = cluster.reader(t)
			for i := range c.pods {
				image := fmt.Sprintf("many-%d", i%c.images)
				if i < c.images {
					l.put(image, []awslocal.Scan{{Status: "FAILED", Description: "UnsupportedImageError"}})
				}
				pod := running(fmt.Sprintf("web-%03d", i), l.images[image])
				pod.Annotations = map[string]string{"pad": strings.Repeat("x", c.size)}
				cluster.pods = append(cluster.pods, pod)
			}
			got := l.askWithin(t, namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: "dev"}, nil), "30s")
			wantAllowed(t, got)
			if n := cluster.calls(); n != c.pages {
				t.Errorf("there were %d pages", n)
			}
			if n := len(got.Warnings); n != 9 || got.Warnings[n-1] != c.want {
				t.Errorf("%q", got.Warnings)
			}
			if calls := l.aws.Calls()["ecr.BatchGetImage"]; calls != min(c.images, 100, 20*c.pages) {
				t.Errorf("%d images were asked for", calls)
			}
			for _, w := range got.Warnings { // a pod's limit is not the namespace's
				if strings.Contains(w, "names more than") || strings.Contains(w, "a fault of") {
					t.Errorf("%q", w)
				}
			}
		})
	}
}

// What keeps the pods from being looked at is said, and rejects nobody.
func TestRelabelWithoutTheList(t *testing.T) {
	l, cluster := newLab(t, webhook.Settings{}), newAPIServer(t)
	enforce := namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: "dev"}, nil)
	if got := l.ask(t, enforce); !got.Allowed || len(got.Warnings) > 0 {
		t.Errorf("nobody lists pods: %q", got.Warnings)
	}
	l.handler.Pods = cluster.reader(t)
	for range 21 { // one more than a page has
		cluster.pods = append(cluster.pods, running("web", l.images["bad"]))
	}
	for _, fail := range []func(){func() { cluster.expired = true }, cluster.fail} {
		fail()
		got := l.ask(t, enforce)
		wantAllowed(t, got)
		if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "could not be listed") {
			t.Errorf("%q", got.Warnings)
		}
	}
	for _, object := range []string{`null`, `[]`, `7`, `{"metadata":{"labels":7}}`} {
		enforce.Object.Raw = []byte(object)
		wantAllowed(t, l.ask(t, enforce))
	}
}

// Pods that nobody can tell of now are counted and not called bad.
func TestRelabelInAnOutage(t *testing.T) {
	l, cluster := newLab(t, webhook.Settings{Enforce: webhook.None}), newAPIServer(t)
	l.handler.Pods = cluster.reader(t)
	cluster.pods = []corev1.Pod{
		running("web-1", l.images["clean"]), running("web-2", l.images["worse"]), running("api", l.images["bad"]), running("other", "nginx"),
	}
	l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: "dev"}}
	l.ask(t, deployment(l.images["bad"])) // now it is known
	l.aws.Inject(awslocal.Fault{Operation: "*", Hang: true})
	got := l.askWithin(t, namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: "dev"}, nil), "2s")
	wantAllowed(t, got)
	if len(got.Warnings) != 3 || !strings.HasPrefix(got.Warnings[1], "running pod api would now be refused: ") ||
		!strings.HasPrefix(got.Warnings[0], "running pod other would now be refused: image not allowed: nginx ") ||
		!strings.HasPrefix(got.Warnings[2], "2 running pods could not be judged now") {
		t.Errorf("%q", got.Warnings)
	}
}
