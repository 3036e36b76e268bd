package webhook_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// refusals counts reviews refused without a verdict.
type refusals struct {
	mu   sync.Mutex
	seen map[webhook.Refusal]int
}

func (r *refusals) add(why webhook.Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[webhook.Refusal]int{}
	}
	r.seen[why]++
}

// Every review refused without a verdict is counted, once and as what it was.
func TestRefusalsAreCounted(t *testing.T) {
	for want, ask := range map[webhook.Refusal]func(*testing.T, *lab){
		webhook.TooLarge: func(t *testing.T, l *lab) {
			l.post(t, bytes.Repeat([]byte(" "), 4<<20+1), "application/json", "10s")
		},
		webhook.Unreadable: func(t *testing.T, l *lab) {
			if status, answer := l.post(t, []byte("garbage"), "application/json", "10s"); status != http.StatusBadRequest || !strings.HasPrefix(string(answer), "could not check: ") {
				t.Errorf("HTTP %d: %s", status, answer)
			}
		},
		webhook.TooManyImages: func(t *testing.T, l *lab) {
			l.ask(t, create(podOf(manyImages(l, 101)...)))
		},
		webhook.NamespaceUnknown: func(t *testing.T, l *lab) {
			l.handler.Namespaces = labels{}
			l.ask(t, create(podOf(l.images["clean"])))
		},
		webhook.Overload: func(t *testing.T, l *lab) {
			l.handler.InFlight = 1
			l.aws.Inject(awslocal.Fault{Operation: "*", Hang: true})
			first := make(chan *admissionv1.AdmissionResponse, 1)
			go func() { first <- l.ask(t, create(podOf(l.images["bad"]))) }()
			synctest.Wait()
			l.ask(t, create(podOf(l.images["clean"])))
			<-first
		},
	} {
		t.Run(string(want), func(t *testing.T) {
			inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
				var counted refusals
				l.handler.Refused = counted.add
				endpoint := webhook.NewEndpoint(l.handler, quiet)
				endpoint.Refused = counted.add
				l.client = &http.Client{Transport: inProcess{endpoint}}
				ask(t, l)
				if len(counted.seen) != 1 || counted.seen[want] != 1 {
					t.Errorf("%v, want one %s", counted.seen, want)
				}
			})
		})
	}
}

// Every review is timed, once, from its arrival to its answer, whatever that is.
func TestReviewsAreTimed(t *testing.T) {
	for name, c := range map[string]struct {
		want time.Duration
		ask  func(*testing.T, *lab)
	}{
		"let in": {0, func(t *testing.T, l *lab) { wantAllowed(t, l.ask(t, create(podOf(l.images["clean"])))) }},
		"refused": {0, func(t *testing.T, l *lab) {
			wantDenied(t, l.ask(t, create(podOf(l.images["bad"]))), "image not allowed: ")
		}},
		"no review": {0, func(t *testing.T, l *lab) {
			l.post(t, []byte("garbage"), "application/json", "10s")
		}},
		"too large": {0, func(t *testing.T, l *lab) {
			l.post(t, bytes.Repeat([]byte(" "), 4<<20+1), "application/json", "10s")
		}},
		"a fault": {0, func(t *testing.T, l *lab) {
			l.handler.Gate = checker(func(context.Context) { panic("a fault") })
			l.ask(t, create(podOf(l.images["clean"])))
		}},
		"ECR is slow": {2 * time.Second, func(t *testing.T, l *lab) {
			l.aws.Inject(awslocal.Fault{Operation: "ecr.BatchGetImage", Latency: 2 * time.Second})
			wantAllowed(t, l.ask(t, create(podOf(l.images["clean"]))))
		}},
		"no answer": {900 * time.Millisecond, func(t *testing.T, l *lab) {
			l.aws.Inject(awslocal.Fault{Operation: "*", Hang: true})
			wantDenied(t, l.askWithin(t, create(podOf(l.images["clean"])), "1s"), "could not check: ")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
				var took []time.Duration
				endpoint := webhook.NewEndpoint(l.handler, quiet)
				endpoint.Answered = func(d time.Duration) { took = append(took, d) }
				l.client = &http.Client{Transport: inProcess{endpoint}}
				c.ask(t, l)
				if len(took) != 1 || took[0] != c.want {
					t.Errorf("took %v, want one of %s", took, c.want)
				}
			})
		})
	}
}
