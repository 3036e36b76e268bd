package webhook_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// A server that drains closes each connection with an answer, so that the next
// review comes on another one: to another replica, in a cluster.
func TestDrainEndsConnectionsWithAnAnswer(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	endpoint := webhook.NewEndpoint(l.handler, quiet)
	server := httptest.NewUnstartedServer(endpoint)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	reused := false
	trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }}
	client := server.Client()
	next := client.Transport
	client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		return next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	})
	l.url, l.client = server.URL, client
	for i, want := range []bool{false, true, true} {
		wantAllowed(t, l.ask(t, pods("clean")(l)))
		if reused != want {
			t.Errorf("review %d: connection used again: %t", i, reused)
		}
		if i == 1 {
			endpoint.Drain() // the connection that is there gets one more answer
		}
	}
	wantAllowed(t, l.ask(t, pods("clean")(l)))
	if reused {
		t.Error("the connection lives on")
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A review in hand is answered after the process was told to stop, which is when
// the server's own context ends.
func TestReviewInHandOutlivesTheServersContext(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	serving, stop := context.WithCancel(t.Context())
	defer stop()
	server := httptest.NewUnstartedServer(webhook.NewEndpoint(l.handler, quiet))
	server.Config.BaseContext = func(net.Listener) context.Context { return serving }
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	l.url, l.client = server.URL, server.Client()
	l.aws.Inject(awslocal.Fault{Operation: "ecr.DescribeImageScanFindings", Latency: 300 * time.Millisecond})
	answered := make(chan *admissionv1.AdmissionResponse, 1)
	go func() { answered <- l.ask(t, pods("clean")(l)) }()
	for len(l.aws.Requests("ecr.DescribeImageScanFindings")) == 0 {
		select { // the review is in hand once ECR was asked
		case got := <-answered:
			t.Fatalf("answered already: %+v", got)
		default:
		}
	}
	stop()
	if got := <-answered; !got.Allowed {
		t.Errorf("refused: %s", got.Result.Message)
	}
}
