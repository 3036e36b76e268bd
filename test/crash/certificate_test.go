package crash_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/test/process"
)

// authority issues serving certificates, numbered from 1.
type authority struct {
	t     *testing.T
	key   *ecdsa.PrivateKey
	root  *x509.Certificate
	count int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.root, a.key = a.issue(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	return a
}

func (a *authority) issue(template *x509.Certificate, parent *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(a.count)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	signer := a.key
	if parent == nil {
		parent, signer = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return certificate, key
}

// pair is a new certificate with its key, as a Secret holds them.
func (a *authority) pair() (certificate, key string) {
	a.t.Helper()
	a.count++
	c, k := a.issue(&x509.Certificate{DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, a.root)
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// secret is the files of a new certificate.
func (a *authority) secret() map[string]string {
	certificate, key := a.pair()
	return map[string]string{"tls.crt": certificate, "tls.key": key}
}

// connecting asks on a new connection each time, and notes whose number the
// certificate of the last one has.
func (a *authority) connecting(p *process.Process, number *atomic.Int64, image string) ask {
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: roots,
		VerifyConnection: func(state tls.ConnectionState) error {
			number.Store(state.PeerCertificates[0].SerialNumber.Int64())
			return nil
		},
	}}}
	body := process.Pod(image)
	return func(ctx context.Context) (process.Answer, error) { return p.AskBy(ctx, client, body) }
}

// A Secret with the certificate is renewed under load. No handshake fails, and new
// connections are soon served the new one; a pair that does not fit changes nothing.
func TestCertificateRotation(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	ca := newAuthority(t)
	files := newMount(t, ca.secret())
	p := s.ready(process.Options{Config: heading + hook + policy, Args: []string{"--webhook-cert-path", files.dir}})
	var number atomic.Int64
	reviews := push(t, 2, ca.connecting(p, &number, s.uri(cleanImage)), wantAllowed)
	served := func(n int64) {
		t.Helper()
		began := time.Now()
		await(t, "a new certificate", func() bool { return number.Load() == n })
		note("certificate: from the symlink's swap to the first new connection with the new one", time.Since(began))
		reviews.more(t, 20)
	}
	served(1)
	files.swap(ca.secret())
	served(2)

	broken := ca.secret()
	broken["tls.key"] = ca.secret()["tls.key"] // number 4's
	files.swap(broken)
	await(t, "the pair to be refused", func() bool { return s.says(p, "certificate", "private key does not match") })
	reviews.more(t, 20)
	if number.Load() != 2 {
		t.Errorf("certificate %d is served, want the last good one", number.Load())
	}
	files.swap(ca.secret())
	served(5)
	reviews.wantRight(t)
}
