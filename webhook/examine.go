package webhook

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	admissionclient "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	discoveryclient "k8s.io/client-go/kubernetes/typed/discovery/v1"
	"k8s.io/client-go/rest"

	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

// Examination asks a cluster whether reviews reach the gate, of which namespaces,
// and what is in the way. It reads, and sends one review that changes nothing.
type Examination struct {
	Cluster   *rest.Config
	Name      string // of the Service and of the ValidatingWebhookConfiguration
	Namespace string // the Service's; empty: as the ValidatingWebhookConfiguration says
	Settings  Settings
	// NamespaceLabels says whether the gate goes by the labels of namespaces.
	NamespaceLabels bool
	// InPod says that the Service is reached from here; otherwise the API server hands
	// the review on, as it does those of its own.
	InPod bool
	// Review sends one harmless review to the URL, and fails if it is not answered.
	Review  func(ctx context.Context, client *http.Client, url string) error
	Timeout time.Duration    // of one question to the API server; 0: 10 s
	Now     func() time.Time // nil: time.Now

	clients clients
	sheet   *doctor.Sheet
	config  *admissionregistrationv1.ValidatingWebhookConfiguration
}

// clients ask for what is needed and discover nothing: one call a question.
type clients struct {
	core      *coreclient.CoreV1Client
	admission *admissionclient.AdmissionregistrationV1Client
	apps      *appsclient.AppsV1Client
	discovery *discoveryclient.DiscoveryV1Client
	reach     http.RoundTripper // the API server's, with our rights
}

// askTimeout is how long one question to the API server may take, if nothing else is
// said.
const askTimeout = 10 * time.Second

// ask bounds one question.
func (e *Examination) ask(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, e.Timeout)
}

// Run asks one thing after the other.
func (e Examination) Run(ctx context.Context) []doctor.Result {
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Timeout == 0 {
		e.Timeout = askTimeout
	}
	e.sheet = doctor.On("cluster at " + e.Cluster.Host)
	if err := e.connect(); err != nil {
		e.sheet.Unknown("API server", "the kubeconfig cannot be used: "+err.Error(), "mend the kubeconfig, or name another with KUBECONFIG")
		return e.sheet.Results()
	}
	if !e.readConfig(ctx) {
		return e.sheet.Results()
	}
	hasService := e.where()
	if hasService {
		e.certificate(ctx)
	}
	e.failurePolicies()
	e.namespaces(ctx)
	if hasService {
		e.service(ctx)
	}
	return e.sheet.Results()
}

func (e *Examination) connect() error {
	config := rest.CopyConfig(e.Cluster)
	config.Timeout = e.Timeout
	config.WarningHandler = rest.NoWarnings{} // they are about our calls, not about what is looked at
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	e.clients.reach = client.Transport
	if e.clients.core, err = coreclient.NewForConfigAndClient(config, client); err != nil {
		return err
	}
	if e.clients.admission, err = admissionclient.NewForConfigAndClient(config, client); err != nil {
		return err
	}
	if e.clients.apps, err = appsclient.NewForConfigAndClient(config, client); err != nil {
		return err
	}
	e.clients.discovery, err = discoveryclient.NewForConfigAndClient(config, client)
	return err
}

// readConfig reads the webhook configuration. False: there is nothing further to
// look at.
func (e *Examination) readConfig(ctx context.Context) bool {
	check := "ValidatingWebhookConfiguration " + e.Name
	ctx, cancel := e.ask(ctx)
	defer cancel()
	found, err := e.clients.admission.ValidatingWebhookConfigurations().Get(ctx, e.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		e.sheet.Fault(check, "it is not there, so the API server asks nobody and every pod is let in"+e.others(ctx),
			"helm upgrade makes it anew; if the release has another name: --webhook-name NAME")
		return false
	case err != nil:
		e.unanswered(check, err, "get validatingwebhookconfigurations")
		return false
	case len(found.Webhooks) == 0:
		e.sheet.Fault(check, "it has no webhooks, so every pod is let in", "set the Helm value namespaces.names, and helm upgrade")
		return false
	}
	e.config = found
	e.sheet.OK(check, fmt.Sprintf("%d webhooks", len(found.Webhooks)))
	return true
}

// others names configurations that look like the gate's.
func (e *Examination) others(ctx context.Context) string {
	list, err := e.clients.admission.ValidatingWebhookConfigurations().List(ctx, metav1.ListOptions{Limit: listed})
	if err != nil {
		return "" // it is a hint only
	}
	var names []string
	for i := range list.Items {
		if slices.ContainsFunc(list.Items[i].Webhooks, func(w admissionregistrationv1.ValidatingWebhook) bool {
			return strings.HasSuffix(w.Name, ".ecr-gate.dev")
		}) {
			names = append(names, list.Items[i].Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; but there is " + enumerate(names)
}

// where settles the namespace of the Service. False: the API server asks none.
func (e *Examination) where() bool {
	service := e.config.Webhooks[0].ClientConfig.Service
	switch {
	case service == nil:
		e.sheet.Warning("Service", "the API server asks a URL, not a Service", "see that it leads to the gate")
		return false
	case e.Namespace == "" && service.Name == e.Name:
		e.Namespace = service.Namespace
	case service.Name != e.Name, service.Namespace != e.Namespace:
		e.sheet.Fault("Service", "the API server asks Service "+service.Name+" in namespace "+service.Namespace+", which is not the one looked at",
			"--webhook-name "+service.Name+" --namespace "+service.Namespace+", or helm upgrade")
		e.Namespace = service.Namespace
	}
	return true
}

// unanswered notes a question that the API server did not answer.
func (e *Examination) unanswered(check string, err error, right string) {
	switch {
	case apierrors.IsForbidden(err):
		e.sheet.Unknown(check, "the API server does not tell us: "+err.Error(), "run doctor as somebody who may "+right)
	case apierrors.IsUnauthorized(err):
		e.sheet.Unknown(check, "the API server does not know us", "log in again: aws eks update-kubeconfig --name CLUSTER")
	default:
		e.sheet.Unknown(check, "the API server gave no answer: "+err.Error(), "see that kubectl get namespaces works from here")
	}
}

// listed bounds a list in one answer; mostNamed how many names a line has.
const (
	listed    = 500
	mostNamed = 12
)

// enumerate writes names, the first ones of many.
func enumerate(names []string) string {
	if more := len(names) - mostNamed; more > 0 {
		return strings.Join(names[:mostNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
