package webhook_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// apiServer speaks as much of the Kubernetes API as this door asks of it, to the
// real clients: namespaces by name, pods in pages, Events.
type apiServer struct {
	namespaces labels
	pods       []corev1.Pod
	events     chan eventsv1.Event
	config     *rest.Config

	expired bool // pages but the first cannot be had any more

	mu       sync.Mutex
	requests []string
	broken   bool
}

func newAPIServer(t testing.TB) *apiServer {
	t.Helper()
	s := &apiServer{namespaces: labels{}, events: make(chan eventsv1.Event, 10)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/{name}", s.namespace)
	mux.HandleFunc("GET /api/v1/namespaces/{name}/pods", s.list)
	mux.HandleFunc("POST /apis/events.k8s.io/v1/namespaces/{name}/events", s.event)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		broken := s.broken
		s.mu.Unlock()
		if broken {
			s.answer(w, http.StatusInternalServerError, metav1.Status{Status: "Failure", Code: http.StatusInternalServerError, Message: "etcd is down"})
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.config = &rest.Config{Host: server.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
	return s
}

// fail makes it answer with errors only.
func (s *apiServer) fail() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = true
}

func (s *apiServer) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *apiServer) reader(t testing.TB) client.Reader {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Pod"), meta.RESTScopeNamespace)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Namespace"), meta.RESTScopeRoot)
	c, err := client.New(s.config, client.Options{Scheme: scheme, Mapper: mapper})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// recorder is the real one, which writes Events to this server.
func (s *apiServer) recorder(t testing.TB) events.EventRecorder {
	t.Helper()
	clients, err := kubernetes.NewForConfig(s.config)
	if err != nil {
		t.Fatal(err)
	}
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: clients.EventsV1()})
	ctx, cancel := context.WithCancel(context.Background())
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); broadcaster.Shutdown() })
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return broadcaster.NewRecorder(scheme, "ecr-gate")
}

// written waits for the next Event.
func (s *apiServer) written(t testing.TB) eventsv1.Event {
	t.Helper()
	select {
	case e := <-s.events:
		return e
	case <-time.After(30 * time.Second):
		t.Fatal("no Event was written")
		return eventsv1.Event{}
	}
}

func (s *apiServer) namespace(w http.ResponseWriter, r *http.Request) {
	found, ok := s.namespaces[r.PathValue("name")]
	if !ok {
		s.answer(w, http.StatusNotFound, metav1.Status{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure",
			Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound, Message: "not found",
		})
		return
	}
	s.answer(w, http.StatusOK, metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"},
		ObjectMeta: metav1.ObjectMeta{Name: r.PathValue("name"), Labels: found},
	})
}

// list answers a page.
func (s *apiServer) list(w http.ResponseWriter, r *http.Request) {
	page := corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}}
	for i := range s.pods {
		if s.pods[i].Namespace == r.PathValue("name") {
			page.Items = append(page.Items, s.pods[i])
		}
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("continue")) // none is the first
	if from > 0 && s.expired {
		s.answer(w, http.StatusGone, metav1.Status{Status: "Failure", Code: http.StatusGone, Reason: metav1.StatusReasonExpired, Message: "too old"})
		return
	}
	page.Items = page.Items[from:]
	if limit, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil && limit < len(page.Items) {
		page.Items, page.Continue = page.Items[:limit], strconv.Itoa(from+limit)
	}
	s.answer(w, http.StatusOK, page)
}

func (s *apiServer) event(w http.ResponseWriter, r *http.Request) {
	var e eventsv1.Event
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.answer(w, http.StatusCreated, e)
	s.events <- e
}

func (s *apiServer) answer(w http.ResponseWriter, status int, object any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object) // a client that has gone is no matter here
}
