package webhook

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// oneConn is a listener of one connection, without a network.
type oneConn chan net.Conn

func (c oneConn) Accept() (net.Conn, error) {
	conn, ok := <-c
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (c oneConn) Close() error { close(c); return nil }

func (c oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// onServer runs a test on a connection to the server as it is, but for TLS, with the
// clock of a bubble. Judging takes five seconds.
func onServer(t *testing.T, test func(t *testing.T, e *Endpoint, wire net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := NewEndpoint(admission.HandlerFunc(func(context.Context, admission.Request) admission.Response {
			<-time.After(5 * time.Second)
			return admission.Allowed("")
		}), logr.FromSlogHandler(slog.DiscardHandler))
		listener := make(oneConn, 1)
		server := newServer(e, slog.New(slog.DiscardHandler))
		go func() { _ = server.Serve(listener) }() // until closed
		ours, theirs := net.Pipe()
		listener <- theirs
		defer func() {
			_ = ours.Close()
			_ = server.Close()
			<-time.After(time.Second) // net/http lingers for half of it
			synctest.Wait()
		}()
		test(t, e, ours)
	})
}

// A body that does not come holds no connection, whatever is wrong with the request:
// a review is answered after three seconds, and what is refused unread at once. Three
// seconds later the connection is closed. (net/http reads what is left of a body, and
// lingers for half a second besides.)
func TestBodiesThatNeverCome(t *testing.T) {
	for name, c := range map[string]struct {
		head  string
		want  int
		after time.Duration
	}{
		"a review":                {"POST /validate HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n", http.StatusBadRequest, readTimeout},
		"another path":            {"POST /x HTTP/1.1\r\nContent-Length: 100\r\n", http.StatusNotFound, 0},
		"no clean path":           {"POST //validate HTTP/1.1\r\nContent-Length: 100\r\n", http.StatusNotFound, 0},
		"no length":               {"POST /validate HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", http.StatusLengthRequired, 0},
		"another path, no length": {"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", http.StatusNotFound, 0},
		"another content type":    {"POST /validate HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n", http.StatusBadRequest, 0},
		"too large":               {"POST /validate HTTP/1.1\r\nContent-Length: 5000000\r\n", http.StatusRequestEntityTooLarge, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onServer(t, func(t *testing.T, _ *Endpoint, wire net.Conn) {
				began := time.Now()
				if err := wire.SetDeadline(began.Add(time.Hour)); err != nil {
					t.Fatal(err)
				}
				if _, err := fmt.Fprint(wire, c.head+"Host: a\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				r := bufio.NewReader(wire)
				answer, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close()
				if took := time.Since(began); answer.StatusCode != c.want || took != c.after {
					t.Errorf("HTTP %d after %s, not %d after %s", answer.StatusCode, took, c.want, c.after)
				}
				_, err = io.Copy(io.Discard, r)
				if took := time.Since(began); err != nil || took > c.after+readTimeout+500*time.Millisecond {
					t.Errorf("closed after %s: %v", took, err)
				}
			})
		})
	}
}

// review posts one of so many bytes.
func review(t *testing.T, wire net.Conn, size int) (status int, answer string) {
	t.Helper()
	body := `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","resource":{"resource":"pods"}}}`
	body += strings.Repeat(" ", size-len(body))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a"+Path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if err := r.Write(wire); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(wire), r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

// The time in which a body has to come is not that in which it is judged, nor that
// for which its connection may be idle, nor that for which it waits for room.
func TestOnlyBodiesAreHurried(t *testing.T) {
	onServer(t, func(t *testing.T, e *Endpoint, wire net.Conn) {
		for range 2 {
			if status, answer := review(t, wire, 1000); status != http.StatusOK || !strings.Contains(answer, `"allowed":true`) {
				t.Errorf("HTTP %d: %s", status, answer)
			}
			<-time.After(time.Minute)
		}
		if err := e.large.take(t.Context(), "other:1", 8<<20); err != nil {
			t.Fatal(err)
		}
		if err := e.large.take(t.Context(), "another:1", 8<<20); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(3500*time.Millisecond, func() { e.large.giveBack("other:1", 8<<20) })
		if status, answer := review(t, wire, smallBody+1); status != http.StatusOK || !strings.Contains(answer, `"allowed":true`) {
			t.Errorf("after a wait for room: HTTP %d: %s", status, answer)
		}
		e.large.giveBack("another:1", 8<<20)
	})
}
