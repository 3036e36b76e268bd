package webhook_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ecr-gate/ecr-gate/webhook"
)

// Of a small body very long lists can be made: each has an end, wherever it stands,
// and the review is refused there and then.
func TestLongLists(t *testing.T) {
	l := newLab(t, webhook.Settings{OnUnavailable: webhook.Warn, NonECRImages: webhook.Allow})
	many := "[" + strings.Repeat("{},", 1000) + "{}]"
	for _, object := range []string{
		`{"spec":{"containers":` + many + `}}`,
		`{"spec":{"containers":[{"name":"a","image":"nginx"}],"initContainers":` + many + `}}`,
		`{"spec":{"containers":[{"name":"a","image":"nginx"}],"ephemeralContainers":` + many + `}}`,
		`{"spec":{"containers":[{"name":"a","image":"nginx"}],"volumes":` + many + `}}`,
		`{"metadata":{"ownerReferences":` + many + `},"spec":{"containers":[{"name":"a","image":"nginx"}]}}`,
		`{"spec":{"containers":{"name":"a","image":"nginx"}}}`,
		`{"spec":{"containers":null}}`,
	} {
		req := create(nil)
		req.Object = k8sruntime.RawExtension{Raw: []byte(object)}
		if got := l.ask(t, req); got.Allowed || !strings.HasPrefix(got.Result.Message, "could not check: ") {
			t.Errorf("%.80s: allowed %t: %+v", object, got.Allowed, got.Result)
		}
	}
	within := create(nil)
	within.Object = k8sruntime.RawExtension{Raw: []byte(`{"spec":{"containers":[` + strings.Repeat(`{"name":"a","image":"nginx"},`, 999) + `{"name":"b","image":"nginx"}]}}`)}
	wantAllowed(t, l.ask(t, within))
	if n := strings.Count(l.log.String(), `"msg":"verdict"`); n != 1 {
		t.Errorf("%d lines for one image", n)
	}
}

// A name without an end leaves nothing behind, in memory or in the log.
func TestLongNames(t *testing.T) {
	l := newLab(t, webhook.Settings{NonECRImages: webhook.Allow})
	wantDenied(t, l.ask(t, create(podOf("nginx", strings.Repeat("a", 1<<20)+".example.com/web:1"))), "could not check: ")
	l.log.Reset()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 30 {
		l.ask(t, create(podOf(fmt.Sprintf("%s%d.example.com/web:1", strings.Repeat("a", 1<<20), i))))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 10<<20 || l.log.Len() > 100<<10 {
		t.Errorf("%d MiB are left, and %d KiB of log", grown>>20, l.log.Len()>>10)
	}
}

// A long name is in the log of each image, and the log is no multiple of the review.
func TestLongNamesOfAPodOfManyImages(t *testing.T) {
	for name, edit := range map[string]func(*admissionv1.AdmissionRequest, map[string]any, string){
		"pod": func(_ *admissionv1.AdmissionRequest, pod map[string]any, long string) {
			with(pod, long, "metadata", "name")
		},
		"namespace": func(req *admissionv1.AdmissionRequest, _ map[string]any, long string) { req.Namespace = long },
		"request":   func(req *admissionv1.AdmissionRequest, _ map[string]any, long string) { req.UID = types.UID(long) },
	} {
		l := newLab(t, webhook.Settings{NonECRImages: webhook.Allow})
		images := make([]string, 100)
		for i := range images {
			images[i] = fmt.Sprintf("nginx:%d", i)
		}
		pod := podOf(images...)
		req := create(pod)
		edit(&req, pod, strings.Repeat("x", 1<<20))
		req.Object = rawOf(pod)
		wantAllowed(t, l.ask(t, req))
		if n := strings.Count(l.log.String(), `"msg":"verdict"`); n != 100 || l.log.Len() > 200<<10 {
			t.Errorf("%s: %d lines, %d KiB", name, n, l.log.Len()>>10)
		}
	}
}

// A pod that a scheduling gate holds back was judged when it came, and starts when
// the gate is lifted: its tag may have moved in between.
func TestSchedulingGate(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	gated := with(podOf(l.images["bad"]), []any{map[string]any{"name": "later"}}, "spec", "schedulingGates")
	lifted := podOf(l.images["bad"])
	wantDenied(t, l.ask(t, request(admissionv1.Update, "pods", lifted, gated)), "image not allowed: ")
	wantAllowed(t, l.ask(t, request(admissionv1.Update, "pods", lifted, lifted)))
}
