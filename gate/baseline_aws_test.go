package gate_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// A policy with a baseline asks AWS for twice as much, once: 300 reviews of one
// image, and of another that is measured by the same baseline.
func TestBaselineCallsPerVerdict(t *testing.T) {
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	scan := func(ids ...string) []awslocal.Scan {
		s := awslocal.Scan{Status: "COMPLETE", CompletedAt: time.Now().Add(-time.Hour)}
		for _, id := range ids {
			s.Findings = append(s.Findings, awslocal.Finding{Name: id, Severity: "CRITICAL", Package: "zlib", Version: "1.2"})
		}
		return []awslocal.Scan{s}
	}
	aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{"prod"}, Seed: "0", Scans: scan("CVE-2026-1", "CVE-2026-3")})
	aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{"1"}, Seed: "1", Scans: scan("CVE-2026-1")})
	aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{"2"}, Seed: "2", Scans: scan("CVE-2026-1", "CVE-2026-2")})
	cache := gate.NewCache(ecr.NewSource(aws.AWSConfig(), nil), gate.CacheOptions{LoadTimeout: 20 * time.Second})
	t.Cleanup(cache.Close)
	policy := gate.Default()
	policy.Baseline = "prod"
	g := &gate.Gate{Source: cache, Policies: []gate.Policy{policy}}

	image := aws.RegistryHost() + "/shop/web:"
	checkMany(t, g, image+"1", gate.Allowed)
	wantCalls(t, aws, map[string]int{"ecr.BatchGetImage": 2, "ecr.DescribeImageScanFindings": 2})
	checkMany(t, g, image+"2", gate.Denied)
	wantCalls(t, aws, map[string]int{"ecr.BatchGetImage": 3, "ecr.DescribeImageScanFindings": 3})
	v := g.Check(context.Background(), gate.Request{Image: image + "2"})
	if !strings.Contains(v.Reason, "has 1 new CRITICAL (0 allowed) since prod, over policy built-in") || v.Skipped.Baseline != 1 {
		t.Errorf("%s, skipped %+v", v.Reason, v.Skipped)
	}
	// The image that the tag names is judged in full.
	checkMany(t, g, image+"prod", gate.Denied)
	wantCalls(t, aws, map[string]int{"ecr.BatchGetImage": 3, "ecr.DescribeImageScanFindings": 3})
}
