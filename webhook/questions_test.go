package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// thrice has every image judged under three policies, so that a review of a hundred
// images has three hundred questions.
var thrice = webhook.Settings{Enforce: "dev", Warn: "starting", Audit: "lax", OnUnavailable: webhook.Warn}

// peers ask the lab's webhook, each by an address.
type peers struct {
	*testing.T
	endpoint http.Handler
	answers  sync.WaitGroup
	refused  atomic.Int64 // for want of room
}

// ask sends a review as a peer of that address does.
func (p *peers) ask(peer string, req admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	r := httptest.NewRequestWithContext(p.Context(), http.MethodPost, "/validate?timeout=10s", bytes.NewReader(reviewOf(p, req)))
	r.RemoteAddr = peer + ":40000"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	p.endpoint.ServeHTTP(w, r)
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(w.Body.Bytes(), &review); err != nil || review.Response == nil {
		p.Errorf("HTTP %d, %v: %s", w.Code, err, w.Body)
		return &admissionv1.AdmissionResponse{}
	}
	if got := review.Response; !got.Allowed && strings.HasPrefix(got.Result.Message, "could not check: ecr-gate has too many reviews in hand") {
		p.refused.Add(1)
	}
	return review.Response
}

// send has so many reviews on their way.
func (p *peers) send(peer string, times int, req admissionv1.AdmissionRequest) {
	for range times {
		p.answers.Go(func() { p.ask(peer, req) })
	}
	synctest.Wait()
}

// busy is a gate that answers when it is told to, whether it has the time or not,
// and counts who waits for it. One image it answers for at once.
type busy struct {
	known string
	end   chan struct{}
	open  atomic.Int64
}

func (b *busy) Check(_ context.Context, req gate.Request) gate.Verdict {
	if req.Image == b.known {
		return gate.Verdict{Outcome: gate.Allowed}
	}
	b.open.Add(1)
	defer b.open.Add(-1)
	<-b.end
	return gate.Verdict{Outcome: gate.Allowed}
}

func (b *busy) want(t *testing.T, questions int64, who string) {
	t.Helper()
	if n := b.open.Load(); n != questions {
		t.Errorf("%d questions of %s are open, not %d", n, who, questions)
	}
}

// A review of a hundred images is three hundred questions, and as many goroutines. A
// peer holds half of the 2,048 there may be. What finds no room in half of its time
// is refused, though an outage would let it in; nothing is in the way of few images.
func TestQuestionsAreBounded(t *testing.T) {
	inBubble(t, thrice, func(t *testing.T, l *lab) {
		ecr := &busy{end: make(chan struct{})}
		l.handler.Gate = ecr
		var counted refusals
		l.handler.Refused = counted.add
		p := &peers{T: t, endpoint: webhook.NewEndpoint(l.handler, quiet)}
		large, small := create(podOf(manyImages(l, 100)...)), create(podOf(manyImages(l, 1)...))
		p.send("10.0.0.1", 1, large)
		ecr.want(t, 300, "the largest review")
		p.send("10.0.0.1", 49, large)
		ecr.want(t, 3*300, "one peer")
		p.send("10.0.0.2", 50, large)
		ecr.want(t, 6*300, "two peers")
		p.send("10.0.0.3", 50, large)
		ecr.want(t, 6*300, "three peers")
		for _, peer := range []string{"10.0.0.1", "10.0.0.3"} {
			p.send(peer, 10, small)
		}
		ecr.want(t, 6*300+20*3, "three peers, with small reviews")
		if n := p.refused.Load(); n != 0 {
			t.Errorf("%d are refused at once", n)
		}
		pass(4500 * time.Millisecond)
		synctest.Wait()
		if n, want := p.refused.Load(), int64(150-6); n != want || counted.seen[webhook.Overload] != int(want) {
			t.Errorf("%d are refused after half of their time, %d are counted, not %d", n, counted.seen[webhook.Overload], want)
		}
		close(ecr.end)
		p.answers.Wait()
	})
}

// Room is given back with the last question, which may come after the review's
// answer; and a review that had to wait for it is judged.
func TestRoomForQuestionsIsGivenBack(t *testing.T) {
	inBubble(t, thrice, func(t *testing.T, l *lab) {
		ecr := &busy{known: manyImages(l, 1)[0], end: make(chan struct{})}
		l.handler.Gate = ecr
		p := &peers{T: t, endpoint: webhook.NewEndpoint(l.handler, quiet)}
		large := create(podOf(manyImages(l, 100)...))
		p.send("10.0.0.1", 3, large)
		p.answers.Wait()
		ecr.want(t, 3*297, "reviews that were answered")
		if p.ask("10.0.0.1", large); p.refused.Load() != 1 {
			t.Error("one more is judged beside them")
		}
		p.send("10.0.0.1", 1, large)
		pass(4 * time.Second)
		close(ecr.end)
		p.answers.Wait()
		l.handler.Gate = checker(func(context.Context) { panic("a fault") })
		for range 10 {
			p.ask("10.0.0.1", large)
		}
		l.handler.Gate = ecr
		if got := p.ask("10.0.0.1", large); !got.Allowed || len(got.Warnings) > 0 || p.refused.Load() != 1 {
			t.Errorf("allowed %t, %q, %d were refused", got.Allowed, got.Warnings, p.refused.Load())
		}
	})
}

// Where there is no room for its questions a template is let pass, as always, and who
// labels a namespace is told that nobody looked.
func TestNoRoomForQuestions(t *testing.T) {
	l, cluster := newLab(t, thrice), newAPIServer(t)
	l.handler.Pods = cluster.reader(t)
	for _, image := range manyImages(l, 90) {
		cluster.pods = append(cluster.pods, running("web", image))
	}
	in, end := make(chan struct{}), make(chan struct{})
	l.handler.Gate = checker(func(context.Context) { in <- struct{}{}; <-end })
	var holders sync.WaitGroup
	hold := func(images int) {
		holders.Go(func() { l.askWithin(t, create(podOf(manyImages(l, images)...)), "30s") })
		for range 3 * images {
			<-in
		}
	}
	for range 3 {
		hold(100)
	}
	if got := l.askWithin(t, deployment(manyImages(l, 50)...), "1s"); !got.Allowed || len(got.Warnings) > 0 {
		t.Errorf("a template: allowed %t, %q", got.Allowed, got.Warnings)
	}
	hold(40) // 4 are left
	got := l.askWithin(t, namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: "dev"}, nil), "1s")
	if want := "the running pods were not looked at: ecr-gate is busy"; !got.Allowed || len(got.Warnings) != 1 || got.Warnings[0] != want {
		t.Errorf("a namespace: allowed %t, %q", got.Allowed, got.Warnings)
	}
	close(end)
	holders.Wait()
}
