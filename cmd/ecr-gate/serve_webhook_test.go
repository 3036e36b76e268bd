package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// eventually wants a condition to come true within half a minute.
func eventually(t *testing.T, condition func() error) {
	t.Helper()
	limit, tick := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-limit:
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

// certificateFolder holds a certificate for localhost, and ca.crt to trust it by.
func certificateFolder(t *testing.T) string {
	t.Helper()
	certificate, _, err := selfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]},
		"ca.crt":  {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]},
		"tls.key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// localAWS is an AWS that the process's environment leads to.
func localAWS(t *testing.T) *awslocal.Server {
	t.Helper()
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	for _, variable := range aws.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	return aws
}

// serving runs `serve` with an AWS of its own until the test ends.
type serving struct {
	aws             *awslocal.Server
	url             string // of the webhook
	metrics, probes string
	logs            *buffer
	stop            func() int
}

func startServe(t *testing.T, file, certificates string) *serving {
	t.Helper()
	aws := localAWS(t)
	hook := freePort(t)
	_, port, err := net.SplitHostPort(hook)
	if err != nil {
		t.Fatal(err)
	}
	s := &serving{aws: aws, url: "https://localhost:" + port + "/validate", metrics: freePort(t), probes: freePort(t), logs: &buffer{}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{
			"serve", "--config", file, "--webhook-port", port, "--webhook-cert-path", certificates,
			"--metrics-bind-address", s.metrics, "--health-probe-bind-address", s.probes,
		}, streams{in: strings.NewReader(""), out: io.Discard, err: s.logs})
	}()
	code := -1
	s.stop = func() int {
		cancel()
		if code < 0 {
			code = <-ended
		}
		return code
	}
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *serving) ready() error {
	response, err := http.Get("http://" + s.probes + "/readyz")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("not ready: %s", text)
	}
	return nil
}

// With a folder of certificates and no namespace watched, the webhook needs no
// cluster at all; the configuration is followed, and the numbers are shown.
func TestServeWebhookWithoutCluster(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	certificates, file := certificateFolder(t), filepath.Join(t.TempDir(), "gate.yaml")
	write := func(limit int) {
		text := fmt.Sprintf("apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\nwebhook: {namespaceLabels: false}\n"+
			"policies:\n- name: dev\n  exploitable: ignore\n  maxFindings: {CRITICAL: %d}\n", limit)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(0)
	s := startServe(t, file, certificates)
	eventually(t, s.ready)
	s.aws.PutImage(hotfix(time.Now()).image)
	client, err := probeClient(filepath.Join(certificates, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	asked := 0
	ask := func() error {
		asked++
		answer, err := sendReview(t.Context(), client, s.url, podReview("anywhere", "web", s.aws.RegistryHost()+"/shop/hotfix:1.4"))
		if err != nil {
			return err
		}
		if !answer.Allowed {
			return errors.New(answer.Result.Message)
		}
		return nil
	}
	begun := get(t, "http://"+s.metrics+"/metrics")
	for _, want := range []string{
		`ecr_gate_reviews_refused_total{reason="too_many_images"} 0`,
		`ecr_gate_reviews_refused_total{reason="connections"} 0`,
		`ecr_gate_review_duration_seconds_bucket{le="7.5"} 0`,
		`ecr_gate_review_duration_seconds_count 0`,
	} {
		if !strings.Contains(begun, want) {
			t.Errorf("before the first review /metrics does not show %s", want)
		}
	}
	if err := ask(); err == nil || !strings.HasPrefix(err.Error(), "image not allowed: ") {
		t.Errorf("got %v", err)
	}
	write(5)
	eventually(t, ask)
	empty := podReview("anywhere", "web", "x")
	empty.Object.Raw = []byte(`{"spec":{}}`)
	if answer, err := sendReview(t.Context(), client, s.url, empty); err != nil || answer.Allowed {
		t.Errorf("a pod without containers: %+v, %v", answer, err)
	}
	asked++
	shown := get(t, "http://"+s.metrics+"/metrics")
	for _, want := range []string{
		`ecr_gate_verdicts_total{door="webhook",outcome="Denied",policy="dev"}`,
		`ecr_gate_scan_cache_total{result="miss"} 2`,
		`ecr_gate_scan_cache_total{result="stale"} 0`,
		`ecr_gate_reviews_refused_total{reason="unreadable"} 1`,
		`ecr_gate_reviews_refused_total{reason="overload"} 0`,
		`ecr_gate_certificate_expiry_timestamp_seconds 1.`,
		fmt.Sprintf("ecr_gate_review_duration_seconds_count %d\n", asked),
		`controller_runtime_webhook_requests_total{code="200",webhook="/validate"}`,
		`go_goroutines`,
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("/metrics does not show %s", want)
		}
	}
	// A mistake is told, and that it was taken back too.
	if err := os.WriteFile(file, []byte("kind: Confg\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	reloaded := func(want string) func() error {
		return func() error {
			if !strings.Contains(get(t, "http://"+s.metrics+"/metrics"), "ecr_gate_config_reload_success "+want) {
				return fmt.Errorf("ecr_gate_config_reload_success is not %s", want)
			}
			return nil
		}
	}
	eventually(t, reloaded("0"))
	write(5)
	eventually(t, reloaded("1"))
	// A door that the file opens later stays shut, and that is told.
	more, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(more, "pipeline: {}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if !strings.Contains(s.logs.String(), `"changed":["pipeline"]`) {
			return errors.New("nobody says that a restart is needed")
		}
		return nil
	})
	if code := s.stop(); code != exitOK {
		t.Errorf("exit %d\n%s", code, s.logs)
	}
	if !strings.Contains(s.logs.String(), `"door":"webhook"`) {
		t.Errorf("no line for the verdict\n%s", s.logs)
	}
}

// What was asked about in a probe leaves no number, and one that gets no answer
// says so.
func TestProbe(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	certificates, file := certificateFolder(t), filepath.Join(t.TempDir(), "gate.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\nwebhook: {namespaceLabels: false}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServe(t, file, certificates)
	eventually(t, s.ready)
	probe := func(args ...string) (int, string) {
		var out buffer
		code := run(t.Context(), append([]string{"probe"}, args...), streams{in: strings.NewReader(""), out: &out, err: &out})
		return code, out.String()
	}
	ca := filepath.Join(certificates, "ca.crt")
	for name, c := range map[string]struct {
		args []string
		code int
		text string
	}{
		"answered":    {[]string{"--url", s.url, "--ca-file", ca}, exitOK, "the webhook answers (refused or allowed does not matter here)"},
		"not trusted": {[]string{"--url", s.url}, exitNoAnswer, "the webhook does not answer"},
		"wrong path":  {[]string{"--url", s.url + "/no", "--ca-file", ca}, exitNoAnswer, "HTTP 404"},
		"no url":      {nil, exitUsage, "probe needs --url"},
		"no CA":       {[]string{"--url", s.url, "--ca-file", file}, exitUsage, "holds no certificate"},
		"no time":     {[]string{"--url", s.url, "--timeout", "0s"}, exitUsage, "write a positive time"},
	} {
		if code, text := probe(c.args...); code != c.code || !strings.Contains(text, c.text) {
			t.Errorf("%s: exit %d: %s", name, code, text)
		}
	}
	if strings.Contains(get(t, "http://"+s.metrics+"/metrics"), "ecr_gate_verdicts_total{") {
		t.Error("a dry run is counted")
	}
}
