package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// service looks at the Service, who answers behind it, and whether a review does
// reach them.
func (e *Examination) service(ctx context.Context) {
	check := "Service " + e.Name
	call, cancel := e.ask(ctx)
	defer cancel()
	_, err := e.clients.core.Services(e.Namespace).Get(call, e.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		e.sheet.Fault(check, "it is not there in namespace "+e.Namespace+", so no review can reach the gate", "helm upgrade makes it anew")
		return
	case err != nil:
		e.unanswered(check, err, "get services in namespace "+e.Namespace)
		if e.InPod { // there the Service is reached without a right to look at it
			e.review(ctx)
		}
		return
	}
	if e.endpoints(ctx, check) {
		e.review(ctx)
	}
}

// endpoints counts who is ready behind the Service. False: nobody is.
func (e *Examination) endpoints(ctx context.Context, check string) bool {
	ctx, cancel := e.ask(ctx)
	defer cancel()
	slices, err := e.clients.discovery.EndpointSlices(e.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + e.Name, Limit: listed,
	})
	if err != nil {
		e.unanswered(check, err, "list endpointslices in namespace "+e.Namespace)
		return true
	}
	ready, others := 0, 0
	for i := range slices.Items {
		for j := range slices.Items[i].Endpoints {
			if up := slices.Items[i].Endpoints[j].Conditions.Ready; up == nil || *up {
				ready++
			} else {
				others++
			}
		}
	}
	switch ready {
	case 0:
		e.sheet.Fault(check, fmt.Sprintf("no replica is ready (%d are not), so no review is answered", others),
			"see why: kubectl -n "+e.Namespace+" describe pods -l app.kubernetes.io/component=gate\nand docs/runbook.md, EcrGateDown")
	case 1:
		e.sheet.Warning(check, "one replica is ready: when its node goes, pods are refused until it is back", "Helm value replicaCount: 2")
	default:
		e.sheet.OK(check, fmt.Sprintf("%d replicas are ready", ready))
	}
	return ready > 0
}

// review sends one, by the way that is open from here: past the Service's name in the
// cluster, else through the API server, which reaches the pods as it does for its own
// reviews.
func (e *Examination) review(ctx context.Context) {
	const check = "review"
	url, reach := e.way()
	ctx, cancel := e.ask(ctx)
	defer cancel()
	heard := &heard{next: reach}
	err := e.Review(ctx, &http.Client{Transport: heard}, url)
	switch {
	case err == nil:
		e.sheet.OK(check, "the gate answers one sent "+e.by())
	case heard.status == http.StatusForbidden, heard.status == http.StatusUnauthorized:
		e.sheet.Unknown(check, "the API server does not hand one on for us: "+heard.words, "run doctor as somebody who may create services/proxy in namespace "+e.Namespace+", or run helm test")
	default:
		found := err.Error()
		if heard.words != "" {
			found += ": " + heard.words
		}
		e.sheet.Fault(check, "one sent "+e.by()+" was not answered: "+found,
			"let the control plane reach the nodes on TCP 9443 (node security group), or with a CNI of your own set the Helm value hostNetwork: true;\nif helm test passes it is that")
	}
}

func (e *Examination) by() string {
	if e.InPod {
		return "to the Service"
	}
	return "through the API server"
}

// way is where to send a review, and by what.
func (e *Examination) way() (string, http.RoundTripper) {
	if e.InPod {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(e.config.Webhooks[0].ClientConfig.CABundle)
		direct := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
		return "https://" + dnsName(e.Name, e.Namespace) + Path, direct
	}
	url := e.clients.core.RESTClient().Post().Namespace(e.Namespace).Resource("services").
		Name("https:" + e.Name + ":443").SubResource("proxy").Suffix(strings.TrimPrefix(Path, "/")).URL()
	return url.String(), e.clients.reach
}

// heard remembers how the last answer was refused: the API server says in it why it
// could not hand a review on.
type heard struct {
	next   http.RoundTripper
	status int
	words  string
}

// RoundTrip implements http.RoundTripper.
func (h *heard) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := h.next.RoundTrip(r)
	if err != nil || response.StatusCode == http.StatusOK {
		return response, err
	}
	h.status = response.StatusCode
	raw, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return response, nil //nolint:nilerr // the status tells enough, and the body is the reader's next
	}
	var status metav1.Status
	if json.Unmarshal(raw, &status) == nil && status.Message != "" {
		h.words = status.Message
	} else {
		h.words = strings.TrimSpace(string(raw))
	}
	return response, nil
}
