package ecr_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
)

// A scan that was started is no error, and a registry that is not ECR's is not asked
// for one.
func TestStartedOrNot(t *testing.T) {
	aws, source := cloud(t)
	digest := aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, RescanTo: []awslocal.Scan{complete()}})
	if err := source.StartScan(t.Context(), image(t, aws, "aa:1"), gate.Manifest{Digest: digest}); err != nil {
		t.Errorf("started, and told %v", err)
	}
	before := aws.Calls()["ecr.StartImageScan"]
	err := source.StartScan(t.Context(), gate.Image{Registry: "docker.io", Repository: "library/nginx"}, gate.Manifest{Digest: digest})
	var trouble *gate.Trouble
	if !errors.As(err, &trouble) || trouble.Cause != gate.NotECR || before != 1 || aws.Calls()["ecr.StartImageScan"] != before {
		t.Errorf("got %v after %v", err, aws.Calls())
	}
}

// A scan that is under way already is waited for, whoever started it: another
// replica, the same job by another name of the image, or a call whose answer was lost.
// And what a cache holds of the one before does not outlive that.
func TestScanStartedByAnother(t *testing.T) {
	renewing := gate.Policy{Name: "renewing", MaxScanAge: 720 * time.Hour, StartScan: true}
	any := gate.Policy{Name: "any"}
	for name, lost := range map[string]bool{"by another replica": false, "and its answer lost": true} {
		aws, source := cloud(t)
		aws.PutImage(awslocal.Image{
			Repository: "aa", Tags: []string{"1"},
			Scans:    []awslocal.Scan{{Status: "COMPLETE", CompletedAt: time.Now().Add(-960 * time.Hour), Findings: []awslocal.Finding{}}},
			RescanTo: []awslocal.Scan{{Status: "COMPLETE", CompletedAt: time.Now(), Findings: []awslocal.Finding{}}},
		})
		image := aws.RegistryHost() + "/aa:1"
		replica := func() *gate.Gate {
			facts := gate.NewCache(source, gate.CacheOptions{})
			t.Cleanup(facts.Close)
			return &gate.Gate{Source: facts, Policies: []gate.Policy{renewing, any}}
		}
		one, other := replica(), replica()
		if v := other.Check(t.Context(), gate.Request{Image: image, Policy: "any"}); v.Outcome != gate.Allowed {
			t.Fatal(v.Reason)
		}
		if lost {
			aws.After("ecr.StartImageScan", func(awslocal.Request) bool { return aws.Calls()["ecr.StartImageScan"] > 1 })
		}
		for _, g := range []*gate.Gate{one, other} {
			if v := g.Check(t.Context(), gate.Request{Image: image, Policy: "renewing"}); v.Outcome != gate.Pending || !v.Passing {
				t.Errorf("%s: at first: %s", name, v.Reason)
			}
		}
		for _, g := range []*gate.Gate{one, other} {
			if v := g.Check(t.Context(), gate.Request{Image: image, Policy: "renewing"}); v.Outcome != gate.Allowed {
				t.Errorf("%s: once it is scanned: %s", name, v.Reason)
			}
		}
	}
}
