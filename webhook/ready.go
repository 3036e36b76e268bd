package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// Ready reports, as an error, why reviews would fail now: a port nobody listens on
// yet, or a certificate that the API server does not trust. It is the certificate
// that connections get: what lies in the folder may be half written, or without its
// key, and then the last good one is served.
func (d *Door) Ready(ctx context.Context) error {
	leaf, intermediates, err := d.served()
	if err != nil {
		return err
	}
	if d.mgr == nil { // nobody to ask what the API server trusts; nobody trusts this
		if time.Now().After(leaf.NotAfter) {
			return errors.New("the certificate has expired")
		}
		return nil
	}
	if !d.mgr.GetCache().WaitForCacheSync(ctx) {
		return errors.New("the namespaces are not known yet")
	}
	var config admissionregistrationv1.ValidatingWebhookConfiguration
	err = d.mgr.GetCache().Get(ctx, types.NamespacedName{Name: d.Name}, &config)
	return d.asked(leaf, intermediates, &config, err)
}

// served is the certificate that connections get, with its chain; an error: there
// are no connections yet.
func (d *Door) served() (*x509.Certificate, *x509.CertPool, error) {
	watcher := d.serving.Load()
	if watcher == nil {
		if _, err := os.Stat(filepath.Join(d.dir, certFile)); err != nil {
			return nil, nil, errors.New("there is no certificate yet")
		}
		return nil, nil, errors.New("connections are not accepted yet")
	}
	certificate, err := watcher.GetCertificate(nil)
	if err != nil {
		return nil, nil, err
	}
	return readChain(certificate.Certificate)
}

// asked reports, as an error, why the API server could not ask: by its webhook
// configuration, or the error with which that was read.
func (d *Door) asked(leaf *x509.Certificate, intermediates *x509.CertPool, config *admissionregistrationv1.ValidatingWebhookConfiguration, err error) error {
	switch {
	case apierrors.IsNotFound(err) && d.proven.Load():
		return nil // somebody switched the webhook off: nobody asks
	case err != nil:
		return fmt.Errorf("ValidatingWebhookConfiguration %s cannot be read: %w", d.Name, err)
	}
	if err := verifies(leaf, intermediates, dnsName(d.Name, d.Namespace), config, time.Now()); err != nil {
		return err
	}
	d.proven.Store(true)
	return nil
}

// CertificateExpiry is the end of the certificate that is served; zero: none is.
func (d *Door) CertificateExpiry() time.Time {
	leaf, _, err := d.served()
	if err != nil {
		return time.Time{}
	}
	return leaf.NotAfter
}
