package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// kind is an image as it may be pushed.
type kind struct {
	name     string
	image    awslocal.Image
	baseline string
}

func kinds() []kind {
	index := func(platforms int) awslocal.Image {
		img := awslocal.Image{}
		for i := range platforms {
			img.Children = append(img.Children, awslocal.Image{Platform: fmt.Sprintf("linux/arm64/v%d", i+1), Scans: enhancedScan(20)})
		}
		return img
	}
	attested := index(2)
	attested.Children = append(attested.Children, awslocal.Image{Attestation: true}, awslocal.Image{Attestation: true})
	return []kind{
		{name: "single, basic scan, 20 findings", image: awslocal.Image{Scans: basicScan(20)}},
		{name: "single, basic scan, 1,500 findings (pages of 1,000)", image: awslocal.Image{Scans: basicScan(1500)}},
		{name: "single, enhanced scan, 20 findings", image: awslocal.Image{Scans: enhancedScan(20)}},
		{name: "single, enhanced scan, 250 findings (pages of 100)", image: awslocal.Image{Scans: enhancedScan(250)}},
		{name: "single, no scan", image: awslocal.Image{}},
		{name: "single, enhanced, policy with a baseline", image: awslocal.Image{Scans: enhancedScan(20)}, baseline: "prod"},
		{name: "index of 2 platforms, enhanced", image: index(2)},
		{name: "index of 2 platforms and 2 attestations, enhanced", image: attested},
		{name: "index of 5 platforms, enhanced", image: index(5)},
		{name: "index of 10 platforms, enhanced", image: index(10)},
	}
}

// callsByKind counts what a first verdict asks of ECR, and what the next one does.
func callsByKind(ctx context.Context, r *figures, _ settings) error {
	r.printf("\n## ECR calls per verdict\n\n| image | BatchGetImage | DescribeImageScanFindings | in all | of the next verdict |\n|---|---|---|---|---|\n")
	for i, k := range kinds() {
		aws := awslocal.New(awslocal.Options{})
		if _, err := aws.Start(); err != nil {
			return err
		}
		k.image.Repository, k.image.Tags, k.image.Seed = "shop/web", []string{"1"}, fmt.Sprint(i)
		aws.PutImage(k.image)
		aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{"prod"}, Seed: "prod", Scans: enhancedScan(20)})
		facts := gate.NewCache(ecr.NewSource(aws.AWSConfig(), nil), gate.CacheOptions{})
		policy := tolerant
		policy.Baseline = k.baseline
		judge := &gate.Gate{Source: facts, Canonical: ecr.CanonicalHost, Policies: []gate.Policy{policy}}
		first := judge.Check(ctx, gate.Request{Image: aws.RegistryHost() + "/shop/web:1"})
		calls := aws.Calls()
		aws.ResetCalls()
		next := judge.Check(ctx, gate.Request{Image: aws.RegistryHost() + "/shop/web:1"})
		again := len(aws.Calls())
		facts.Close()
		aws.Close()
		if first.Outcome != next.Outcome || first.Outcome == gate.Denied || first.Outcome == gate.Unavailable {
			return fmt.Errorf("%s: %s, then %s", k.name, first.Reason, next.Reason)
		}
		manifests, scans := calls["ecr.BatchGetImage"], calls["ecr.DescribeImageScanFindings"]
		sum := 0
		for _, n := range calls {
			sum += n
		}
		r.printf("| %s | %d | %d | **%d** | %d |\n", k.name, manifests, scans, sum, again)
	}
	return nil
}

// enhancedScan is finished and settled, with so many findings of Inspector's.
func enhancedScan(findings int) []awslocal.Scan {
	list := make([]awslocal.EnhancedFinding, findings)
	for i := range list {
		id := fmt.Sprintf("CVE-2026-%05d", i*7919%100_000) // in no order
		list[i] = awslocal.EnhancedFinding{
			ID: id, Severity: []string{"MEDIUM", "LOW", "INFORMATIONAL"}[i%3], Fix: "YES", Platform: "DEBIAN_12",
			SourceURL: "https://security-tracker.debian.org/tracker/" + id,
			Packages:  []awslocal.Package{{Name: fmt.Sprintf("lib%d", i), Version: "1.2.3", Release: "4", Manager: "OS", FixedIn: "1.2.3-5"}},
		}
	}
	done := time.Now().Add(-time.Hour)
	return []awslocal.Scan{{Status: "ACTIVE", CompletedAt: done, SourceUpdatedAt: done, EnhancedFindings: list}}
}

func basicScan(findings int) []awslocal.Scan {
	list := make([]awslocal.Finding, findings)
	for i := range list {
		list[i] = awslocal.Finding{Name: fmt.Sprintf("CVE-2026-%05d", i), Severity: "MEDIUM", Package: fmt.Sprintf("lib%d", i), Version: "1.2.3"}
	}
	done := time.Now().Add(-time.Hour)
	return []awslocal.Scan{{Status: "COMPLETE", CompletedAt: done, SourceUpdatedAt: done, Findings: list}}
}
