package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// The files of a serving certificate, as kubernetes.io/tls secrets name them.
const (
	certFile = "tls.crt"
	keyFile  = "tls.key"
)

// dnsName is what the API server calls a Service by, and so what the certificate
// has to be for.
func dnsName(service, namespace string) string { return service + "." + namespace + ".svc" }

// loadCertificate reads a folder's certificate with its chain.
func loadCertificate(dir string) (*x509.Certificate, *x509.CertPool, error) {
	raw, err := os.ReadFile(filepath.Join(dir, certFile)) //nolint:gosec // the folder that serve was given
	if err != nil {
		return nil, nil, fmt.Errorf("there is no certificate yet: %w", err)
	}
	return parseChain(raw)
}

func parseChain(raw []byte) (*x509.Certificate, *x509.CertPool, error) {
	var leaf *x509.Certificate
	intermediates := x509.NewCertPool()
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" { // as crypto/tls does: some files hold the key too
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("the certificate cannot be read: %w", err)
		case leaf == nil:
			leaf = cert
		default:
			intermediates.AddCert(cert)
		}
	}
	if leaf == nil {
		return nil, nil, errors.New("the certificate cannot be read: it holds none in PEM form")
	}
	return leaf, intermediates, nil
}

// trusted reports, as an error, why the API server would not accept a certificate:
// it has to verify against the CA bundle of every webhook of the configuration.
func trusted(chain []byte, dnsName string, config *admissionregistrationv1.ValidatingWebhookConfiguration, now time.Time) error {
	leaf, intermediates, err := parseChain(chain)
	if err != nil {
		return err
	}
	if len(config.Webhooks) == 0 {
		return fmt.Errorf("ValidatingWebhookConfiguration %s has no webhooks", config.Name)
	}
	for i := range config.Webhooks {
		w := &config.Webhooks[i]
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(w.ClientConfig.CABundle) {
			return fmt.Errorf("webhook %s has no CA bundle yet", w.Name)
		}
		_, err := leaf.Verify(x509.VerifyOptions{
			DNSName: dnsName, Roots: roots, Intermediates: intermediates, CurrentTime: now,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		})
		if err != nil {
			return fmt.Errorf("the certificate does not verify against the CA bundle of webhook %s: %w", w.Name, err)
		}
	}
	return nil
}

// validPair tells if certificate and key belong together.
func validPair(cert, key []byte) bool {
	_, err := tls.X509KeyPair(cert, key)
	return err == nil
}

// writePair puts a certificate into a folder, the key first: whoever watches the
// certificate then finds its key. Each file is replaced whole.
func writePair(dir string, cert, key []byte) error {
	for _, file := range []struct {
		name string
		data []byte
	}{{keyFile, key}, {certFile, cert}} {
		path := filepath.Join(dir, file.name)
		if err := os.WriteFile(path+".new", file.data, 0o600); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	return nil
}
