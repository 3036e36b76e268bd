package process

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// RenewCertificate writes a new certificate for localhost, which the process
// follows and the client trusts from then on.
func (p *Process) RenewCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(48 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	// The key first: its new certificate is what the process looks for.
	if err := p.WriteFile(keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))); err != nil {
		return err
	}
	return p.WriteFile(certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
}

// trusting is a transport that asks over HTTP/1.1 and keeps connections, as the API
// server does, and trusts whatever certificate lies in the folder by now.
func (p *Process) trusting() *http.Transport {
	return &http.Transport{
		MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: "localhost",
			InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does, against the file of the moment
			VerifyConnection:   p.verify,
		},
	}
}

func (p *Process) verify(state tls.ConnectionState) error {
	text, err := os.ReadFile(filepath.Join(p.Dir, certFile))
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// An earlier one is still served for a moment after it was replaced.
	if len(p.trusted) == 0 || p.trusted[len(p.trusted)-1] != string(text) {
		p.trusted = append(p.trusted, string(text))
	}
	roots := x509.NewCertPool()
	for _, each := range p.trusted {
		roots.AppendCertsFromPEM([]byte(each))
	}
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server shows no certificate")
	}
	_, err = state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: "localhost"})
	return err
}
