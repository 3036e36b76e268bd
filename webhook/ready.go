package webhook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// Ready reports, as an error, why reviews would fail now: a certificate that is
// not there, a port nobody listens on yet, or a certificate that the API server does
// not trust yet.
func (d *Door) Ready(ctx context.Context) error {
	chain, err := os.ReadFile(filepath.Join(d.dir, certFile))
	if err != nil {
		return errors.New("there is no certificate yet")
	}
	if !d.listens.Load() {
		return errors.New("connections are not accepted yet")
	}
	if d.mgr == nil {
		_, _, err := parseChain(chain)
		return err
	}
	if !d.mgr.GetCache().WaitForCacheSync(ctx) {
		return errors.New("the namespaces are not known yet")
	}
	var config admissionregistrationv1.ValidatingWebhookConfiguration
	err = d.mgr.GetCache().Get(ctx, types.NamespacedName{Name: d.Name}, &config)
	return d.asked(chain, &config, err)
}

// asked reports, as an error, why the API server could not ask: by its webhook
// configuration, or the error with which that was read.
func (d *Door) asked(chain []byte, config *admissionregistrationv1.ValidatingWebhookConfiguration, err error) error {
	switch {
	case apierrors.IsNotFound(err) && d.proven.Load():
		return nil // somebody switched the webhook off: nobody asks
	case err != nil:
		return fmt.Errorf("ValidatingWebhookConfiguration %s cannot be read: %w", d.Name, err)
	}
	if err := trusted(chain, dnsName(d.Name, d.Namespace), config, time.Now()); err != nil {
		return err
	}
	d.proven.Store(true)
	return nil
}

// CertificateExpiry is the end of the certificate in use; zero: there is none.
func (d *Door) CertificateExpiry() time.Time {
	leaf, _, err := loadCertificate(d.dir)
	if err != nil {
		return time.Time{}
	}
	return leaf.NotAfter
}
