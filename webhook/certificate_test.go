package webhook

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// authority is a CA, or an intermediate one.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// issued is a serving certificate with its key.
type issued struct{ cert, key []byte }

const testName = "ecr-gate.gate.svc"

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) (*x509.Certificate, []byte) {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func newAuthority(t testing.TB, name string, parent *authority) *authority {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	a := &authority{key: newKey(t)}
	if parent == nil {
		a.cert, a.pem = sign(t, template, template, a.key, a.key)
	} else {
		a.cert, a.pem = sign(t, template, parent.cert, a.key, parent.key)
	}
	return a
}

func (a *authority) issue(t testing.TB, edit func(*x509.Certificate)) issued {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "web"}, DNSNames: []string{testName},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if edit != nil {
		edit(template)
	}
	key := newKey(t)
	_, cert := sign(t, template, a.cert, key, a.key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return issued{cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}
}

// bundled is a webhook configuration with a webhook for each CA bundle.
func bundled(bundles ...[]byte) *admissionregistrationv1.ValidatingWebhookConfiguration {
	config := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "ecr-gate"}}
	for i, bundle := range bundles {
		config.Webhooks = append(config.Webhooks, admissionregistrationv1.ValidatingWebhook{
			Name: string(rune('a'+i)) + ".ecr-gate.dev", ClientConfig: admissionregistrationv1.WebhookClientConfig{CABundle: bundle},
		})
	}
	return config
}

// The certificate has to verify, for the Service's name, against the bundle of every
// webhook: as the API server will.
func TestTrusted(t *testing.T) {
	ca, other := newAuthority(t, "ca", nil), newAuthority(t, "ca", nil)
	middle := newAuthority(t, "middle", ca)
	good, below := ca.issue(t, nil), middle.issue(t, nil)
	both := append(bytes.Clone(other.pem), ca.pem...)
	now := time.Now()
	for name, c := range map[string]struct {
		chain  []byte
		config *admissionregistrationv1.ValidatingWebhookConfiguration
		now    time.Time
		want   string // in the error; empty: none
	}{
		"trusted":                     {good.cert, bundled(ca.pem), now, ""},
		"by every webhook":            {good.cert, bundled(ca.pem, both, ca.pem), now, ""},
		"with an intermediate":        {append(bytes.Clone(below.cert), middle.pem...), bundled(ca.pem), now, ""},
		"the key beside it":           {append(bytes.Clone(good.key), good.cert...), bundled(ca.pem), now, ""},
		"an intermediate missing":     {below.cert, bundled(ca.pem), now, "webhook a.ecr-gate.dev"},
		"one webhook has another CA":  {good.cert, bundled(ca.pem, other.pem), now, "webhook b.ecr-gate.dev"},
		"the first has":               {good.cert, bundled(other.pem, ca.pem), now, "webhook a.ecr-gate.dev"},
		"one webhook has no bundle":   {good.cert, bundled(ca.pem, nil), now, "webhook b.ecr-gate.dev has no CA bundle yet"},
		"a bundle that is none":       {good.cert, bundled([]byte("Cg==")), now, "has no CA bundle yet"},
		"no webhooks":                 {good.cert, bundled(), now, "has no webhooks"},
		"of another name":             {ca.issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"ecr-gate.other.svc"} }).cert, bundled(ca.pem), now, "ecr-gate.gate.svc"},
		"for clients only":            {ca.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }).cert, bundled(ca.pem), now, "does not verify"},
		"expired":                     {good.cert, bundled(ca.pem), now.Add(2 * time.Hour), "does not verify"},
		"of the future":               {good.cert, bundled(ca.pem), now.Add(-2 * time.Hour), "does not verify"},
		"no certificate":              {nil, bundled(ca.pem), now, "cannot be read"},
		"the bundle holds itself too": {good.cert, bundled(append(bytes.Clone(good.cert), other.pem...)), now, ""}, // pinned
	} {
		t.Run(name, func(t *testing.T) {
			err := trusted(c.chain, testName, c.config, c.now)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestParseChain(t *testing.T) {
	ca := newAuthority(t, "ca", nil)
	good := ca.issue(t, nil)
	leaf, _, err := parseChain(append(append([]byte("# a comment\n"), good.cert...), ca.pem...))
	if err != nil || leaf.Subject.CommonName != "web" {
		t.Errorf("the first is not the leaf: %v %v", leaf, err)
	}
	for name, raw := range map[string][]byte{
		"empty": nil, "no PEM": []byte("x"), "a key only": good.key,
		"no certificate": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}),
		"the second":     append(bytes.Clone(good.cert), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})...),
	} {
		if _, _, err := parseChain(raw); err == nil {
			t.Errorf("%s is a certificate", name)
		}
	}
}

func TestWritePair(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t, "ca", nil)
	for range 2 { // the second takes the place of the first
		good := ca.issue(t, nil)
		if err := writePair(dir, good.cert, good.key); err != nil {
			t.Fatal(err)
		}
		cert, err := os.ReadFile(filepath.Join(dir, "tls.crt"))
		if err != nil || !bytes.Equal(cert, good.cert) {
			t.Errorf("tls.crt: %v", err)
		}
		key, err := os.ReadFile(filepath.Join(dir, "tls.key"))
		if err != nil || !validPair(cert, key) {
			t.Errorf("tls.key: %v", err)
		}
		info, err := os.Stat(filepath.Join(dir, "tls.key"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("others may read the key: %v %v", info.Mode(), err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v %v", left, err)
	}
	good := ca.issue(t, nil)
	if err := writePair(filepath.Join(dir, "nowhere"), good.cert, good.key); err == nil {
		t.Error("written into a folder that is not there")
	}
	if validPair(good.cert, ca.issue(t, nil).key) || validPair(nil, nil) {
		t.Error("a key of another certificate is a pair")
	}
}

// runDoor runs a door until its port answers; stop ends it.
func runDoor(t *testing.T, d *Door) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	logged := make(lines, 8)
	d.Host, d.Log = "127.0.0.1", slog.New(slog.NewTextHandler(logged, nil))
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	select {
	case <-logged: // "answering reviews"
	case err := <-ended:
		t.Fatal(err)
	}
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// lines passes on what is logged, while there is room.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default:
	}
	return len(p), nil
}

func TestDoorOfAFolder(t *testing.T) {
	dir := t.TempDir()
	d := &Door{CertDir: dir}
	if err := d.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Ready(t.Context()); err == nil || !d.CertificateExpiry().IsZero() {
		t.Errorf("ready without a certificate: %v, until %s", err, d.CertificateExpiry())
	}
	good := newAuthority(t, "ca", nil).issue(t, nil)
	if err := writePair(dir, good.cert, good.key); err != nil {
		t.Fatal(err)
	}
	if err := d.Ready(t.Context()); err == nil {
		t.Error("ready before anybody listens")
	}
	stop := runDoor(t, d)
	if err := d.Ready(t.Context()); err != nil || time.Until(d.CertificateExpiry()) <= 0 {
		t.Errorf("not ready: %v, until %s", err, d.CertificateExpiry())
	}
	stop()
	if err := d.Ready(t.Context()); err == nil || !d.CertificateExpiry().IsZero() {
		t.Errorf("ready though nobody listens any more: %v", err)
	}
}

// What counts is the certificate that is served, not what lies in the folder: a file
// that cannot be read, or one without its key, changes nothing for the API server.
func TestTheServedCertificateCounts(t *testing.T) {
	dir, ca := t.TempDir(), newAuthority(t, "ca", nil)
	first := ca.issue(t, nil)
	longer := func(c *x509.Certificate) { c.NotAfter = c.NotAfter.Add(time.Hour) }
	second := ca.issue(t, longer)
	if err := writePair(dir, first.cert, first.key); err != nil {
		t.Fatal(err)
	}
	d := &Door{CertDir: dir}
	if err := d.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop := runDoor(t, d)
	defer stop()
	for name, file := range map[string][]byte{"no certificate": []byte("x"), "another one, without its key": second.cert} {
		if err := os.WriteFile(filepath.Join(dir, certFile), file, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := d.Ready(t.Context()); err != nil {
			t.Errorf("%s in the folder: not ready: %v", name, err)
		}
		if got, want := d.CertificateExpiry(), endOf(t, first); !got.Equal(want) {
			t.Errorf("%s in the folder: until %s, and until %s is served", name, got, want)
		}
	}
	until := func(pair issued) { // that it is served
		t.Helper()
		if err := writePair(dir, pair.cert, pair.key); err != nil {
			t.Fatal(err)
		}
		want := endOf(t, pair)
		limit, tick := time.After(30*time.Second), time.NewTicker(10*time.Millisecond)
		defer tick.Stop()
		for !d.CertificateExpiry().Equal(want) {
			select {
			case <-limit:
				t.Fatalf("a new pair is in the folder, and the end shown is %s, not %s", d.CertificateExpiry(), want)
			case <-tick.C:
			}
		}
	}
	until(second)
	if err := d.Ready(t.Context()); err != nil {
		t.Errorf("not ready with the new pair: %v", err)
	}
	until(ca.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }))
	if err := d.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("ready with a certificate that nobody trusts: %v", err)
	}
}

func endOf(t *testing.T, pair issued) time.Time {
	t.Helper()
	leaf, _, err := parseChain(pair.cert)
	if err != nil {
		t.Fatal(err)
	}
	return leaf.NotAfter
}
