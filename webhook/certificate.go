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

// parseChain reads a certificate with its chain, as a file holds them.
func parseChain(raw []byte) (*x509.Certificate, *x509.CertPool, error) {
	var chain [][]byte
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" { // as crypto/tls does: some files hold the key too
			chain = append(chain, block.Bytes)
		}
	}
	if len(chain) == 0 {
		return nil, nil, errors.New("the certificate cannot be read: it holds none in PEM form")
	}
	return readChain(chain)
}

// readChain reads the same as connections get it, which is a certificate at least.
func readChain(chain [][]byte) (*x509.Certificate, *x509.CertPool, error) {
	var leaf *x509.Certificate
	intermediates := x509.NewCertPool()
	for i, der := range chain {
		cert, err := x509.ParseCertificate(der)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("the certificate cannot be read: %w", err)
		case i == 0:
			leaf = cert
		default:
			intermediates.AddCert(cert)
		}
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
	return verifies(leaf, intermediates, dnsName, config, now)
}

// verifies reports the same of one that was read.
func verifies(leaf *x509.Certificate, intermediates *x509.CertPool, dnsName string, config *admissionregistrationv1.ValidatingWebhookConfiguration, now time.Time) error {
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
