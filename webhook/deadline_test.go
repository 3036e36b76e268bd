package webhook_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// The time a review may take is the API server's own less a reserve; what cannot
// be read is the API server's default.
func TestTimeoutOfTheRequest(t *testing.T) {
	for query, want := range map[string]time.Duration{
		"":              9 * time.Second,
		"?timeout=":     9 * time.Second,
		"?timeout=10s":  9 * time.Second,
		"?timeout=30s":  29 * time.Second,
		"?timeout=5s":   4500 * time.Millisecond,
		"?timeout=1s":   900 * time.Millisecond,
		"?timeout=5m":   29 * time.Second,
		"?timeout=ten":  9 * time.Second,
		"?timeout=10":   9 * time.Second,
		"?timeout=-3s":  9 * time.Second,
		"?timeout=0s":   9 * time.Second,
		"?timeout=1h;x": 9 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			var got time.Duration
			endpoint := webhook.NewEndpoint(admission.HandlerFunc(func(ctx context.Context, _ admission.Request) admission.Response {
				deadline, _ := ctx.Deadline()
				got = time.Until(deadline)
				return admission.Allowed("")
			}), quiet)
			r := httptest.NewRequest(http.MethodPost, "/validate"+query, strings.NewReader(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1"}}`))
			r.Header.Set("Content-Type", "application/json")
			endpoint.ServeHTTP(httptest.NewRecorder(), r)
			if got != want {
				t.Errorf("%q leaves %s, want %s", query, got, want)
			}
		})
	}
}

// A hanging AWS is answered for before the API server gives up: the person reads
// what was wrong, not that a call failed. How soon, to the moment, the next test holds:
// here a machine that is busy may be late. It is not as late as ECR's own deadline,
// 5 seconds, which is what ends a review that does not heed the API server's.
func TestHangingECR(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	l.aws.Inject(awslocal.Fault{Operation: "*", Hang: true})
	began := time.Now()
	got := l.askWithin(t, create(podOf(l.images["clean"], l.images["bad"])), "1s")
	if took := time.Since(began); took >= 4*time.Second || !strings.Contains(got.Result.Message, "there was no answer in time") {
		t.Errorf("after %s: %s", took, got.Result.Message)
	}
	wantDenied(t, got, "could not check: ")
}

// The same for every timeout, to the moment, and for a template.
func TestAnswerComesInTime(t *testing.T) {
	inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
		l.aws.Inject(awslocal.Fault{Operation: "*", Hang: true})
		for timeout, most := range map[string]time.Duration{
			"1s": 900 * time.Millisecond, "2s": 1800 * time.Millisecond, "": 9 * time.Second, "30s": 29 * time.Second,
		} {
			began := time.Now()
			wantDenied(t, l.askWithin(t, create(podOf(l.images["clean"], l.images["bad"], l.images["worse"])), timeout), "could not check: ")
			if took := time.Since(began); took > most {
				t.Errorf("within %s: the answer took %s", timeout, took)
			}
			began = time.Now()
			wantAllowed(t, l.askWithin(t, deployment(l.images["clean"]), timeout))
			if took := time.Since(began); took > most {
				t.Errorf("within %s: the template's answer took %s", timeout, took)
			}
		}
		// No time at all is an answer too.
		status, answer := l.post(t, reviewOf(t, create(podOf(l.images["clean"]))), "application/json", "100ms")
		wantNo(t, status, answer)
	})
}

// Nor does it wait for a gate that does not heed the deadline.
func TestGateThatDoesNotHeedTheDeadline(t *testing.T) {
	inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
		l.handler.Gate = checker(func(context.Context) { pass(time.Minute) })
		began := time.Now()
		got := l.askWithin(t, create(podOf(l.images["clean"], l.images["bad"])), "1s")
		wantDenied(t, got, "could not check: ")
		if took := time.Since(began); took != 900*time.Millisecond || !strings.Contains(got.Result.Message, "there was no answer in time") {
			t.Errorf("after %s: %s", took, got.Result.Message)
		}
		pass(time.Minute) // until it is done
	})
}

// What the gate itself says when its time ends is told, of several images as of one:
// here, that what ECR said before stands in for an answer.
func TestTheGatesLastWords(t *testing.T) {
	inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
		l.put("sound", []awslocal.Scan{{Status: "ACTIVE", CompletedAt: hourAgo(), SourceUpdatedAt: hourAgo(), EnhancedFindings: []awslocal.EnhancedFinding{}}})
		wantAllowed(t, l.ask(t, create(podOf(l.images["clean"], l.images["sound"]))))
		l.aws.Inject(awslocal.Fault{Operation: "*", Hang: true})
		for _, names := range [][]string{{"clean"}, {"clean", "sound"}} {
			pass(30 * time.Second) // no tag is fresh any more
			var images []string
			for _, name := range names {
				images = append(images, l.images[name])
			}
			got := l.askWithin(t, create(podOf(images...)), "1s")
			wantAllowed(t, got)
			if len(got.Warnings) != len(names) || !strings.Contains(got.Warnings[0], "judged by what it said before") {
				t.Errorf("of %v: %q", names, got.Warnings)
			}
		}
	})
}

// What came in time is not thrown away: an image over policy is named though
// another one could not be checked.
func TestHalfOfTheAnswers(t *testing.T) {
	inBubble(t, webhook.Settings{OnUnavailable: webhook.Warn}, func(t *testing.T, l *lab) {
		wantDenied(t, l.ask(t, create(podOf(l.images["bad"]))), "image not allowed: ")
		l.aws.Inject(awslocal.Fault{Operation: "*", Hang: true})
		wantDenied(t, l.askWithin(t, create(podOf(l.images["worse"], l.images["bad"])), "1s"), "image not allowed: shop/bad:1.4")
		got := l.askWithin(t, create(podOf(l.images["worse"])), "1s")
		wantAllowed(t, got)
		if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "there was no answer in time") {
			t.Errorf("%q", got.Warnings)
		}
	})
}

// T-32 kubernetes#27129 and the peers that ignore failures: making the webhook
// busy opened it. A review too many is refused at once.
func TestT32Overload(t *testing.T) {
	inBubble(t, webhook.Settings{OnUnavailable: webhook.Warn}, func(t *testing.T, l *lab) {
		l.handler.InFlight = 1
		l.handler.Namespaces = labels{"dev": nil, "warned": {webhook.EnforceLabel: "none", webhook.WarnLabel: "dev"}}
		l.aws.Inject(awslocal.Fault{Operation: "*", Hang: true})
		first := make(chan *admissionv1.AdmissionResponse, 1)
		go func() { first <- l.ask(t, create(podOf(l.images["bad"]))) }()
		synctest.Wait()

		began := time.Now()
		wantDenied(t, l.ask(t, create(podOf(l.images["clean"]))), "could not check: ecr-gate has too many reviews in hand")
		warned := create(podOf(l.images["clean"]))
		warned.Namespace = "warned"
		if got := l.ask(t, warned); !got.Allowed || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "too many reviews") {
			t.Errorf("a namespace that only warns: allowed %t, %q", got.Allowed, got.Warnings)
		}
		if got := l.ask(t, deployment(l.images["bad"])); !got.Allowed || len(got.Warnings) > 0 {
			t.Errorf("a template: allowed %t, %q", got.Allowed, got.Warnings)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %s to say so", took)
		}
		wantAllowed(t, <-first) // onUnavailable: warn is for AWS, not for this
		if got := l.askWithin(t, create(podOf(l.images["bad"])), "2s"); strings.Contains(strings.Join(got.Warnings, ""), "too many") {
			t.Errorf("the slot was not given back: %q", got.Warnings)
		}
	})
}

// Pods are listed for one namespace at a time: a list is dear to the API server. The
// next one to ask is told that nobody looked.
func TestOverloadedRelabel(t *testing.T) {
	l, cluster := newLab(t, webhook.Settings{}), newAPIServer(t)
	l.handler.Pods = cluster.reader(t)
	cluster.pods = []corev1.Pod{running("web", l.images["bad"])}
	hold := make(chan struct{})
	in := make(chan struct{}, 1)
	l.handler.Gate = checker(func(context.Context) { in <- struct{}{}; <-hold })
	label := namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: "dev"}, nil)
	done := make(chan struct{})
	go func() { defer close(done); l.ask(t, label) }()
	<-in
	before := cluster.calls()
	got := l.ask(t, label)
	close(hold)
	<-done
	if !got.Allowed || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "not looked at") || cluster.calls() > before {
		t.Errorf("allowed %t, %q, %d calls", got.Allowed, got.Warnings, cluster.calls())
	}
}
