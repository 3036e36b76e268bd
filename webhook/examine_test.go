package webhook

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

// looked is a cluster to look at: an API server with these objects, which hands
// reviews on. What is refused answers with that status.
type looked struct {
	config     *admissionregistrationv1.ValidatingWebhookConfiguration
	elsewhere  *admissionregistrationv1.ValidatingWebhookConfiguration // another one
	secret     *corev1.Secret
	deployment *appsv1.Deployment
	service    *corev1.Service
	slice      *discoveryv1.EndpointSlice
	namespaces []corev1.Namespace
	refused    map[string]int // part of a path -> status
	proxied    []string       // paths of reviews handed on
}

const day = 24 * time.Hour

// newLooked is a cluster in good order.
func newLooked(t *testing.T) *looked {
	t.Helper()
	ca := newAuthority(t, "ca", nil)
	pair := ca.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(200*day + time.Hour) })
	meta := metav1.ObjectMeta{Name: "ecr-gate", Namespace: "gate"}
	ready := true
	l := &looked{
		config:     &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "ecr-gate"}},
		secret:     &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "ecr-gate-webhook-cert", Namespace: "gate"}, Data: map[string][]byte{caFile: ca.pem, certFile: pair.cert, keyFile: pair.key}},
		deployment: &appsv1.Deployment{ObjectMeta: meta},
		service:    &corev1.Service{ObjectMeta: meta},
		slice: &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Name: "ecr-gate-x", Namespace: "gate"}, Endpoints: []discoveryv1.Endpoint{
			{Addresses: []string{"10.0.0.1"}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}, {Addresses: []string{"10.0.0.2"}},
		}},
		refused: map[string]int{},
	}
	never := []string{"gate", "kube-system", "kube-node-lease"}
	l.config.Webhooks = []admissionregistrationv1.ValidatingWebhook{
		podWebhook("pods.ecr-gate.dev", ca.pem, metav1.LabelSelectorRequirement{Key: corev1.LabelMetadataName, Operator: "In", Values: []string{"dev"}},
			metav1.LabelSelectorRequirement{Key: corev1.LabelMetadataName, Operator: "NotIn", Values: never}),
		podWebhook("labelled-pods.ecr-gate.dev", ca.pem, metav1.LabelSelectorRequirement{Key: EnforceLabel, Operator: "Exists"},
			metav1.LabelSelectorRequirement{Key: corev1.LabelMetadataName, Operator: "NotIn", Values: append(never, "dev")}),
	}
	l.namespace("dev", nil)
	l.namespace("gate", nil)
	l.namespace("kube-system", nil)
	l.namespace("shop", map[string]string{EnforceLabel: "strict", WarnLabel: Auto})
	l.namespace("other", nil)
	return l
}

func podWebhook(name string, ca []byte, selector ...metav1.LabelSelectorRequirement) admissionregistrationv1.ValidatingWebhook {
	fail, port, path := admissionregistrationv1.Fail, int32(443), "/validate"
	return admissionregistrationv1.ValidatingWebhook{
		Name: name, FailurePolicy: &fail,
		ClientConfig: admissionregistrationv1.WebhookClientConfig{CABundle: ca,
			Service: &admissionregistrationv1.ServiceReference{Name: "ecr-gate", Namespace: "gate", Port: &port, Path: &path}},
		NamespaceSelector: &metav1.LabelSelector{MatchExpressions: selector},
		Rules: []admissionregistrationv1.RuleWithOperations{{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods", "pods/ephemeralcontainers"}},
		}},
	}
}

func (l *looked) namespace(name string, labels map[string]string) {
	l.namespaces = append(l.namespaces, corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})
}

// ServeHTTP is the API server.
func (l *looked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for part, status := range l.refused {
		if strings.Contains(r.URL.Path, part) {
			fail(w, status, "said no to "+part)
			return
		}
	}
	const registration, gate = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", "/api/v1/namespaces/gate/"
	switch path := r.URL.Path; path {
	case registration:
		list := admissionregistrationv1.ValidatingWebhookConfigurationList{}
		if l.elsewhere != nil {
			list.Items = append(list.Items, *l.elsewhere)
		}
		give(w, &list, true)
	case registration + "/ecr-gate":
		give(w, l.config, l.config != nil)
	case gate + "secrets/ecr-gate-webhook-cert", gate + "secrets/brought":
		give(w, l.secret, l.secret != nil && strings.HasSuffix(path, "/"+l.secret.Name))
	case gate + "services/ecr-gate":
		give(w, l.service, l.service != nil)
	case gate + "services/https:ecr-gate:443/proxy/validate":
		l.proxied = append(l.proxied, r.Method+" "+path)
		give(w, l.service, true)
	case "/apis/apps/v1/namespaces/gate/deployments/ecr-gate":
		give(w, l.deployment, l.deployment != nil)
	case "/apis/discovery.k8s.io/v1/namespaces/gate/endpointslices":
		give(w, &discoveryv1.EndpointSliceList{Items: []discoveryv1.EndpointSlice{*l.slice}}, r.URL.Query().Get("labelSelector") == "kubernetes.io/service-name=ecr-gate")
	case "/api/v1/namespaces":
		give(w, l.page(r), true)
	default:
		fail(w, http.StatusNotFound, "no such path "+path)
	}
}

// page is a page of namespaces; the token is where the next one begins.
func (l *looked) page(r *http.Request) *corev1.NamespaceList {
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	to := min(from+limit, len(l.namespaces))
	list := &corev1.NamespaceList{Items: l.namespaces[from:to]}
	if to < len(l.namespaces) {
		list.Continue = strconv.Itoa(to)
	}
	return list
}

func give(w http.ResponseWriter, object any, there bool) {
	if !there {
		fail(w, http.StatusNotFound, "not found")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object)
}

func fail(w http.ResponseWriter, status int, message string) {
	reasons := map[int]metav1.StatusReason{http.StatusNotFound: metav1.StatusReasonNotFound, http.StatusForbidden: metav1.StatusReasonForbidden, http.StatusUnauthorized: metav1.StatusReasonUnauthorized}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: int32(status), Reason: reasons[status], Message: message}) //nolint:gosec // a status
}

// look examines the cluster over HTTP.
func (l *looked) look(t *testing.T, changes ...func(*Examination)) []doctor.Result {
	t.Helper()
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	e := Examination{
		Cluster: &rest.Config{Host: server.URL, QPS: -1}, Name: "ecr-gate", NamespaceLabels: true,
		Settings: Settings{Policies: []string{"strict", "built-in"}},
		Review: func(ctx context.Context, client *http.Client, url string) error {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
			if err != nil {
				return err
			}
			answer, err := client.Do(r)
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return fmt.Errorf("HTTP %s", answer.Status)
			}
			return nil
		},
	}
	for _, change := range changes {
		change(&e)
	}
	return e.Run(t.Context())
}

// A cluster in good order: everything is looked at, and everything is well.
func TestExaminationOfAHealthyCluster(t *testing.T) {
	l := newLooked(t)
	results := l.look(t)
	found := map[string]string{}
	for _, r := range results {
		if r.State != doctor.OK || r.Mend != "" {
			t.Errorf("%s %s: %s; %s", r.State, r.Check, r.Found, r.Mend)
		}
		found[r.Check] = r.Found
	}
	for check, want := range map[string]string{
		"ValidatingWebhookConfiguration ecr-gate":     "2 webhooks",
		"certificate in Secret ecr-gate-webhook-cert": "200 days left",
		"CA bundle":                          "that of each webhook verifies the certificate for ecr-gate.gate.svc",
		"failurePolicy of pods.ecr-gate.dev": "Fail: while no replica answers, pods are refused",
		"namespaces":                         "pods of 2 of 5 namespaces are judged: dev (enforce auto), shop (enforce strict, warn auto)",
		"excluded namespaces":                "gate, kube-system, kube-node-lease are not judged",
		"labels ecr-gate.dev/*":              "each names a policy there is, in a namespace that is judged",
		"Service ecr-gate":                   "2 replicas are ready",
		"review":                             "the gate answers one sent through the API server",
	} {
		if found[check] != want {
			t.Errorf("%s: %q, want %q", check, found[check], want)
		}
	}
	if want := []string{"POST /api/v1/namespaces/gate/services/https:ecr-gate:443/proxy/validate"}; !slices.Equal(l.proxied, want) {
		t.Errorf("reviews handed on: %q", l.proxied)
	}
}

// Each fault is named alone, with its mend: nothing else is said to be wrong.
func TestExaminationOfFaults(t *testing.T) {
	for name, c := range map[string]struct {
		harm  func(*looked)
		want  string // "state check"
		words string // in what was found
		mend  string // in the mend
	}{
		"no webhook configuration": {func(l *looked) { l.config = nil },
			"fault ValidatingWebhookConfiguration ecr-gate", "every pod is let in", "helm upgrade makes it anew"},
		"it has another name": {func(l *looked) { l.config.Name, l.elsewhere, l.config = "gate-2", l.config, nil },
			"fault ValidatingWebhookConfiguration ecr-gate", "but there is gate-2", "--webhook-name NAME"},
		"no webhooks in it": {func(l *looked) { l.config.Webhooks = nil },
			"fault ValidatingWebhookConfiguration ecr-gate", "it has no webhooks", "namespaces.names"},
		"none about pods": {func(l *looked) {
			for i := range l.config.Webhooks {
				l.config.Webhooks[i].Rules[0].Resources = []string{"deployments"}
			}
		}, "fault webhooks, warning namespaces, warning labels without effect", "none of them is about pods", "namespaces.names"},
		"an expired certificate": {func(l *looked) { l.issue(t, -3*day-time.Hour) },
			"fault certificate in Secret ecr-gate-webhook-cert, fault CA bundle", "it expired 3 days ago", `kubectl -n gate patch secret ecr-gate-webhook-cert --type=merge -p '{"data":null}'`},
		"one that soon will": {func(l *looked) { l.issue(t, 9*day+time.Hour) },
			"warning certificate in Secret ecr-gate-webhook-cert", "9 days left", "describe certificate ecr-gate-webhook-cert"},
		"one that is not valid yet": {func(l *looked) {
			l.issued(t, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Now().Add(day), time.Now().Add(90*day) })
		}, "fault certificate in Secret ecr-gate-webhook-cert, fault CA bundle", "it is not valid before", "clocks"},
		"a key of another": {func(l *looked) { l.secret.Data[keyFile] = newAuthority(t, "x", nil).issue(t, nil).key },
			"fault certificate in Secret ecr-gate-webhook-cert", "do not belong together", "existing: put a new tls.crt"},
		"an empty Secret": {func(l *looked) { l.secret.Data = nil },
			"fault certificate in Secret ecr-gate-webhook-cert", "there is none to read", "kubectl -n gate patch"},
		"no Secret": {func(l *looked) { l.secret = nil },
			"fault certificate in Secret ecr-gate-webhook-cert", "no such Secret in namespace gate", "helm upgrade makes it anew"},
		"a bundle of another CA": {func(l *looked) { l.config.Webhooks[1].ClientConfig.CABundle = newAuthority(t, "x", nil).pem },
			"fault CA bundle", "of webhook labelled-pods.ecr-gate.dev", "certs.existing.caBundle"},
		"no bundle yet": {func(l *looked) { l.config.Webhooks[0].ClientConfig.CABundle = nil },
			"fault CA bundle", "has no CA bundle yet", "helm upgrade puts its rights back"},
		"another name in it": {func(l *looked) {
			l.issued(t, func(c *x509.Certificate) { c.DNSNames, c.NotAfter = []string{"x.gate.svc"}, time.Now().Add(90*day) })
		}, "fault CA bundle", "ecr-gate.gate.svc", "certs.mode"},
		"pods let in unjudged": {func(l *looked) {
			ignore := admissionregistrationv1.Ignore
			l.config.Webhooks[0].FailurePolicy = &ignore
		},
			"warning failurePolicy of pods.ecr-gate.dev", "let in unjudged", "webhook.failurePolicy: Fail"},
		"a way around": {func(l *looked) {
			l.config.Webhooks[0].ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"gate": "yes"}}
		},
			"warning objectSelector of pods.ecr-gate.dev", "gate=yes: whoever makes a pod chooses its labels", "webhook.objectSelector: {}"},
		"no namespace": {func(l *looked) { l.namespaces = l.namespaces[1:3] },
			"warning namespaces", "pods of 0 of 2 namespaces", "kubectl label namespace NAMESPACE ecr-gate.dev/enforce=auto"},
		"every namespace": {func(l *looked) { l.config.Webhooks[0].NamespaceSelector = nil },
			"fault namespace gate, fault namespace kube-system", "by webhook pods.ecr-gate.dev", "operator: NotIn, values: [gate, kube-system, kube-node-lease]"},
		"a policy nobody knows": {func(l *looked) { l.namespaces[3].Labels[AuditLabel] = "strickt" },
			"fault labels without a policy", "shop (ecr-gate.dev/audit=strickt)", "auto, none, strict, built-in"},
		"a label that does nothing": {func(l *looked) { l.namespaces[4].Labels = map[string]string{WarnLabel: "strict"} },
			"warning labels without effect", "other (ecr-gate.dev/warn=strict)", "kubectl label namespace NAMESPACE ecr-gate.dev/enforce=none"},
		"no Service": {func(l *looked) { l.service = nil },
			"fault Service ecr-gate", "not there in namespace gate", "helm upgrade"},
		"nobody ready": {func(l *looked) {
			no := false
			l.slice.Endpoints[0].Conditions.Ready, l.slice.Endpoints[1].Conditions.Ready = &no, &no
		}, "fault Service ecr-gate", "no replica is ready (2 are not)", "EcrGateDown"},
		"one ready": {func(l *looked) { l.slice.Endpoints = l.slice.Endpoints[:1] },
			"warning Service ecr-gate", "one replica is ready", "replicaCount: 2"},
		"another Service": {func(l *looked) {
			for i := range l.config.Webhooks {
				l.config.Webhooks[i].ClientConfig.Service.Name = "elsewhere"
			}
		}, "fault Service", "Service elsewhere in namespace gate", "--webhook-name elsewhere --namespace gate"},
		"a URL": {func(l *looked) {
			url := "https://gate.example/validate"
			for i := range l.config.Webhooks {
				l.config.Webhooks[i].ClientConfig.Service, l.config.Webhooks[i].ClientConfig.URL = nil, &url
			}
		}, "warning Service", "asks a URL, not a Service", "leads to the gate"},
		"out of reach": {func(l *looked) { l.refused["/proxy/"] = http.StatusServiceUnavailable },
			"fault review", "said no to /proxy/", "TCP 9443"},
		"no right to ask it": {func(l *looked) { l.refused["/proxy/"] = http.StatusForbidden },
			"unknown review", "does not hand one on for us", "services/proxy in namespace gate"},
		"no right to see the Secret": {func(l *looked) { l.refused["/secrets/"] = http.StatusForbidden },
			"unknown certificate in Secret ecr-gate-webhook-cert", "does not tell us", "get secrets in namespace gate"},
		"no right to see namespaces": {func(l *looked) {
			l.refused["/api/v1/namespaces"] = http.StatusForbidden
			l.refused["/namespaces/gate/"] = http.StatusForbidden
		},
			"unknown certificate in Secret ecr-gate-webhook-cert, unknown namespaces, unknown Service ecr-gate", "does not tell us", "get secrets"},
		"not logged in": {func(l *looked) { l.refused["/"] = http.StatusUnauthorized },
			"unknown ValidatingWebhookConfiguration ecr-gate", "does not know us", "aws eks update-kubeconfig"},
		"an API server in trouble": {func(l *looked) { l.refused["/endpointslices"] = http.StatusInternalServerError },
			"unknown Service ecr-gate", "gave no answer", "kubectl get namespaces"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLooked(t)
			c.harm(l)
			results := l.look(t)
			var wrong []string
			var first doctor.Result
			for _, r := range results {
				if r.State != doctor.OK {
					if wrong = append(wrong, r.State.String()+" "+r.Check); len(wrong) == 1 {
						first = r
					}
				}
			}
			if got := strings.Join(wrong, ", "); got != c.want {
				t.Errorf("wrong: %s\nwant:  %s", got, c.want)
			}
			if !strings.Contains(first.Found, c.words) || !strings.Contains(first.Mend, c.mend) {
				t.Errorf("found: %s\nmend: %s\nwant %q and %q", first.Found, first.Mend, c.words, c.mend)
			}
		})
	}
}

// issue gives the Secret a certificate that ends so long from now, of the CA that is
// trusted.
func (l *looked) issue(t *testing.T, left time.Duration) {
	l.issued(t, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Now().Add(-10*day), time.Now().Add(left) })
}

func (l *looked) issued(t *testing.T, edit func(*x509.Certificate)) {
	t.Helper()
	ca := newAuthority(t, "ca", nil)
	pair := ca.issue(t, edit)
	l.secret.Data = map[string][]byte{caFile: ca.pem, certFile: pair.cert, keyFile: pair.key}
	for i := range l.config.Webhooks {
		l.config.Webhooks[i].ClientConfig.CABundle = ca.pem
	}
}

// A certificate that somebody else brings is in the Secret that the Deployment mounts.
func TestExaminationOfABroughtCertificate(t *testing.T) {
	l := newLooked(t)
	l.secret.Name = "brought"
	l.deployment.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "cert", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "brought"}}}}
	if !slices.ContainsFunc(l.look(t), func(r doctor.Result) bool { return r.Check == "certificate in Secret brought" && r.State == doctor.OK }) {
		t.Error("the Secret was not found")
	}
}

// In a cluster of many namespaces the lines stay short, and all pages are read.
func TestExaminationOfManyNamespaces(t *testing.T) {
	l := newLooked(t)
	for i := range 1200 {
		l.namespace(fmt.Sprintf("team-%04d", i), map[string]string{EnforceLabel: "nope"})
	}
	for _, r := range l.look(t) {
		switch r.Check {
		case "namespaces":
			if !strings.Contains(r.Found, "1202 of 1205") || !strings.HasSuffix(r.Found, "and 1190 more") {
				t.Error(r.Found)
			}
		case "labels without a policy":
			if !strings.HasSuffix(r.Found, "team-0011 (ecr-gate.dev/enforce=nope) and 1188 more") {
				t.Error(r.Found)
			}
		}
	}
}

// Labels are not looked at where the gate does not go by them.
func TestExaminationWithoutNamespaceLabels(t *testing.T) {
	l := newLooked(t)
	l.namespaces[3].Labels[EnforceLabel] = "nope"
	for _, r := range l.look(t, func(e *Examination) { e.NamespaceLabels = false; e.Settings.Enforce = "strict" }) {
		if r.State != doctor.OK {
			t.Errorf("%s %s: %s", r.State, r.Check, r.Found)
		}
		if r.Check == "namespaces" && !strings.Contains(r.Found, "shop (enforce strict)") {
			t.Error(r.Found)
		}
	}
}

// In a pod the review goes to the Service itself, and only a certificate that the API
// server trusts is accepted.
func TestExaminationInAPod(t *testing.T) {
	l := newLooked(t)
	l.refused["/services/"] = http.StatusForbidden
	var url string
	var roots *x509.CertPool
	l.look(t, func(e *Examination) {
		e.InPod = true
		e.Review = func(_ context.Context, client *http.Client, to string) error {
			url = to
			if h, ok := client.Transport.(*heard); ok {
				if direct, ok := h.next.(*http.Transport); ok {
					roots = direct.TLSClientConfig.RootCAs
				}
			}
			return errors.New("the network is down")
		}
	})
	want := x509.NewCertPool()
	want.AppendCertsFromPEM(l.secret.Data[caFile])
	if url != "https://ecr-gate.gate.svc/validate" || roots == nil || !roots.Equal(want) {
		t.Errorf("%s, trusting the bundle: %t", url, roots != nil && roots.Equal(want))
	}
}

// Nothing hangs: an API server that does not answer is waited for as long as a call
// may take, once.
func TestExaminationOfASilentCluster(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	results := Examination{Cluster: &rest.Config{Host: server.URL, QPS: -1}, Name: "ecr-gate", Timeout: 50 * time.Millisecond}.Run(t.Context())
	if len(results) != 1 || results[0].State != doctor.Unknown || !strings.Contains(results[0].Found, "gave no answer") {
		t.Errorf("%+v", results)
	}
}

// A kubeconfig that cannot be used says so, and nothing is asked.
func TestExaminationWithABadKubeconfig(t *testing.T) {
	results := Examination{Cluster: &rest.Config{Host: "https://api.example", TLSClientConfig: rest.TLSClientConfig{CAFile: "/no/such/file"}}, Name: "ecr-gate"}.Run(t.Context())
	if len(results) != 1 || results[0].State != doctor.Unknown || !strings.Contains(results[0].Found, "no such file") {
		t.Errorf("%+v", results)
	}
}

// A hostile namespace or message steers no terminal.
func TestExaminationPrintsNothingRaw(t *testing.T) {
	l := newLooked(t)
	l.namespaces[3].Labels[WarnLabel] = "x\x1b[31m\u202e\n"
	l.refused["/proxy/"] = http.StatusServiceUnavailable
	for _, r := range l.look(t) {
		for _, text := range []string{r.Found, r.Check, r.Mend} {
			if strings.ContainsAny(text, "\x1b\u202e") {
				t.Errorf("%q", text)
			}
		}
	}
}
