package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// Door is the webhook as a process runs it. Gate, Settings and Log are needed, and
// either a cluster or a folder with a certificate.
type Door struct {
	Gate     Checker
	Settings func() Settings
	Log      *slog.Logger

	Host string // empty: every address
	Port int
	// CertDir holds tls.crt and tls.key and is watched. Empty: own certificates,
	// kept in the cluster.
	CertDir string
	// Name is that of the Service and of the ValidatingWebhookConfiguration;
	// Namespace is the Service's.
	Name, Namespace string
	// Cluster is how the API server is reached. Nil: not at all; then the settings
	// hold for every namespace and there are no Events.
	Cluster *rest.Config
	// NamespaceLabels says whether namespaces are watched for their labels.
	NamespaceLabels bool
	// Refused is told of every review refused without a verdict, and of connections
	// that are closed for there being too many; nil: nobody is.
	Refused func(Refusal)
	// Answered is told how long each review took; nil: nobody is.
	Answered func(took time.Duration)

	opens   int // how often Open was called
	dir     string
	handler *Handler
	mgr     manager.Manager // nil: no cluster
	present chan struct{}   // closed when there is a certificate to serve
	proven  atomic.Bool     // the API server has trusted the certificate once
	// serving has the certificate that connections get; nil: none are accepted.
	serving atomic.Pointer[certwatcher.CertWatcher]
}

// shutdownTimeout is how long reviews in hand may take after the process was told
// to stop.
const shutdownTimeout = drainTime + longestTimeout + 2*time.Second

// Open makes ready what Run runs, and comes before all other methods. Where it
// fails, as with a cluster that does not answer, it may be called again.
func (d *Door) Open(ctx context.Context) error {
	d.opens++
	d.handler = &Handler{Gate: d.Gate, Settings: d.Settings, Log: d.Log, Refused: d.Refused}
	d.present = make(chan struct{})
	if d.Cluster != nil {
		var err error
		if d.mgr, err = d.manager(); err != nil {
			return fmt.Errorf("the cluster cannot be reached: %w", err)
		}
		d.handler.Events = d.mgr.GetEventRecorder("ecr-gate")
		if d.NamespaceLabels {
			if err := d.watchNamespaces(ctx); err != nil {
				return err
			}
		}
	}
	if d.CertDir == "" {
		return d.rotateCertificate()
	}
	d.dir = d.CertDir
	close(d.present)
	if d.mgr == nil {
		return nil
	}
	// Watched from the start, for readiness.
	_, err := d.mgr.GetCache().GetInformer(ctx, &admissionregistrationv1.ValidatingWebhookConfiguration{}, cache.BlockUntilSynced(false))
	return err
}

// Run serves until ctx is done and all reviews in hand are answered.
func (d *Door) Run(ctx context.Context) error {
	if d.mgr == nil {
		return d.serve(ctx)
	}
	if err := d.mgr.Add(manager.RunnableFunc(d.serve)); err != nil {
		return err
	}
	return d.mgr.Start(ctx)
}

func (d *Door) serve(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-d.present:
	}
	endpoint := NewEndpoint(d.handler, logr.FromSlogHandler(d.Log.Handler()))
	endpoint.Refused, endpoint.Answered = d.Refused, d.Answered
	defer d.serving.Store(nil)
	return serveTLS(ctx, addressOf(d.Host, d.Port), d.dir, endpoint, d.Log, d.serving.Store)
}

// manager caches only what is asked for: the metadata of namespaces, one Secret,
// one webhook configuration.
func (d *Door) manager() (manager.Manager, error) {
	timeout := shutdownTimeout
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionregistrationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return manager.New(d.Cluster, manager.Options{
		Scheme:                  scheme,
		Logger:                  logr.FromSlogHandler(d.Log.Handler()),
		Metrics:                 server.Options{BindAddress: "0"}, // serve shows them beside its own
		GracefulShutdownTimeout: &timeout,
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
			ByObject: map[client.Object]cache.ByObject{
				namespaceMetadata(): {Transform: onlyLabels},
				&corev1.Secret{}: {Namespaces: map[string]cache.Config{
					d.Namespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", secretName(d.Name))},
				}},
				&admissionregistrationv1.ValidatingWebhookConfiguration{}: {
					Field: fields.OneTermEqualSelector("metadata.name", d.Name),
				},
			},
		},
	})
}

// onlyLabels keeps of a namespace what this door reads.
func onlyLabels(object any) (any, error) {
	if ns, ok := object.(*metav1.PartialObjectMetadata); ok {
		ns.ManagedFields, ns.Annotations = nil, nil
	}
	return object, nil
}

// newNamespaces is how many namespaces in a second are read live: more than anybody
// makes.
const newNamespaces = 20

// watchNamespaces has the informer started with the manager, not by the first
// review.
func (d *Door) watchNamespaces(ctx context.Context) error {
	if _, err := d.mgr.GetCache().GetInformer(ctx, namespaceMetadata(), cache.BlockUntilSynced(false)); err != nil {
		return err
	}
	d.handler.Namespaces = LabelReader{
		Informer: d.mgr.GetCache(), Live: d.mgr.GetAPIReader(), Seldom: rate.NewLimiter(newNamespaces, newNamespaces),
	}
	d.handler.Pods = d.mgr.GetAPIReader()
	return nil
}

// rotateCertificate makes and renews the certificate that nobody else brings.
func (d *Door) rotateCertificate() error {
	if d.mgr == nil {
		return errors.New("own certificates are kept in a cluster, and there is none")
	}
	if d.dir == "" {
		var err error
		if d.dir, err = os.MkdirTemp("", "ecr-gate-certificate-"); err != nil {
			return err
		}
	}
	var first sync.Once
	r := &rotation{
		dir:     d.dir,
		secret:  types.NamespacedName{Namespace: d.Namespace, Name: secretName(d.Name)},
		config:  d.Name,
		dnsName: dnsName(d.Name, d.Namespace),
		log:     d.Log, now: time.Now,
		// Of an earlier opening a controller may be left, and names are unique.
		name:    fmt.Sprintf("certificate-%d", d.opens),
		written: func() { first.Do(func() { close(d.present) }) },
	}
	return r.addTo(d.mgr)
}
