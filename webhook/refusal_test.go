package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// images are references that are none of the lab's.
func manyImages(l *lab, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s/many:%d", l.aws.RegistryHost(), i)
	}
	return list
}

// What is refused because it cannot be read is counted and logged, wherever that
// shows.
func TestUnreadableIsCountedAndLogged(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	var counted refusals
	l.handler.Refused = counted.add
	asked := 0
	l.handler.Gate = checker(func(context.Context) { asked++ })
	garbage := create(podOf(l.images["clean"]))
	garbage.Object.Raw = []byte(`{"spec":{"containers":"none"}}`)
	got := l.ask(t, garbage)
	if got.Allowed || got.Result.Code != http.StatusBadRequest || got.Result.Message != "could not check: the pod in the review cannot be read: /spec/containers: what should be a list is none" {
		t.Errorf("allowed %t: %s", got.Allowed, got.Result.Message)
	}
	if !strings.Contains(l.log.String(), `"msg":"a review cannot be read"`) || !strings.Contains(l.log.String(), `"requestId":"1f0a9b1e-`) {
		t.Errorf("the log says %s", l.log)
	}
	empty := create(nil)
	if got := l.ask(t, empty); got.Allowed || !strings.Contains(got.Result.Message, "the review holds no pod") {
		t.Errorf("allowed %t: %s", got.Allowed, got.Result.Message)
	}
	if n := counted.seen[webhook.Unreadable]; n != 2 || asked != 0 {
		t.Errorf("%d are counted, the gate was asked %d times", n, asked)
	}
}

// A pod may name a hundred images, and none more; where nothing is enforced it is let
// in with a warning.
func TestAHundredImages(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	l.handler.Namespaces = labels{"dev": nil, "warned": {webhook.EnforceLabel: "none", webhook.WarnLabel: "dev"}}
	l.handler.Gate = checker(func(context.Context) {})
	var counted refusals
	l.handler.Refused = counted.add
	if got := l.ask(t, create(podOf(manyImages(l, 100)...))); strings.Contains(got.Result.Message, "more than 100 images") {
		t.Error("a hundred are too many")
	}
	if len(counted.seen) > 0 {
		t.Errorf("counted %v", counted.seen)
	}
	l.log.Reset()
	wantDenied(t, l.ask(t, create(podOf(manyImages(l, 101)...))), "could not check: the pod names more than 100 images")
	warned := create(podOf(manyImages(l, 101)...))
	warned.Namespace = "warned"
	if got := l.ask(t, warned); !got.Allowed || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "more than 100 images") {
		t.Errorf("allowed %t, %q", got.Allowed, got.Warnings)
	}
	if len(counted.seen) != 1 || counted.seen[webhook.TooManyImages] != 2 {
		t.Errorf("counted %v", counted.seen)
	}
	want := `"level":"WARN","msg":"a pod names too many images","namespace":"dev","pod":"web","images":101,"requestId":"1f0a9b1e-`
	if n := strings.Count(l.log.String(), "too many images"); n != 2 || !strings.Contains(l.log.String(), want) {
		t.Errorf("%d lines, want two, one of them with %s:\n%s", n, want, l.log)
	}
	l.log.Reset()
	long := create(podOf(manyImages(l, 101)...))
	long.UID, long.Namespace = types.UID(strings.Repeat("u", 1<<16)), strings.Repeat("n", 1<<16)
	l.handler.Namespaces = labels{long.Namespace: nil}
	wantDenied(t, l.ask(t, long), "could not check: the pod names more than 100 images")
	if n := l.log.Len(); n > 2<<10 {
		t.Errorf("%d bytes of log for one review", n)
	}
}

// A template of more is let pass unasked: its pods will be refused.
func TestTemplateOfAHundredImages(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	var asked atomic.Int32
	l.handler.Gate = checker(func(context.Context) { asked.Add(1) })
	for n, want := range map[int]int32{100: 100, 101: 0} {
		asked.Store(0)
		wantAllowed(t, l.ask(t, deployment(manyImages(l, n)...)))
		if got := asked.Load(); got != want {
			t.Errorf("of %d images the gate was asked about %d", n, got)
		}
	}
}

// Images are counted as they are written, before any of them is parsed: the grammar
// takes long for thousands. What would be left out afterwards counts too.
func TestTemplateIsCountedBeforeItIsParsed(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	var asked atomic.Int32
	l.handler.Gate = checker(func(context.Context) { asked.Add(1) })
	twice := append(manyImages(l, 99), manyImages(l, 99)...)
	wantAllowed(t, l.ask(t, deployment(append(twice, "auto")...)))
	if n := asked.Load(); n != 99 {
		t.Errorf("of a hundred texts, of which 99 are images, the gate was asked about %d", n)
	}
	asked.Store(0)
	wantAllowed(t, l.ask(t, deployment(append(manyImages(l, 100), "auto")...)))
	if n := asked.Load(); n != 0 {
		t.Errorf("of 101 texts the gate was asked about %d", n)
	}
}

// unknown is a cluster that does not tell a namespace's labels.
type unknown struct{ err error }

func (u unknown) Labels(context.Context, string) (map[string]string, error) { return nil, u.err }

// A namespace that does not exist is another matter than one that could not be read.
func TestNamespaceThatIsNotKnown(t *testing.T) {
	for want, err := range map[string]error{
		`namespace "dev" could not be read, for it does not exist; create it first`: apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "dev"),
		`namespace "dev" could not be read; try again`:                              errors.New("the API server hangs"),
	} {
		l := newLab(t, webhook.Settings{OnUnavailable: webhook.Warn})
		l.handler.Namespaces = unknown{err}
		wantDenied(t, l.ask(t, create(podOf(l.images["clean"]))), "could not check: the labels of "+want)
		// A template is never refused.
		if got := l.ask(t, deployment(l.images["bad"])); !got.Allowed || len(got.Warnings) > 0 {
			t.Errorf("a template: allowed %t, %q", got.Allowed, got.Warnings)
		}
	}
}

// A review too many is refused in a namespace that cannot be read, and overload is
// told in the log, but not for each review.
func TestOverloadWhereTheNamespaceIsNotKnown(t *testing.T) {
	inBubble(t, webhook.Settings{Enforce: webhook.None}, func(t *testing.T, l *lab) {
		l.handler.InFlight = 1
		l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: "dev"}}
		l.aws.Inject(awslocal.Fault{Operation: "*", Hang: true})
		first := make(chan *admissionv1.AdmissionResponse, 1)
		go func() { first <- l.ask(t, create(podOf(l.images["bad"]))) }()
		synctest.Wait()
		for second := 1; second <= 2; second++ {
			for range 3 {
				lost := create(podOf(l.images["clean"]))
				lost.Namespace = "lost"
				wantDenied(t, l.ask(t, lost), `could not check: the labels of namespace "lost"`)
			}
			if n := strings.Count(l.log.String(), "too many reviews in hand"); n != second {
				t.Errorf("the log says %d times in %d s that there are too many reviews:\n%s", n, second, l.log)
			}
			pass(time.Second)
		}
		<-first
	})
}

// Lists that are null are empty, as Kubernetes reads them.
func TestNullListsAreEmpty(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	for image, want := range map[string]bool{"clean": true, "bad": false} {
		req := create(podOf(l.images[image]))
		req.Object.Raw = []byte(`{"metadata":{"name":"web","ownerReferences":null},"spec":{"initContainers":null,"ephemeralContainers":null,"volumes":null,"schedulingGates":null,` +
			`"containers":[{"name":"a","image":"` + l.images[image] + `"}]}}`)
		if got := l.ask(t, req); got.Allowed != want {
			t.Errorf("%s: allowed %t: %s", image, got.Allowed, got.Result.Message)
		}
	}
}
