package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
	"github.com/ecr-gate/ecr-gate/test/process"
)

// freePort is an address that is the test's own until it ends.
func freePort(t *testing.T) string {
	t.Helper()
	port, release, err := process.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return net.JoinHostPort("127.0.0.1", port)
}

// buffer is a strings.Builder that a server may write to while a test reads.
type buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// serve takes jobs, shows its numbers, reloads its file, and ends with exit 0
// when it is told to.
func TestServe(t *testing.T) {
	aws := localAWS(t)
	if err := createActionType(t.Context(), aws.AWSConfig(), pipeline.ActionType{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "gate.yaml")
	write := func(high int) {
		text := fmt.Sprintf("apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\npipeline: {pollInterval: 1s}\n"+
			"policies:\n- name: dev\n  maxFindings: {CRITICAL: 5, HIGH: %d}\n", high)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(0)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	metrics, logs, ended := freePort(t), &buffer{}, make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--config", file, "--metrics-bind-address", metrics, "--health-probe-bind-address", freePort(t)},
			streams{in: strings.NewReader(""), out: io.Discard, err: logs})
	}()
	web := company(time.Now())[0]
	release := func() awslocal.StageExecution {
		deadline, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		e, err := aws.WaitExecution(deadline, aws.StartPipeline(web.build(aws, byWorker{}.action())))
		if err != nil {
			t.Fatalf("%v\n%s", err, logs)
		}
		return e.Stage("Scan")
	}
	if got := release(); got.FailureType != "JobFailed" || !strings.Contains(got.FailureMessage, "policy dev") {
		t.Errorf("%+v", got)
	}
	write(5)
	for limit := time.Now().Add(20 * time.Second); release().Status != awslocal.Succeeded; {
		if time.Now().After(limit) {
			t.Fatalf("the new configuration is not in force\n%s", logs)
		}
	}
	shown := get(t, "http://"+metrics+"/metrics")
	for _, want := range []string{
		`ecr_gate_verdicts_total{door="pipeline",outcome="Denied",policy="dev"}`,
		`ecr_gate_jobs_total{result="failed"}`,
		`ecr_gate_aws_requests_total{code="OK",operation="BatchGetImage",region="eu-west-1",service="ECR"}`,
		`ecr_gate_config_reload_success 1`,
		`ecr_gate_check_duration_seconds_count{door="pipeline"}`,
		`ecr_gate_exceptions{state="active"} 0`,
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("/metrics does not show %s", want)
		}
	}
	if strings.Contains(shown, "shop/web") || strings.Contains(shown, "sha256:") {
		t.Error("a metric names an image")
	}
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("exit %d\n%s", code, logs)
	}
	if !strings.Contains(logs.String(), `"msg":"verdict"`) {
		t.Errorf("no line for the verdict\n%s", logs)
	}
}

// A worker whose action type is not registered says the command that registers it:
// that one, and where it polls.
func TestServeWithoutItsActionType(t *testing.T) {
	localAWS(t)
	file := filepath.Join(t.TempDir(), "gate.yaml")
	text := "apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\naws: {region: eu-central-1}\npipeline: {actionType: {version: \"2\"}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	logs, ended := &buffer{}, make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--config", file, "--metrics-bind-address", "0", "--health-probe-bind-address", "0"},
			streams{in: strings.NewReader(""), out: io.Discard, err: logs})
	}()
	eventually(t, func() error {
		want := `"hint":"register the action type first: AWS_REGION=eu-central-1 ecr-gate action-type --register --config ` + file + `"`
		if !strings.Contains(logs.String(), want) {
			return fmt.Errorf("no %s\n%s", want, logs)
		}
		return nil
	})
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("exit %d\n%s", code, logs)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
