package webhook

import (
	"bytes"
	"context"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/open-policy-agent/cert-controller/pkg/rotator"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	// seenByAll is how long after we read a new CA bundle every API server has read
	// it too: each follows it by a watch of its own.
	seenByAll = 2 * time.Second
	caFile    = "ca.crt" // in the Secret, as cert-controller names it
)

// rotation keeps the webhook's own certificate: cert-controller makes it, renews
// it and puts the CA into the webhook configuration; what is here hands it to the
// server of this replica, without the minute that a mounted Secret takes.
//
// The order is what loses no review. The bundle holds the old CA beside the new
// one, so the old certificate stays good; and a replica serves a new certificate
// only once the API servers trust its CA.
type rotation struct {
	dir     string // where this replica's server finds its certificate
	secret  types.NamespacedName
	config  string // the ValidatingWebhookConfiguration
	dnsName string
	name    string // of the controllers
	reader  client.Reader
	log     *slog.Logger
	now     func() time.Time
	written func()    // called whenever the files were written
	trusted time.Time // since when the certificate that waits is trusted
	waiting []byte    // that certificate
}

// secretName is where the certificate of a webhook of this name is kept.
func secretName(name string) string { return name + "-webhook-cert" }

// addTo starts rotation with the manager.
func (r *rotation) addTo(mgr manager.Manager) error {
	r.reader = mgr.GetCache()
	err := rotator.AddRotator(overlapping{mgr, r.secret, r.log}, &rotator.CertRotator{
		SecretKey: r.secret, CertDir: r.dir,
		CAName: "ecr-gate-ca", CAOrganization: "ecr-gate",
		DNSName:  r.dnsName,
		IsReady:  make(chan struct{}),
		Webhooks: []rotator.WebhookInfo{{Name: r.config, Type: rotator.Validating}},
		// Every replica may renew: the Secret's resource version lets one win.
		RequireLeaderElection: false,
		FieldOwner:            "ecr-gate",
		ControllerName:        r.name + "-rotation",
	})
	if err != nil {
		return err
	}
	everyReplica := false
	return builder.ControllerManagedBy(mgr).Named(r.name).
		For(&corev1.Secret{}).
		Watches(&admissionregistrationv1.ValidatingWebhookConfiguration{}, handler.EnqueueRequestsFromMapFunc(
			func(context.Context, client.Object) []reconcile.Request {
				return []reconcile.Request{{NamespacedName: r.secret}}
			})).
		WithOptions(controller.Options{NeedLeaderElection: &everyReplica}).
		Complete(r)
}

// Reconcile serves the Secret's certificate as soon as the API servers trust it.
func (r *rotation) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	if req.NamespacedName != r.secret {
		return reconcile.Result{}, nil
	}
	var secret corev1.Secret
	if err := r.reader.Get(ctx, r.secret, &secret); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	cert, key := secret.Data[certFile], secret.Data[keyFile]
	if !validPair(cert, key) {
		return reconcile.Result{}, nil // cert-controller has not made it yet, or is about to mend it
	}
	serving, err := os.ReadFile(filepath.Join(r.dir, certFile))
	switch {
	case err != nil: // the first one: nobody can be lost yet
		return reconcile.Result{}, r.serve(cert, key)
	case bytes.Equal(serving, cert):
		return reconcile.Result{}, nil
	}
	wait, err := r.untilTrusted(ctx, cert, serving)
	if err != nil || wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, err
	}
	return reconcile.Result{}, r.serve(cert, key)
}

// untilTrusted is how much longer to wait before the certificate is served. The
// change of the bundle that ends the wait comes as a reconciliation of its own.
func (r *rotation) untilTrusted(ctx context.Context, cert, serving []byte) (time.Duration, error) {
	var config admissionregistrationv1.ValidatingWebhookConfiguration
	if err := r.reader.Get(ctx, types.NamespacedName{Name: r.config}, &config); err != nil {
		return 0, err
	}
	now := r.now()
	isTrusted := func(chain []byte) bool { return trusted(chain, r.dnsName, &config, now) == nil }
	switch {
	case isTrusted(cert):
	case isTrusted(serving):
		r.waiting = nil
		return seenByAll, nil
	default:
		return 0, nil // what is served is no better
	}
	if !bytes.Equal(r.waiting, cert) {
		r.waiting, r.trusted = cert, now
	}
	return r.trusted.Add(seenByAll).Sub(now), nil
}

func (r *rotation) serve(cert, key []byte) error {
	if err := writePair(r.dir, cert, key); err != nil {
		return err
	}
	r.waiting = nil
	if leaf, _, err := parseChain(cert); err == nil {
		r.log.Info("serving a certificate", "notBefore", leaf.NotBefore.UTC(), "notAfter", leaf.NotAfter.UTC())
	}
	r.written()
	return nil
}

// overlapping is the manager as cert-controller meets it. Its client keeps the
// previous CA in the Secret beside a new one: cert-controller puts the whole file
// into the webhook configuration and reads the first certificate only, so for as
// long as it takes both are trusted. And what it runs may fail without an end for
// the process.
type overlapping struct {
	manager.Manager
	secret types.NamespacedName
	log    *slog.Logger
}

// Add implements manager.Manager.
func (m overlapping) Add(r manager.Runnable) error {
	if rotator, ok := r.(*rotator.CertRotator); ok {
		return m.Manager.Add(patient{rotator, m.log})
	}
	return m.Manager.Add(r)
}

// renewalRetry is the pause before a rotation that could not begin is tried again.
const renewalRetry = 30 * time.Second

// patient tries again where rotation cannot begin: the Secret is missing, or may
// not be written. The certificate that is there is good for months to come, and an
// end of the process would be the end of the gate.
type patient struct {
	*rotator.CertRotator
	log *slog.Logger
}

// Start implements manager.Runnable.
func (p patient) Start(ctx context.Context) error {
	for {
		err := p.CertRotator.Start(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop: whatever it ended with
		}
		if err == nil || beyondBegin(err) {
			return err
		}
		p.log.ErrorContext(ctx, "the certificate cannot be kept; trying again", "error", err, "hint",
			"see that the Secret is there and that ecr-gate may update it; helm upgrade makes it anew")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(renewalRetry):
		}
	}
}

// beyondBegin tells the errors that cert-controller ends with once it has begun: it
// cannot be started a second time then. Its errors have no types.
func beyondBegin(err error) bool {
	return strings.HasPrefix(err.Error(), "could not mount certs") || strings.HasPrefix(err.Error(), "could not inject certs")
}

func (m overlapping) GetClient() client.Client {
	return overlappingClient{m.Manager.GetClient(), m.Manager.GetAPIReader(), m.secret}
}

type overlappingClient struct {
	client.Client
	live   client.Reader
	secret types.NamespacedName
}

// Update implements client.Writer.
func (c overlappingClient) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	if secret, ok := object.(*corev1.Secret); ok && client.ObjectKeyFromObject(secret) == c.secret {
		var before corev1.Secret
		if err := c.live.Get(ctx, c.secret, &before); err != nil {
			return err
		}
		secret.Data[caFile] = withPrevious(secret.Data[caFile], before.Data[caFile])
	}
	return c.Client.Update(ctx, object, options...)
}

// withPrevious is the bundle of the first certificates of both, the new one first.
func withPrevious(bundle, before []byte) []byte {
	now, _ := pem.Decode(bundle)
	previous, _ := pem.Decode(before)
	switch {
	case now == nil, previous == nil:
		return bundle
	case bytes.Equal(now.Bytes, previous.Bytes):
		return before // renewed under the same CA: nothing changes for anybody
	}
	return append(pem.EncodeToMemory(now), pem.EncodeToMemory(previous)...)
}
