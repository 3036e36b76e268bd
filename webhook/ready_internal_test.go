package webhook

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A replica is ready once the API server trusts it, and stays so when somebody
// switches the webhook off: nobody asks then. One that was never trusted does not.
func TestReadiness(t *testing.T) {
	ca := newAuthority(t, "ca", nil)
	leaf, intermediates, err := parseChain(ca.issue(t, nil).cert)
	if err != nil {
		t.Fatal(err)
	}
	ended, _, err := parseChain(ca.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }).cert)
	if err != nil {
		t.Fatal(err)
	}
	gone := apierrors.NewNotFound(schema.GroupResource{Resource: "validatingwebhookconfigurations"}, "ecr-gate")
	d := &Door{Name: "ecr-gate", Namespace: "gate"}
	if d.asked(leaf, intermediates, bundled(), gone) == nil {
		t.Error("ready though nobody ever trusted it")
	}
	if d.asked(leaf, intermediates, bundled(newAuthority(t, "ca", nil).pem), nil) == nil || d.proven.Load() {
		t.Error("ready though the API server trusts another CA")
	}
	if err := d.asked(leaf, intermediates, bundled(ca.pem), nil); err != nil {
		t.Error(err)
	}
	if d.asked(ended, intermediates, bundled(ca.pem), nil) == nil {
		t.Error("ready with a certificate that has expired")
	}
	if err := d.asked(leaf, intermediates, bundled(), gone); err != nil {
		t.Errorf("not ready after the webhook was switched off: %v", err)
	}
	if d.asked(leaf, intermediates, bundled(), errors.New("no answer")) == nil {
		t.Error("ready though nobody can say")
	}
	if d.asked(leaf, intermediates, bundled(newAuthority(t, "ca", nil).pem), nil) == nil {
		t.Error("ready for good")
	}
}
