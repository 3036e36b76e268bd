package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	admissionv1 "k8s.io/api/admission/v1"
)

type probeFlags struct {
	url     string
	caFile  string
	timeout time.Duration
}

func newProbe(io streams) *cobra.Command {
	var flags probeFlags
	cmd := &cobra.Command{
		Use:   "probe --url=https://ecr-gate.NAMESPACE.svc/validate",
		Short: "Send the webhook one review, as the API server would",
		Long:  `Send the webhook one harmless review, a dry run, and see that it answers it. helm test does so, through the Service.`,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return probe(cmd.Context(), io, flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.url, "url", "", "the webhook's address (required)")
	f.StringVar(&flags.caFile, "ca-file", "", "CA certificates to trust, PEM (default: the system's)")
	f.DurationVar(&flags.timeout, "timeout", 10*time.Second, "how long to wait for the answer")
	return cmd
}

func probe(ctx context.Context, out streams, flags probeFlags) error {
	if flags.url == "" {
		return errors.New("probe needs --url: the webhook's address")
	}
	if flags.timeout <= 0 {
		return fmt.Errorf("--timeout %s: write a positive time, such as 10s", flags.timeout)
	}
	client, err := probeClient(flags.caFile)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, flags.timeout)
	defer cancel()
	response, err := sendReview(ctx, client, fmt.Sprintf("%s?timeout=%s", flags.url, flags.timeout), probeReview())
	if err != nil {
		return failed{fmt.Errorf("the webhook does not answer: %w; see that its pods are ready and that the CA is theirs", err)}
	}
	_, _ = fmt.Fprintln(out.out, "the webhook answers (refused or allowed does not matter here)")
	if response.Result != nil && response.Result.Message != "" {
		_, _ = fmt.Fprintln(out.out, response.Result.Message)
	}
	return nil
}

func probeClient(caFile string) (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile) //nolint:gosec // the user names it
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w; has the webhook made its certificate yet? see that its pods are ready", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca-file %s: holds no certificate", caFile)
		}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, Proxy: http.ProxyFromEnvironment}}, nil
}

// probeReview is a pod of an image that no registry has, in the one namespace that
// every cluster has; and a dry run, so nothing comes of it.
func probeReview() *admissionv1.AdmissionRequest {
	dryRun := true
	review := podReview("default", "probe", "probe.invalid/probe:1")
	review.DryRun = &dryRun
	return review
}
