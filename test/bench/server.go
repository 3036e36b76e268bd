package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// logger is as serve's, but for where it writes. Both sides have it.
var logger = slog.NewJSONHandler(io.Discard, nil) //nolint:sloglint // writing a line is part of the cost

// side is one of the two that are compared: a server and a client of its own, over
// TLS and HTTP/1.1 as the API server asks webhooks (kubernetes#75791).
type side struct {
	server *httptest.Server
	client *http.Client
}

func newSide(handler http.Handler) *side {
	server := httptest.NewTLSServer(handler)
	client := server.Client()
	if transport, ok := client.Transport.(*http.Transport); ok {
		transport.MaxIdleConnsPerHost = 64 // one for each client, none made anew
	}
	return &side{server, client}
}

func (s *side) close() { s.server.Close() }

// newFloor is controller-runtime's own endpoint, as it comes, and allows
// everything.
func newFloor() (*side, error) {
	allow := admission.HandlerFunc(func(context.Context, admission.Request) admission.Response { return admission.Allowed("") })
	handler, err := admission.StandaloneWebhook(&admission.Webhook{Handler: allow}, admission.StandaloneOptions{Logger: logr.FromSlogHandler(logger), MetricsPath: webhook.Path})
	if err != nil {
		return nil, err
	}
	return newSide(handler), nil
}

// shop is the webhook with an AWS of its own.
type shop struct {
	*side
	aws    *awslocal.Server
	facts  *gate.Cache
	pushed int // rounds of new images
}

// tolerant lets the images pass that are measured.
var tolerant = gate.Policy{
	Name: "dev", UntriagedAs: gate.High,
	Limits: map[gate.Severity]int{gate.Critical: 0, gate.High: 0, gate.Medium: 1_000_000},
}

type namespaces map[string]string

// Labels implements webhook.Namespaces; every namespace has the same.
func (n namespaces) Labels(context.Context, string) (map[string]string, error) { return n, nil }

func newShop() (*shop, error) {
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		return nil, err
	}
	facts := gate.NewCache(ecr.NewSource(aws.AWSConfig(), nil), gate.CacheOptions{})
	judge := &gate.Gate{
		Source: facts, Canonical: ecr.CanonicalHost,
		Policies: []gate.Policy{tolerant},
	}
	handler := &webhook.Handler{
		Gate: judge, Settings: func() webhook.Settings { return webhook.Settings{} },
		Namespaces: namespaces{webhook.EnforceLabel: "dev"},
		Log:        slog.New(logger),
	}
	return &shop{side: newSide(webhook.NewEndpoint(handler, logr.FromSlogHandler(logger))), aws: aws, facts: facts}, nil
}

func (s *shop) close() {
	s.side.close()
	s.facts.Close()
	s.aws.Close()
}

// put pushes a clean image with so many findings and returns its reference.
func (s *shop) put(name string, findings int) string {
	s.aws.PutImage(awslocal.Image{Repository: "shop/" + name, Tags: []string{"1"}, Scans: enhancedScan(findings)})
	return s.aws.RegistryHost() + "/shop/" + name + ":1"
}

// calls is how often ECR was asked since the last reset.
func (s *shop) calls() int {
	n := 0
	for _, count := range s.aws.Calls() {
		n += count
	}
	return n
}

// review is the body that the API server sends for a pod of ordinary size.
func review(images ...string) []byte {
	containers := make([]any, len(images))
	for i, image := range images {
		containers[i] = map[string]any{
			"name": fmt.Sprintf("c%d", i), "image": image, "imagePullPolicy": "IfNotPresent",
			"env": []any{
				map[string]any{"name": "DATABASE_URL", "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": "database", "key": "url"}}},
				map[string]any{"name": "LOG_LEVEL", "value": "info"},
			},
			"ports":           []any{map[string]any{"name": "http", "containerPort": 8080, "protocol": "TCP"}},
			"resources":       map[string]any{"requests": map[string]any{"cpu": "100m", "memory": "128Mi"}, "limits": map[string]any{"memory": "256Mi"}},
			"readinessProbe":  map[string]any{"httpGet": map[string]any{"path": "/ready", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3},
			"livenessProbe":   map[string]any{"httpGet": map[string]any{"path": "/live", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3},
			"volumeMounts":    []any{map[string]any{"name": "kube-api-access-x7x2p", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}},
			"securityContext": map[string]any{"runAsNonRoot": true, "allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []string{"ALL"}}},
		}
	}
	pod := map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{
			"generateName": "web-7d9c5b8f6-", "namespace": "dev", "creationTimestamp": nil,
			"labels":          map[string]any{"app": "web", "pod-template-hash": "7d9c5b8f6", "team": "shop"},
			"annotations":     map[string]any{"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
			"ownerReferences": []any{map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7d9c5b8f6", "uid": "0b6f6f6e-0000-4000-8000-000000000001", "controller": true, "blockOwnerDeletion": true}},
		},
		"spec": map[string]any{
			"containers": containers, "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
			"serviceAccountName": "web", "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true,
			"tolerations": []any{
				map[string]any{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
				map[string]any{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
			},
			"volumes": []any{map[string]any{"name": "kube-api-access-x7x2p", "projected": map[string]any{"defaultMode": 420, "sources": []any{
				map[string]any{"serviceAccountToken": map[string]any{"expirationSeconds": 3607, "path": "token"}},
				map[string]any{"configMap": map[string]any{"name": "kube-root-ca.crt", "items": []any{map[string]any{"key": "ca.crt", "path": "ca.crt"}}}},
			}}}},
		},
		"status": map[string]any{},
	}
	return encoded(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID:             "8a1e598b-cc4b-49b7-a465-bee6204c18db",
			Kind:            metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Resource:        metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
			RequestKind:     &metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
			RequestResource: &metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
			Namespace:       "dev", Operation: admissionv1.Create,
			Object: runtime.RawExtension{Raw: encoded(pod)},
		},
	})
}

func encoded(value any) []byte {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err) // maps and API types of our own
	}
	return raw
}

// ask sends one review and wants it allowed.
func (s *side) ask(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.server.URL+"/validate?timeout=10s", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // read only
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if !bytes.Contains(answer, []byte(`"allowed":true`)) {
		return fmt.Errorf("not allowed: %s", answer)
	}
	return nil
}
