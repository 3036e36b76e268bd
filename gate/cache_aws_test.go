package gate_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// gateOverAWS is a gate with a cache over an AWS of this test's own.
func gateOverAWS(t *testing.T, scans ...awslocal.Scan) (*awslocal.Server, *gate.Gate) {
	t.Helper()
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{"1"}, Scans: scans})
	cache := gate.NewCache(ecr.NewSource(aws.AWSConfig(), nil), gate.CacheOptions{LoadTimeout: 20 * time.Second})
	t.Cleanup(cache.Close)
	policy := gate.Default()
	policy.StartScan = true
	return aws, &gate.Gate{Source: cache, Policies: []gate.Policy{policy}}
}

func checkMany(t *testing.T, g *gate.Gate, image string, want gate.Outcome) {
	t.Helper()
	var reviews sync.WaitGroup
	for range 300 {
		reviews.Go(func() {
			if v := g.Check(context.Background(), gate.Request{Image: image}); v.Outcome != want {
				t.Errorf("%s: %s", v.Outcome, v.Reason)
			}
		})
	}
	reviews.Wait()
}

func wantCalls(t *testing.T, aws *awslocal.Server, want map[string]int) {
	t.Helper()
	if diff := cmp.Diff(want, aws.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A Deployment of 300 replicas is 300 reviews of one image at once.
func TestCacheManyReviewsOfOneImage(t *testing.T) {
	aws, g := gateOverAWS(t, awslocal.Scan{Status: "COMPLETE", CompletedAt: time.Now().Add(-time.Hour), Findings: []awslocal.Finding{
		{Name: "CVE-2026-1", Severity: "LOW", Package: "zlib", Version: "1.2"},
	}})
	checkMany(t, g, aws.RegistryHost()+"/shop/web:1", gate.Allowed)
	want := map[string]int{"ecr.BatchGetImage": 1, "ecr.DescribeImageScanFindings": 1}
	wantCalls(t, aws, want)
	checkMany(t, g, aws.RegistryHost()+"/shop/web:1", gate.Allowed)
	wantCalls(t, aws, want)
}

// Of an image without a scan they start one.
func TestCacheManyReviewsOfAnUnscannedImage(t *testing.T) {
	aws, g := gateOverAWS(t)
	checkMany(t, g, aws.RegistryHost()+"/shop/web:1", gate.Pending)
	calls := aws.Calls()
	if calls["ecr.StartImageScan"] != 1 || calls["ecr.BatchGetImage"] != 1 || calls["ecr.DescribeImageScanFindings"] > 2 {
		t.Error(calls)
	}
}

// A dry run starts none, and says the same.
func TestDryRunStartsNoScan(t *testing.T) {
	aws, g := gateOverAWS(t)
	image := aws.RegistryHost() + "/shop/web:1"
	dry := g.Check(t.Context(), gate.Request{Image: image, DryRun: true})
	if n := aws.Calls()["ecr.StartImageScan"]; n != 0 {
		t.Errorf("%d scans started", n)
	}
	wet := g.Check(t.Context(), gate.Request{Image: image})
	if n := aws.Calls()["ecr.StartImageScan"]; n != 1 {
		t.Errorf("%d scans started", n)
	}
	if dry.Outcome != wet.Outcome || dry.Reason != wet.Reason || !dry.WantsScan {
		t.Errorf("%s\n%s", dry.Reason, wet.Reason)
	}
}
