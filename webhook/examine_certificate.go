package webhook

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// soonExpiring is when a certificate should long have been renewed: the chart's alert
// fires then too. Own ones are renewed 90 days before their end.
const soonExpiring = 21 * 24 * time.Hour

// certificate looks at the certificate that replicas serve, and whether the API
// server trusts it.
func (e *Examination) certificate(ctx context.Context) {
	secret, ok := e.secret(ctx)
	if !ok {
		return
	}
	check := "certificate in Secret " + secret.Name
	chain := secret.Data[certFile]
	leaf, _, err := parseChain(chain)
	if err != nil {
		e.sheet.Fault(check, "there is none to read: "+err.Error(), e.renewal(secret.Name))
		return
	}
	if !validPair(chain, secret.Data[keyFile]) {
		e.sheet.Fault(check, "certificate and key do not belong together", e.renewal(secret.Name))
		return
	}
	e.age(check, secret.Name, leaf.NotBefore, leaf.NotAfter)
	if err := trusted(chain, dnsName(e.Name, e.Namespace), e.config, e.Now()); err != nil {
		e.sheet.Fault("CA bundle", err.Error()+"; reviews fail with x509 errors", e.trust(secret.Name))
		return
	}
	e.sheet.OK("CA bundle", "that of each webhook verifies the certificate for "+dnsName(e.Name, e.Namespace))
}

func (e *Examination) age(check, secret string, from, until time.Time) {
	left := until.Sub(e.Now())
	day := 24 * time.Hour
	switch {
	case e.Now().Before(from):
		e.sheet.Fault(check, "it is not valid before "+from.UTC().Format(time.RFC3339), "see that the clocks of this machine and of the nodes are right")
	case left <= 0:
		e.sheet.Fault(check, fmt.Sprintf("it expired %d days ago", -left/day), e.renewal(secret))
	case left < soonExpiring:
		e.sheet.Warning(check, fmt.Sprintf("%d days left, and it should have been renewed before", left/day), e.renewal(secret))
	default:
		e.sheet.OK(check, fmt.Sprintf("%d days left", left/day))
	}
}

// secret reads the Secret that the certificate is in: the Deployment tells where
// somebody else brings it.
func (e *Examination) secret(ctx context.Context) (*corev1.Secret, bool) {
	name := e.mounted(ctx)
	if name == "" {
		name = secretName(e.Name)
	}
	check := "certificate in Secret " + name
	ctx, cancel := e.ask(ctx)
	defer cancel()
	secret, err := e.clients.core.Secrets(e.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		e.sheet.Fault(check, "there is no such Secret in namespace "+e.Namespace, "helm upgrade makes it anew, and the gate fills it; with certs.mode existing you have to")
		return nil, false
	case err != nil:
		e.unanswered(check, err, "get secrets in namespace "+e.Namespace)
		return nil, false
	}
	return secret, true
}

// mounted is the Secret that the Deployment mounts as its certificate; empty: none,
// or nobody says.
func (e *Examination) mounted(ctx context.Context) string {
	ctx, cancel := e.ask(ctx)
	defer cancel()
	deployment, err := e.clients.apps.Deployments(e.Namespace).Get(ctx, e.Name, metav1.GetOptions{})
	if err != nil {
		return ""
	}
	for _, v := range deployment.Spec.Template.Spec.Volumes {
		if v.Name == "cert" && v.Secret != nil {
			return v.Secret.SecretName
		}
	}
	return ""
}

// renewal is how to get a new certificate, for each of the chart's modes.
func (e *Examination) renewal(secret string) string {
	return "certs.mode self, made anew in seconds: kubectl -n " + e.Namespace + " patch secret " + secret + ` --type=merge -p '{"data":null}'` + "\n" +
		"certs.mode certManager: kubectl -n " + e.Namespace + " describe certificate " + secret + " says why there is none\n" +
		"certs.mode existing: put a new tls.crt and tls.key into it"
}

func (e *Examination) trust(secret string) string {
	return "certs.mode self: kubectl -n " + e.Namespace + " logs -l app.kubernetes.io/component=gate | grep -E 'webhook config|forbidden' says why the bundle is not kept; helm upgrade puts its rights back\n" +
		"certs.mode certManager: kubectl -n cert-manager logs deploy/cert-manager-cainjector\n" +
		"certs.mode existing: Helm value certs.existing.caBundle is to be the CA that signed Secret " + secret
}
