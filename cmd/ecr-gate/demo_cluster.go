package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// admit is the second half: the webhook answers, over TLS, the pods of the same
// images, and of one that was pushed past the pipelines.
func (s *stage) admit(ctx context.Context, aws *awslocal.Server, judge *gate.Gate, products []product, ended []awslocal.Execution) error {
	late := hotfix(time.Now())
	aws.PutImage(late.image)
	cluster, err := openCluster(ctx, judge)
	if err != nil {
		return err
	}
	defer cluster.close()
	s.say("%s", s.paint("1", "The cluster: pods of the same images, in namespace dev"))
	s.say("the API server asks the webhook at %s\n", cluster.url)
	s.say("%s", s.paint("2", fmt.Sprintf("%-*s  %-22s  %s", s.width, "", "pipeline", "cluster")))
	var refused *admissionv1.AdmissionResponse
	for i, p := range append(products, late) {
		said := "never asked"
		if i < len(ended) {
			said = "deployed"
			if ended[i].Status != awslocal.Succeeded {
				said = ended[i].Stage("Scan").FailureType
			}
		}
		answer, err := cluster.run(ctx, p.name, aws.RegistryHost()+"/shop/"+p.name+":1.4")
		if err != nil {
			return fmt.Errorf("the webhook does not answer for %s: %w", p.name, err)
		}
		s.say("%s  %-22s  %s", s.paint("1", fmt.Sprintf("%-*s", s.width, p.name)), said, s.answered(answer))
		if !answer.Allowed {
			refused = answer
		}
	}
	if refused != nil {
		s.say("\n%s\n", s.paint("1", "What the person at kubectl reads, of "+late.name+", "+late.about))
		s.say("%s", `Error from server (Forbidden): admission webhook "pods.ecr-gate.dev" denied the request: `+refused.Result.Message+"\n")
	}
	return nil
}

// answered is the webhook's answer in one line.
func (s *stage) answered(r *admissionv1.AdmissionResponse) string {
	if r.Allowed {
		return s.paint("32", "admitted")
	}
	what, _, _ := strings.Cut(r.Result.Message, ":")
	return s.paint("31", "refused") + ": " + what
}

// demoCluster is what of a cluster the demo needs: a webhook, and an API server's
// client to ask it.
type demoCluster struct {
	server *http.Server
	client *http.Client
	url    string
	ended  chan error
}

// openCluster serves the webhook as `serve` does, on a port of this machine.
func openCluster(ctx context.Context, judge *gate.Gate) (*demoCluster, error) {
	certificate, roots, err := selfSigned("localhost", time.Now())
	if err != nil {
		return nil, err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		return nil, err
	}
	handler := &webhook.Handler{
		Gate: judge, Settings: func() webhook.Settings { return webhook.Settings{Policies: judge.PolicyNames()} },
		Log: slog.New(slog.DiscardHandler),
	}
	mux := http.NewServeMux()
	mux.Handle(webhook.Path, webhook.NewEndpoint(handler, logr.Discard()))
	c := &demoCluster{
		server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second},
		client: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12},
		}},
		url:   "https://" + listener.Addr().String() + webhook.Path,
		ended: make(chan error, 1),
	}
	go func() { c.ended <- c.server.Serve(listener) }()
	return c, ctx.Err()
}

// run asks whether a pod of this image may run.
func (c *demoCluster) run(ctx context.Context, name, image string) (*admissionv1.AdmissionResponse, error) {
	return sendReview(ctx, c.client, c.url+"?timeout=10s", podReview("dev", name, image))
}

func (c *demoCluster) close() {
	c.client.CloseIdleConnections()
	err := c.server.Close()
	if served := <-c.ended; !errors.Is(served, http.ErrServerClosed) || err != nil {
		return // the demo is over
	}
}

// selfSigned is a certificate for a day, and the pool that trusts it.
func selfSigned(name string, now time.Time) (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, roots, nil
}
