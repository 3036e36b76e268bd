package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/webhook"
)

// BenchmarkHandle is a review of a cached image without the HTTP around it.
func BenchmarkHandle(b *testing.B) {
	l := newBenchLab(b)
	for name, image := range map[string]string{"clean": l.images["clean"], "denied": l.images["bad"]} {
		b.Run(name, func(b *testing.B) {
			req := admission.Request{AdmissionRequest: create(podOf(image))}
			b.ReportAllocs()
			for b.Loop() {
				if got := l.handler.Handle(b.Context(), req); got.Allowed != (name == "clean") {
					b.Fatal(got.Result.Message)
				}
			}
		})
	}
}

func newBenchLab(b *testing.B) *lab {
	l := newLab(b, webhook.Settings{})
	l.handler.Log = slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // writing a line is part of the cost
	l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: "dev"}}
	return l
}

// BenchmarkEndpoint is the same with decoding and encoding, beside a handler that
// allows everything. `make bench` has both over TLS.
func BenchmarkEndpoint(b *testing.B) {
	l := newBenchLab(b)
	log := logr.FromSlogHandler(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // likewise
	allow := admission.HandlerFunc(func(context.Context, admission.Request) admission.Response { return admission.Allowed("") })
	floor, err := admission.StandaloneWebhook(&admission.Webhook{Handler: allow}, admission.StandaloneOptions{Logger: log, MetricsPath: webhook.Path})
	if err != nil {
		b.Fatal(err)
	}
	req := create(podOf(l.images["clean"]))
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: &req,
	})
	if err != nil {
		b.Fatal(err)
	}
	for name, handler := range map[string]http.Handler{"floor": floor, "gate": webhook.NewEndpoint(l.handler, log)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/validate?timeout=10s", bytes.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if !bytes.Contains(w.Body.Bytes(), []byte(`"allowed":true`)) {
					b.Fatal(w.Body.String())
				}
			}
		})
	}
}
