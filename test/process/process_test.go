package process_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/process"
)

const config = `apiVersion: ecr-gate.dev/v1alpha1
kind: Config
webhook: {namespaceLabels: false}
pipeline: {pollInterval: 1s}
policies:
- name: dev
  maxFindings: {CRITICAL: 0}
`

// binary is built once for all tests.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ecr-gate-process-test-")
	if err == nil {
		defer os.RemoveAll(dir) //nolint:errcheck // a binary that is made again
		binary, err = process.Build{}.Make(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func TestProcess(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	put := func(name string, findings ...awslocal.Finding) string {
		aws.PutImage(awslocal.Image{Repository: name, Tags: []string{"1"}, Scans: []awslocal.Scan{{
			Status: "COMPLETE", CompletedAt: time.Now().Add(-time.Hour), Findings: append([]awslocal.Finding{}, findings...),
		}}})
		return aws.RegistryHost() + "/" + name + ":1"
	}
	clean, bad := put("clean"), put("bad", awslocal.Finding{Name: "CVE-2026-1", Severity: "CRITICAL", Package: "openssl", Version: "3"})
	p, err := process.Start(ctx, process.Options{Binary: binary, Config: config, Env: aws.Environment()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := p.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	if a, err := p.Review(ctx, clean); err != nil || !a.Allowed {
		t.Errorf("a clean image: %+v, %v", a, err)
	}
	if a, err := p.Review(ctx, clean, bad); err != nil || a.Allowed || !strings.HasPrefix(a.Message, "image not allowed: ") {
		t.Errorf("a vulnerable image: %+v, %v", a, err)
	}
	m, err := p.Metrics(ctx)
	if err != nil || m.Goroutines() == 0 || m.Sum("ecr_gate_verdicts_total") != 3 {
		t.Errorf("metrics: %v, %v", m, err)
	}
	// A renewed certificate is served, and trusted, with no word about it.
	if err := p.RenewCertificate(); err != nil {
		t.Fatal(err)
	}
	p.CloseIdle()
	if _, err := p.Review(ctx, clean); err != nil {
		t.Error(err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(ctx); code != 0 || err != nil {
		t.Errorf("exit %d, %v", code, err)
	}
	if lines := strings.Join(p.Lines(), "\n"); !strings.Contains(lines, `"msg":"verdict"`) {
		t.Errorf("its log: %s", lines)
	}
}

// What is wrong with the file is in the error, not only in a log nobody looks at.
func TestNotReady(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p, err := process.Start(ctx, process.Options{Binary: binary, Config: "kind: Confg\n"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Ready(ctx); err == nil || !strings.Contains(err.Error(), "Confg") {
		t.Errorf("got %v", err)
	}
	if code, err := p.Wait(ctx); code != 2 || err != nil {
		t.Errorf("exit %d, %v", code, err)
	}
}
