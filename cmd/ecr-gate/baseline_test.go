package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// A baseline in the file holds from the first flag to the last sentence: it passes
// over what production has too, and where it cannot be read everything counts.
func TestBaselineOfTheFile(t *testing.T) {
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	for _, variable := range aws.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	scanned := time.Now().Add(-time.Hour)
	put := func(tag string, scan awslocal.Scan) {
		aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{tag}, Seed: tag, Scans: []awslocal.Scan{scan}})
	}
	put("prod", enhanced(scanned, openssl, zlib))
	put("same", enhanced(scanned, openssl, zlib))
	put("worse", enhanced(scanned, openssl, zlib, log4shell))
	put("expired", awslocal.Scan{Status: "SCAN_ELIGIBILITY_EXPIRED"})
	file := func(tag string) string {
		path := filepath.Join(t.TempDir(), "gate.yaml")
		text := "apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\npolicies: [{name: shop, maxFindings: {CRITICAL: 0, HIGH: 0}, exploitable: ignore, baseline: {tag: " + tag + "}}]\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		name, command, image, baseline string
		code                           int
		want                           string
	}{
		{"nothing new", "check", "same", "prod", exitOK, `is within policy shop (new since prod: CRITICAL 0 of 0, HIGH 0 of 0)`},
		{"one new", "check", "worse", "prod", exitDenied, "has 1 new CRITICAL (0 allowed) since prod, over policy shop"},
		{"itself", "check", "prod", "prod", exitDenied, "baseline prod cannot be used, so every finding counts: it is the very image to judge"},
		{"not there", "check", "same", "none", exitDenied, "baseline none cannot be used, so every finding counts: ECR knows no such image"},
		{"expired", "check", "same", "expired", exitDenied, "baseline expired cannot be used, so every finding counts: Amazon Inspector no longer watches it"},
		{"explained", "explain", "same", "prod", exitOK, "CVE-2026-1234 does not count here: baseline prod (sha256:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := []string{test.command, "--config", file(test.baseline), "-o", "json", aws.RegistryHost() + "/shop/web:" + test.image}
			if test.command == "explain" {
				args = append(args, "CVE-2026-1234")
			}
			var out, errs strings.Builder
			if code := run(t.Context(), args, streams{in: strings.NewReader(""), out: &out, err: &errs}); code != test.code {
				t.Errorf("exit %d, want %d: %s", code, test.code, errs.String())
			}
			if !strings.Contains(out.String(), test.want) {
				t.Errorf("no %q in %s", test.want, out.String())
			}
		})
	}
}
