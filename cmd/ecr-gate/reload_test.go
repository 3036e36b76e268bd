package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// loaded is a configuration with the pipeline's door and what else the text says.
func loaded(t *testing.T, text string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ecr-gate.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\npipeline: {}\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// numbers are what /metrics shows.
func numbers(t *testing.T, m *metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// The webhook's block goes away while the webhook runs on: it judges by the new
// policies all the same, and not by a gate whose cache is closed.
func TestReloadWithoutWebhook(t *testing.T) {
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	for repository, findings := range map[string][]awslocal.Finding{"clean": {}, "bad": {{Name: "CVE-2026-1", Severity: "MEDIUM"}}} {
		aws.PutImage(awslocal.Image{Repository: repository, Tags: []string{"1"}, Scans: []awslocal.Scan{{
			Status: "COMPLETE", CompletedAt: time.Now().Add(-time.Hour), Findings: findings,
		}}})
	}
	load := func(text string) *config.Config { return loaded(t, text) }
	d := newDoors(newMetrics(), slog.New(slog.DiscardHandler), aws.AWSConfig(), time.Now)
	t.Cleanup(d.close)
	d.use(load("webhook: {namespaceLabels: false}\n"))
	d.use(load("policies: [{name: strict, maxFindings: {CRITICAL: 0, HIGH: 0, MEDIUM: 0}}]\naws: {registries: [{account: \"" + aws.RegistryHost()[:12] + "\"}]}\n"))
	for _, retire := range d.retired {
		retire() // as two minutes later
	}
	for repository, want := range map[string]gate.Outcome{"clean": gate.Allowed, "bad": gate.Denied} {
		v := d.settings.Load().Gate.Check(t.Context(), gate.Request{Image: aws.RegistryHost() + "/" + repository + ":1"})
		if v.Outcome != want || v.Policy != "strict" {
			t.Errorf("%s: %s by policy %s", repository, v.Outcome, v.Policy)
		}
	}
}

// The block goes away together with the policy that it named: every pod would be
// refused for want of it, so it is the new version that is.
func TestReloadWithoutWebhookAndItsPolicy(t *testing.T) {
	const dev, other = "policies: [{name: dev, maxFindings: {CRITICAL: 0}}]\n", "policies: [{name: other, maxFindings: {CRITICAL: 0}}]\n"
	for key, block := range map[string]string{
		"enforce": "webhook: {enforce: dev}\n", "warn": "webhook: {warn: dev}\n", "audit": "webhook: {enforce: none, audit: dev}\n",
	} {
		t.Run(key, func(t *testing.T) {
			var log bytes.Buffer
			d := newDoors(newMetrics(), slog.New(slog.NewJSONHandler(&log, nil)), aws.Config{Region: "eu-west-1"}, time.Now)
			t.Cleanup(d.close)
			d.use(loaded(t, dev+block))
			before := d.settings.Load()
			d.use(loaded(t, other))
			if d.settings.Load() != before || !slices.Equal(d.gate.Load().PolicyNames(), []string{"dev", "built-in"}) || !strings.Contains(numbers(t, d.metrics), "ecr_gate_config_reload_success 0\n") {
				t.Errorf("the new version is in force: policies %q", d.gate.Load().PolicyNames())
			}
			if want := "its " + key + " names policy dev, which is gone; put the policy back"; !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q: %s", want, &log)
			}
			d.use(loaded(t, dev))
			d.use(loaded(t, other+"webhook: {enforce: other}\n")) // a new block is its own affair
			if s := d.settings.Load(); s.Enforce != "other" || !strings.Contains(numbers(t, d.metrics), "ecr_gate_config_reload_success 1\n") {
				t.Errorf("a good version after it is not in force: enforce %s", s.Enforce)
			}
		})
	}
}

// Where serve was started without a webhook, a block that came and went again leaves no
// door that needs its policy.
func TestReloadThatNeverHadAWebhook(t *testing.T) {
	const dev, other = "policies: [{name: dev, maxFindings: {CRITICAL: 0}}]\n", "policies: [{name: other, maxFindings: {CRITICAL: 0}}]\n"
	d := newDoors(newMetrics(), slog.New(slog.DiscardHandler), aws.Config{Region: "eu-west-1"}, time.Now)
	t.Cleanup(d.close)
	for _, text := range []string{dev, dev + "webhook: {enforce: dev}\n", other} {
		d.use(loaded(t, text))
	}
	if got := d.gate.Load().PolicyNames(); !slices.Equal(got, []string{"other", "built-in"}) || !strings.Contains(numbers(t, d.metrics), "ecr_gate_config_reload_success 1\n") {
		t.Errorf("the last version is not in force: policies %q", got)
	}
}

// A refused version that is taken back leaves the one that is in force, which somebody at
// the log has to know.
func TestRefusedVersionIsTakenBack(t *testing.T) {
	const good, said = "policies: [{name: dev, maxFindings: {CRITICAL: 0}}]\n", "the refused configuration was taken back"
	var log bytes.Buffer
	d := newDoors(newMetrics(), slog.New(slog.NewJSONHandler(&log, nil)), aws.Config{Region: "eu-west-1"}, time.Now)
	t.Cleanup(d.close)
	d.use(loaded(t, good))
	d.use(loaded(t, good)) // the watcher's first
	if strings.Contains(log.String(), said) {
		t.Errorf("none was refused: %s", &log)
	}
	d.keep(errors.New("no such policy"))
	for range 2 {
		d.use(loaded(t, good))
	}
	if n := strings.Count(log.String(), said); n != 1 {
		t.Errorf("said %d times: %s", n, &log)
	}
	d.keep(errors.New("no such policy"))
	d.use(loaded(t, good+"webhook: {}\n")) // another good one
	d.use(loaded(t, good+"webhook: {}\n"))
	if n := strings.Count(log.String(), said); n != 1 {
		t.Errorf("said %d times: %s", n, &log)
	}
}

// Whoever names an image names a Region: those that nobody configured are one series.
func TestMadeUpRegionsAreOneSeries(t *testing.T) {
	d := newDoors(newMetrics(), slog.New(slog.DiscardHandler), aws.Config{Region: "eu-west-1"}, time.Now)
	t.Cleanup(d.close)
	d.use(loaded(t, "aws: {registries: [{account: \"111122223333\", regions: [us-east-1]}]}\n"))
	for region, want := range map[string]string{"eu-west-1": "eu-west-1", "us-east-1": "us-east-1", "xx-north-9": "other", "": ""} {
		if got := d.metrics.knownRegion(region); got != want {
			t.Errorf("%q counts as %q, want %q", region, got, want)
		}
	}
}

func TestInRegions(t *testing.T) {
	near := inRegions(regionsOf("eu-west-1", []ecr.Registry{{Account: "111122223333", Regions: []string{"us-east-1"}}, {Account: "999900001111"}}))
	for registry, want := range map[string]bool{
		"999900001111.dkr.ecr.eu-west-1.amazonaws.com":  true,
		"111122223333.dkr.ecr.us-east-1.amazonaws.com":  true,
		"111122223333.dkr.ecr.us-east-11.amazonaws.com": false,
		"111122223333.dkr.ecr.ap-south-1.amazonaws.com": false,
		"docker.io": false,
	} {
		if near(registry) != want {
			t.Errorf("%s: %t", registry, !want)
		}
	}
}
