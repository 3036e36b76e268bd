package gate_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// What a first verdict asks of ECR, to the call: AWS counts them, per account and
// Region. The next verdict asks nothing.
func TestCallsPerVerdict(t *testing.T) {
	scan := func(findings int) []awslocal.Scan {
		list := make([]awslocal.EnhancedFinding, findings)
		for i := range list {
			list[i] = awslocal.EnhancedFinding{ID: fmt.Sprintf("CVE-2026-%d", i), Severity: "LOW"}
		}
		return []awslocal.Scan{{Status: "ACTIVE", CompletedAt: time.Now().Add(-time.Hour), EnhancedFindings: list}}
	}
	index := func(platforms int) (children []awslocal.Image) {
		for i := range platforms {
			children = append(children, awslocal.Image{Platform: fmt.Sprintf("linux/arm64/v%d", i+1), Scans: scan(1)})
		}
		return append(children, awslocal.Image{Attestation: true})
	}
	for name, c := range map[string]struct {
		image            awslocal.Image
		baseline         string
		manifests, pages int // calls of BatchGetImage and DescribeImageScanFindings
	}{
		"single image":        {image: awslocal.Image{Scans: scan(20)}, manifests: 1, pages: 1},
		"three pages":         {image: awslocal.Image{Scans: scan(250)}, manifests: 1, pages: 3},
		"index of 2":          {image: awslocal.Image{Children: index(2)}, manifests: 1, pages: 2},
		"index of 8":          {image: awslocal.Image{Children: index(8)}, manifests: 1, pages: 8},
		"with a baseline":     {image: awslocal.Image{Scans: scan(20)}, baseline: "prod", manifests: 2, pages: 2},
		"not scanned":         {manifests: 1, pages: 1},
		"finished, no result": {image: awslocal.Image{Scans: []awslocal.Scan{{Status: "SCAN_ELIGIBILITY_EXPIRED"}}}, manifests: 1, pages: 1},
	} {
		t.Run(name, func(t *testing.T) {
			aws := awslocal.New(awslocal.Options{})
			if _, err := aws.Start(); err != nil {
				t.Fatal(err)
			}
			defer aws.Close()
			c.image.Repository, c.image.Tags, c.image.Seed = "shop/web", []string{"1"}, "judged"
			aws.PutImage(c.image)
			aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{"prod"}, Seed: "prod", Scans: scan(1)})
			facts := gate.NewCache(ecr.NewSource(aws.AWSConfig(), nil), gate.CacheOptions{})
			defer facts.Close()
			policy := gate.Default()
			policy.Baseline = c.baseline
			g := &gate.Gate{Source: facts, Policies: []gate.Policy{policy}}
			want := map[string]int{"ecr.BatchGetImage": c.manifests, "ecr.DescribeImageScanFindings": c.pages}
			for range 3 {
				v := g.Check(t.Context(), gate.Request{Image: aws.RegistryHost() + "/shop/web:1"})
				if diff := cmp.Diff(want, maps.Clone(aws.Calls())); diff != "" {
					t.Fatalf("%s: calls (-want +got):\n%s", v.Reason, diff)
				}
			}
		})
	}
}
