package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// lab is the webhook over TLS, judging by an AWS on this machine.
type lab struct {
	aws     *awslocal.Server
	handler *webhook.Handler
	url     string
	client  *http.Client
	images  map[string]string // name -> reference
	log     *bytes.Buffer
}

// labels is a cluster's namespaces.
type labels map[string]map[string]string

func (l labels) Labels(_ context.Context, namespace string) (map[string]string, error) {
	found, ok := l[namespace]
	if !ok {
		return nil, fmt.Errorf("namespaces %q not found", namespace)
	}
	return found, nil
}

// quiet throws away what is logged. (logr.Discard would be taken for none given.)
var quiet = logr.FromSlogHandler(slog.DiscardHandler)

// newLab starts one with a clean and a vulnerable image, a few odd ones, and two
// policies. Settings may be changed before the first review.
func newLab(t testing.TB, settings webhook.Settings) *lab {
	t.Helper()
	cloud := awslocal.New(awslocal.Options{})
	if _, err := cloud.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	l := labOn(t, cloud, cloud.AWSConfig(), settings)
	l.serve(t)
	return l
}

// labOn is a lab that is not served yet.
func labOn(t testing.TB, cloud *awslocal.Server, config aws.Config, settings webhook.Settings) *lab {
	t.Helper()
	facts := gate.NewCache(ecr.NewSource(config, nil), gate.CacheOptions{})
	t.Cleanup(facts.Close)
	l := &lab{aws: cloud, images: map[string]string{}, log: &bytes.Buffer{}}
	l.fill()
	judge := &gate.Gate{
		Source: facts, Canonical: ecr.CanonicalHost,
		Policies: []gate.Policy{
			{Name: "dev", Limits: map[gate.Severity]int{gate.Critical: 0, gate.High: 0}, UntriagedAs: gate.High},
			{Name: "starting", Images: []string{"no/such"}, Limits: map[gate.Severity]int{gate.Critical: 0}, UntriagedAs: gate.High, StartScan: true},
			{Name: "lax", Images: []string{"no/such"}, Limits: map[gate.Severity]int{gate.Critical: 5}, UntriagedAs: gate.Low},
		},
	}
	settings.Policies = judge.PolicyNames()
	l.handler = &webhook.Handler{
		Gate: judge, Settings: func() webhook.Settings { return settings },
		Log: slog.New(slog.NewJSONHandler(l.log, nil)),
	}
	return l
}

func (l *lab) serve(t testing.TB) {
	server := httptest.NewUnstartedServer(webhook.NewEndpoint(l.handler, quiet))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	l.url, l.client = server.URL, server.Client()
}

func (l *lab) fill() {
	done := time.Now().Add(-time.Hour)
	scan := func(findings ...awslocal.EnhancedFinding) []awslocal.Scan {
		return []awslocal.Scan{{Status: "ACTIVE", CompletedAt: done, SourceUpdatedAt: done, EnhancedFindings: findings}}
	}
	openssl := awslocal.EnhancedFinding{ID: "CVE-2026-1234", Severity: "CRITICAL", Fix: "YES",
		Packages: []awslocal.Package{{Name: "openssl", Version: "3.0.7", Release: "1", Manager: "OS", FixedIn: "3.0.15-1"}}}
	zlib := awslocal.EnhancedFinding{ID: "CVE-2026-1500", Severity: "HIGH", Fix: "NO",
		Packages: []awslocal.Package{{Name: "zlib1g", Version: "1.2.13", Manager: "OS"}}}
	curl := awslocal.EnhancedFinding{ID: "CVE-2026-1777", Severity: "MEDIUM", Fix: "YES",
		Packages: []awslocal.Package{{Name: "curl", Version: "7.88.1", Manager: "OS", FixedIn: "7.88.2"}}}
	l.put("clean", scan(curl))
	l.put("bad", scan(openssl, zlib, curl))
	l.put("worse", scan(openssl, openssl2(), zlib, curl))
	l.put("unscanned", nil)
	l.put("pending", []awslocal.Scan{{Status: "PENDING", Description: "Pending start of the image scan."}})
	l.put("expired", []awslocal.Scan{{Status: "SCAN_ELIGIBILITY_EXPIRED"}})
	l.put("scratch", []awslocal.Scan{{Status: "FAILED", Description: "UnsupportedImageError: The operating system is not supported.", NoImageScanFindings: true}})
}

func openssl2() awslocal.EnhancedFinding {
	return awslocal.EnhancedFinding{ID: "CVE-2026-1235", Severity: "CRITICAL", Fix: "YES",
		Packages: []awslocal.Package{{Name: "libssl3", Version: "3.0.7", Manager: "OS", FixedIn: "3.0.15-1"}}}
}

func (l *lab) put(name string, scans []awslocal.Scan) string {
	digest := l.aws.PutImage(awslocal.Image{Repository: "shop/" + name, Tags: []string{"1.4"}, Scans: scans})
	l.images[name] = l.aws.RegistryHost() + "/shop/" + name + ":1.4"
	return digest
}

// podOf is a pod that runs an image in each container, named a, b, c...
func podOf(images ...string) map[string]any {
	containers := make([]any, len(images))
	for i, image := range images {
		containers[i] = map[string]any{"name": string(rune('a' + i)), "image": image}
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": "web", "namespace": "dev"},
		"spec":     map[string]any{"containers": containers},
	}
}

// with sets a member deep in a pod: with(pod, value, "spec", "volumes").
func with(object map[string]any, value any, path ...string) map[string]any {
	at := object
	for _, key := range path[:len(path)-1] {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[key] = next
		}
		at = next
	}
	at[path[len(path)-1]] = value
	return object
}

// request is an admission request of the API server's form.
func request(op admissionv1.Operation, resource string, object, old any) admissionv1.AdmissionRequest {
	group := ""
	kinds := map[string]string{"pods": "Pod", "namespaces": "Namespace", "deployments": "Deployment", "cronjobs": "CronJob"}
	switch resource {
	case "deployments", "statefulsets", "daemonsets", "replicasets":
		group = "apps"
	case "jobs", "cronjobs":
		group = "batch"
	}
	return admissionv1.AdmissionRequest{
		UID: "1f0a9b1e-0000-4000-8000-000000000001", Operation: op, Namespace: "dev", Name: "web",
		Kind:      metav1.GroupVersionKind{Group: group, Version: "v1", Kind: kinds[resource]},
		Resource:  metav1.GroupVersionResource{Group: group, Version: "v1", Resource: resource},
		Object:    rawOf(object),
		OldObject: rawOf(old),
	}
}

func rawOf(object any) runtime.RawExtension {
	if object == nil {
		return runtime.RawExtension{}
	}
	raw, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return runtime.RawExtension{Raw: raw}
}

func create(pod map[string]any) admissionv1.AdmissionRequest {
	return request(admissionv1.Create, "pods", pod, nil)
}

// ask sends a request as the API server does.
func (l *lab) ask(t testing.TB, req admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	t.Helper()
	return l.askWithin(t, req, "10s")
}

func (l *lab) askWithin(t testing.TB, req admissionv1.AdmissionRequest, timeout string) *admissionv1.AdmissionResponse {
	t.Helper()
	body := reviewOf(t, req)
	status, answer := l.post(t, body, "application/json", timeout)
	if status != http.StatusOK {
		t.Fatalf("HTTP %d: %s", status, answer)
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(answer, &review); err != nil || review.Response == nil {
		t.Fatalf("%v: %s", err, answer)
	}
	if review.Response.UID != req.UID {
		t.Errorf("the answer has uid %q", review.Response.UID)
	}
	return review.Response
}

// reviewOf is the request as it is posted.
func reviewOf(t testing.TB, req admissionv1.AdmissionRequest) []byte {
	t.Helper()
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: &req,
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (l *lab) post(t testing.TB, body []byte, contentType, timeout string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.url+"/validate?timeout="+timeout, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	response, err := l.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// wantDenied fails unless the answer is a refusal that starts so.
func wantDenied(t testing.TB, got *admissionv1.AdmissionResponse, start string) {
	t.Helper()
	if got.Allowed || got.Result.Code != http.StatusForbidden || !strings.HasPrefix(got.Result.Message, start) {
		t.Errorf("want a refusal that starts with %q, got allowed %t, %d: %s", start, got.Allowed, got.Result.Code, got.Result.Message)
	}
}

func wantAllowed(t testing.TB, got *admissionv1.AdmissionResponse) {
	t.Helper()
	if !got.Allowed {
		t.Errorf("refused: %s", got.Result.Message)
	}
}

// hourAgo is when a scan was finished that has settled by now.
func hourAgo() time.Time { return time.Now().Add(-time.Hour) }

// checker is a gate that does this to whoever asks, and then says no.
type checker func(context.Context)

func (c checker) Check(ctx context.Context, _ gate.Request) gate.Verdict {
	c(ctx)
	return gate.Verdict{}
}
