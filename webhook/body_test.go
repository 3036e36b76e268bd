package webhook_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// wantNo fails unless this is an answer and not a yes: an HTTP status, or a review
// that is refused.
func wantNo(t testing.TB, status int, answer []byte) {
	t.Helper()
	if status != http.StatusOK {
		if status < http.StatusBadRequest || len(answer) == 0 {
			t.Errorf("HTTP %d: %s", status, answer)
		}
		return
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(answer, &review); err != nil || review.Response == nil || review.Response.Allowed || review.Response.Result == nil {
		t.Errorf("%v: %s", err, answer)
	}
}

// Whatever is posted, there is an answer, it is no yes, and AWS is not asked.
func TestBodiesThatAreNoReview(t *testing.T) {
	l := newLab(t, webhook.Settings{NonECRImages: webhook.Allow, OnUnavailable: webhook.Warn})
	good := string(reviewOf(t, create(podOf(l.images["clean"]))))
	const asJSON = "application/json"
	for name, c := range map[string]struct{ contentType, body string }{
		"empty":                  {asJSON, ""},
		"null":                   {asJSON, "null"},
		"garbage":                {asJSON, "\x00\x01\xff garbage"},
		"an object":              {asJSON, "{}"},
		"a list":                 {asJSON, "[]"},
		"another kind":           {asJSON, `{"apiVersion":"v1","kind":"Pod"}`},
		"request null":           {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}`},
		"no request":             {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`},
		"request empty":          {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}`},
		"request a string":       {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":"x"}`},
		"an answer":              {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"1","allowed":true}}`},
		"cut short":              {asJSON, good[:len(good)/2]},
		"nested deeply":          {asJSON, strings.Repeat(`{"request":`, 100_000)},
		"an object, nested deep": {asJSON, strings.Replace(good, `"spec":`, `"x":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+`,"spec":`, 1)},
		"form":                   {"application/x-www-form-urlencoded", good},
		"no content type":        {"", good},
		"protobuf":               {"application/vnd.kubernetes.protobuf", "k8s\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := l.post(t, []byte(c.body), c.contentType, "10s")
			wantNo(t, status, answer)
		})
	}
	if calls := l.aws.Calls(); len(calls) > 0 {
		t.Errorf("AWS was asked %v", calls)
	}
	status, answer := l.post(t, []byte(good), asJSON, "10s")
	if status != http.StatusOK || !bytes.Contains(answer, []byte(`"allowed":true`)) {
		t.Errorf("the good one: HTTP %d: %s", status, answer)
	}
}

// Reviews of the older version are judged all the same and answered in it, and so is
// one without uid. One of a version that is not known is refused.
func TestOldReviewVersion(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	for name, allowed := range map[string]bool{"clean": true, "bad": false} {
		for _, edit := range [][2]string{
			{"admission.k8s.io/v1", "admission.k8s.io/v1beta1"},
			{`"uid":"1f0a9b1e-0000-4000-8000-000000000001"`, `"uid":""`},
		} {
			body := strings.Replace(string(reviewOf(t, create(podOf(l.images[name])))), edit[0], edit[1], 1)
			status, answer := l.post(t, []byte(body), "application/json", "10s")
			var review admissionv1.AdmissionReview
			if err := json.Unmarshal(answer, &review); err != nil || status != http.StatusOK || review.Response == nil {
				t.Fatalf("HTTP %d, %v: %s", status, err, answer)
			}
			if review.Response.Allowed != allowed || !strings.Contains(body, `"apiVersion":"`+review.APIVersion+`"`) {
				t.Errorf("%s %s: allowed %t, as %s", name, edit[1], review.Response.Allowed, review.APIVersion)
			}
		}
	}
	for _, version := range []string{"admission.k8s.io/v2", "v1", ""} {
		body := strings.Replace(string(reviewOf(t, create(podOf(l.images["clean"])))), "admission.k8s.io/v1", version, 1)
		status, answer := l.post(t, []byte(body), "application/json", "10s")
		wantNo(t, status, answer)
	}
}

// padded is a review of so many bytes.
func padded(t testing.TB, image string, size int) []byte {
	t.Helper()
	body := reviewOf(t, create(with(podOf(image), map[string]any{"pad": ""}, "metadata", "annotations")))
	return bytes.Replace(body, []byte(`"pad":"`), []byte(`"pad":"`+strings.Repeat("x", size-len(body))), 1)
}

// T-13 CVE-2026-54247 (Skipper): the body of a review was unlimited.
func TestT13LargeBody(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	old := &http.Client{Transport: l.client.Transport.(*http.Transport).Clone()} // as the API server: HTTP/1.1
	old.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{"http/1.1"}
	old.Transport.(*http.Transport).ForceAttemptHTTP2 = false
	t.Cleanup(old.CloseIdleConnections)
	for version, client := range map[string]*http.Client{"HTTP/1.1": old, "HTTP/2": l.client} {
		for name, c := range map[string]struct {
			size    int
			chunked bool
			want    int
		}{
			"4 MiB":               {4 << 20, false, http.StatusOK},
			"4 MiB and a byte":    {4<<20 + 1, false, http.StatusRequestEntityTooLarge},
			"8 MiB":               {8 << 20, false, http.StatusRequestEntityTooLarge},
			"4 MiB of no length":  {4 << 20, true, http.StatusLengthRequired},
			"20 MiB of no length": {20 << 20, true, http.StatusLengthRequired},
		} {
			t.Run(version+" "+name, func(t *testing.T) {
				var body io.Reader = bytes.NewReader(padded(t, l.images["clean"], min(c.size, 8<<20)))
				if c.chunked {
					body = io.LimitReader(io.MultiReader(body, endless{}), int64(c.size))
				}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.url+"/validate", body)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				response, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				answer, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				if want := "HTTP/" + strings.TrimPrefix(version, "HTTP/"); !strings.HasPrefix(response.Proto, want) {
					t.Fatalf("over %s", response.Proto)
				}
				if c.want == http.StatusOK {
					if !bytes.Contains(answer, []byte(`"allowed":true`)) {
						t.Errorf("HTTP %d: %.200s", response.StatusCode, answer)
					}
					return
				}
				wantNo(t, response.StatusCode, answer)
				if c.want != 0 && response.StatusCode != c.want {
					t.Errorf("HTTP %d: %.200s", response.StatusCode, answer)
				}
			})
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// A hundred of the largest bodies at once, of several peers: 16 MiB of them are read at a time, the
// others wait their turn and are told to come again when their time is over. They
// are in nobody else's way.
func TestT13ManyLargeBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { manyBodies(t, 4<<20) })
}

func manyBodies(t *testing.T, length int64) {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	endpoint := webhook.NewEndpoint(admission.HandlerFunc(func(context.Context, admission.Request) admission.Response {
		return admission.Allowed("") // to the small one below
	}), quiet)
	var in, answers atomic.Int64
	for i := range 100 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate?timeout=10s", nil)
		r.RemoteAddr = fmt.Sprintf("10.0.0.%d:%d", i%4, i)
		r.ContentLength, r.Header = length, http.Header{"Content-Type": {"application/json"}}
		r.Body = io.NopCloser(&unfinished{left: 4<<20 - 1, in: &in})
		go func() {
			w := httptest.NewRecorder()
			endpoint.ServeHTTP(w, r)
			wantNo(t, w.Code, w.Body.Bytes())
			answers.Add(1)
		}()
	}
	synctest.Wait()
	runtime.ReadMemStats(&now)
	small := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate?timeout=10s", strings.NewReader(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1"}}`))
	small.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, small)
	if !strings.Contains(w.Body.String(), `"allowed":true`) {
		t.Errorf("a small review: HTTP %d: %s", w.Code, w.Body)
	}
	if in.Load() != 4 || answers.Load() > 0 {
		t.Errorf("%d bodies of 4 MiB are in hand at once, %d are answered", in.Load(), answers.Load())
	}
	grown := int64(now.HeapAlloc>>20) - int64(before.HeapAlloc>>20)
	t.Logf("they take %d MiB", grown)
	if grown > 256 {
		t.Errorf("they take %d MiB", grown)
	}
	pass(time.Minute)
	if answers.Load() != 100 {
		t.Errorf("%d are answered", answers.Load())
	}
}

// One peer sends nothing but large bodies, each slowly, and has more of them wait:
// another one's is read at once all the same.
func TestOnePeersLargeBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := webhook.NewEndpoint(admission.HandlerFunc(func(context.Context, admission.Request) admission.Response {
			return admission.Allowed("")
		}), quiet)
		serve := func(peer string, length int64, body io.Reader) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate?timeout=10s", body)
			r.ContentLength, r.RemoteAddr, r.Header = length, peer, http.Header{"Content-Type": {"application/json"}}
			w := httptest.NewRecorder()
			endpoint.ServeHTTP(w, r)
			return w
		}
		var in, answers atomic.Int64
		for i := range 20 {
			go func() {
				serve(fmt.Sprintf("10.0.0.1:%d", i), 4<<20, &unfinished{left: 4<<20 - 1, in: &in})
				answers.Add(1)
			}()
		}
		synctest.Wait()
		if in.Load() != 2 {
			t.Errorf("%d bodies of 4 MiB of one peer are in hand", in.Load())
		}
		review := `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1"}}` + strings.Repeat(" ", 8<<20)
		for _, length := range []int64{70 << 10, 4 << 20} {
			began := time.Now()
			w := serve("10.0.0.2:1", length, strings.NewReader(review[:length]))
			if took := time.Since(began); took > 0 || !strings.Contains(w.Body.String(), `"allowed":true`) {
				t.Errorf("another peer's %d bytes: HTTP %d after %s: %s", length, w.Code, took, w.Body)
			}
		}
		pass(time.Minute)
		if answers.Load() != 20 {
			t.Errorf("%d are answered", answers.Load())
		}
		if w := serve("10.0.0.1:1", 4<<20, strings.NewReader(review[:4<<20])); !strings.Contains(w.Body.String(), `"allowed":true`) {
			t.Errorf("its share is not given back: HTTP %d: %s", w.Code, w.Body)
		}
	})
}

// unfinished is a body whose last byte is long in coming.
type unfinished struct {
	left int
	in   *atomic.Int64
}

func (u *unfinished) Read(p []byte) (int, error) {
	if u.left == 0 {
		u.in.Add(1)
		pass(10 * time.Second)
		return 0, io.ErrUnexpectedEOF
	}
	n := min(len(p), u.left)
	u.left -= n
	return n, nil
}

// onWire runs a test that writes a connection's bytes itself, with the clock of a
// bubble, against the HTTP server of the standard library.
func onWire(t *testing.T, test func(t *testing.T, l *lab, wire net.Conn)) {
	t.Helper()
	inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
		conns := make(pipes, 1)
		server := &http.Server{Handler: webhook.NewEndpoint(l.handler, quiet), ReadHeaderTimeout: time.Minute}
		go func() { _ = server.Serve(conns) }() // until closed
		ours, theirs := net.Pipe()
		conns <- theirs
		test(t, l, ours)
		_ = ours.Close()
		_ = server.Close()
		pass(time.Second) // net/http may linger for half of it before it closes a connection
		synctest.Wait()
	})
}

// pipes is a listener without a network.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error { close(p); return nil }

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func head(length string) string {
	return "POST /validate?timeout=10s HTTP/1.1\r\nHost: webhook.test\r\nContent-Type: application/json\r\n" + length + "\r\n\r\n"
}

// A body that does not come is waited for 3 seconds, and then answered for.
func TestSlowBody(t *testing.T) {
	for name, start := range map[string]string{
		"nothing of it": head("Content-Length: 1000"),
		"half of it":    head("Content-Length: 1000") + `{"apiVersion":"admission`,
	} {
		t.Run(name, func(t *testing.T) {
			onWire(t, func(t *testing.T, _ *lab, wire net.Conn) {
				began := time.Now()
				if _, err := io.WriteString(wire, start); err != nil {
					t.Fatal(err)
				}
				response, err := http.ReadResponse(bufio.NewReader(wire), nil)
				if err != nil {
					t.Fatal(err)
				}
				answer, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != 3*time.Second {
					t.Errorf("it was waited for %s", took)
				}
				wantNo(t, response.StatusCode, answer)
			})
		})
	}
}

// Once the body is there, judging may take longer than it could have taken to
// arrive: over HTTP/1 the connection goes on being read.
func TestSlowJudgementIsNoSlowBody(t *testing.T) {
	onWire(t, func(t *testing.T, l *lab, wire net.Conn) {
		l.aws.Inject(awslocal.Fault{Operation: "ecr.BatchGetImage", Latency: 4 * time.Second})
		for _, name := range []string{"clean", "bad"} { // on one connection
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://webhook.test/validate?timeout=10s",
				bytes.NewReader(reviewOf(t, create(podOf(l.images[name])))))
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
			answer, err := io.ReadAll(response.Body)
			if err != nil || !bytes.Contains(answer, []byte(`"allowed":`+map[string]string{"clean": "true", "bad": "false"}[name])) || bytes.Contains(answer, []byte("could not check")) {
				t.Errorf("%s: %v: %s", name, err, answer)
			}
		}
	})
}

// Room taken for a body is given back, whatever became of it.
func TestRoomForBodiesIsGivenBack(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	for range 20 { // of which there is room for four at a time
		for _, body := range [][]byte{padded(t, l.images["clean"], 4<<20), bytes.Repeat([]byte("garbage "), 512<<10)} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.url+"/validate?timeout=5s", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			response, err := l.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode == http.StatusServiceUnavailable {
				t.Fatal("there is no room left")
			}
		}
	}
}
