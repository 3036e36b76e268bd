package e2e_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// ownCertificate is a platform team that makes certificates by itself. The gate then
// has no rights over Secrets.
func ownCertificate(t *testing.T, l *lab) {
	certificate, key := selfSigned(t, release+"."+releaseNamespace+".svc")
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "own-certificate"},
		Data:       map[string][]byte{"tls.crt": certificate, "tls.key": key, "ca.crt": certificate},
	}
	if _, err := l.Client.CoreV1().Secrets(releaseNamespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	before := l.gatePods(t)
	l.upgrade(t, map[string]any{"certs": map[string]any{
		"mode": "existing", "existing": map[string]any{"secretName": secret.Name, "caBundle": string(certificate)},
	}}, "--force-conflicts") // over the CA bundle that the gate put in until now
	for _, pod := range before { // they serve what is not trusted any more
		l.gone(t, pod.Namespace, pod.Name)
	}
	l.answers(t)
	l.helm(t, "test", release, "--namespace="+releaseNamespace, "--timeout=60s").ok(t)
	l.kubectl(t, "auth", "can-i", "list", "secrets", "--namespace="+releaseNamespace,
		"--as=system:serviceaccount:"+releaseNamespace+":"+release).refused(t, "no")
}

func selfSigned(t *testing.T, name string) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// pipelineAlone is a release that takes jobs of CodePipeline only: it needs nothing
// of the cluster, and gets nothing.
func pipelineAlone(t *testing.T, l *lab) {
	const name = "jobs"
	values := l.valuesFile(t, map[string]any{
		"fullnameOverride": name,
		"config":           map[string]any{"webhook": nil, "pipeline": map[string]any{"pollInterval": "1s"}},
	})
	l.helm(t, "install", name, chart, "--namespace="+name, "--create-namespace", "--values="+values, "--wait", "--timeout=90s").ok(t).
		told(t, "Jobs of CodePipeline are taken")
	// As NOTES.txt says, once for each account and Region.
	l.command(t, "", l.bed.gate(), "action-type", "--register").ok(t)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for ware, status := range map[*ware]string{&bad: awslocal.Failed, &clean: awslocal.Succeeded} {
		id := l.aws.StartPipeline(awslocal.Pipeline{Name: strings.ReplaceAll(ware.repository, "/", "-"), Stages: []awslocal.Stage{{
			Name: "Scan", Action: awslocal.Action{Provider: "EcrGate", Configuration: map[string]string{"Image": ware.name()}},
		}}})
		execution, err := l.aws.WaitExecution(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		stage := execution.Stage("Scan")
		if execution.Status != status || (status == awslocal.Failed && !strings.Contains(stage.FailureMessage, l.sentence(t, *ware))) {
			t.Errorf("the pipeline of %s is %s: %s%s", ware.name(), execution.Status, stage.Summary, stage.FailureMessage)
		}
	}
	user := "system:serviceaccount:" + name + ":" + name
	if asked := l.auditEntries(t, func(e auditEntry) bool { return e.User.Username == user }); len(asked) > 0 {
		t.Errorf("it sent the API server %d requests, the first: %s %s", len(asked), asked[0].Verb, asked[0].URI)
	}
	l.kubectl(t, "run", "free", "--namespace=dev", "--image="+bad.name(), "--image-pull-policy=Never").ok(t)
	l.helm(t, "uninstall", name, "--namespace="+name, "--wait", "--timeout=90s").ok(t)
}
