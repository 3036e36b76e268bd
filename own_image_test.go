package ecrgate_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// What docs/release.md says of the project's own image, under its own policy. It says
// of itself which system its certificates are from, so a basic scan has something to
// judge and the built-in policy lets it pass. Should ECR not take it for an image of
// that system, it is refused by every policy that does not say otherwise for it; the
// policy shown does, for it alone.
func TestOwnImage(t *testing.T) {
	dockerfile, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(string(dockerfile), "\nFROM scratch\n")
	for _, line := range []string{"COPY --from=build /out/etc/os-release /etc/os-release", "COPY --from=build /out/var/lib/dpkg/status /var/lib/dpkg/status"} {
		if !strings.Contains(last, "\n"+line+"\n") {
			t.Errorf("the Dockerfile's last stage has no line %q any more: a basic scan cannot judge the image without it; say in docs/release.md what its own policy makes of it now, and here", line)
		}
	}
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	unscannable := awslocal.Scan{Status: "FAILED", Description: "UnsupportedImageError: The operating system and/or package manager are not supported.", NoImageScanFindings: true}
	yesterday := time.Now().Add(-24 * time.Hour)
	for repository, scan := range map[string]awslocal.Scan{
		"basic/ecr-gate":   {Status: "COMPLETE", CompletedAt: yesterday, SourceUpdatedAt: yesterday},
		"tools/ecr-gate":   unscannable,
		"tools/other":      unscannable,
		"scanned/ecr-gate": {Status: "ACTIVE", CompletedAt: yesterday, EnhancedFindings: []awslocal.EnhancedFinding{{ID: "CVE-2026-1", Severity: "MEDIUM"}}},
		"bad/ecr-gate":     {Status: "ACTIVE", CompletedAt: yesterday, EnhancedFindings: []awslocal.EnhancedFinding{{ID: "CVE-2026-1", Severity: "HIGH"}}},
	} {
		aws.PutImage(awslocal.Image{Repository: repository, Tags: []string{"v1"}, Scans: []awslocal.Scan{scan}})
	}
	source := ecr.NewSource(aws.AWSConfig(), nil)
	builtIn := gate.Gate{Source: source}
	shown := gate.Gate{Source: source, Policies: policiesShown(t, "docs/release.md")}
	for _, test := range []struct {
		of         string
		gate       *gate.Gate
		repository string
		outcome    gate.Outcome
		warnings   int
	}{
		{"the built-in policy", &builtIn, "basic/ecr-gate", gate.Allowed, 0},
		{"the built-in policy", &builtIn, "tools/ecr-gate", gate.Denied, 0},
		{"the built-in policy", &builtIn, "scanned/ecr-gate", gate.Allowed, 0},
		{"the policy shown", &shown, "tools/ecr-gate", gate.Allowed, 1},
		{"the policy shown", &shown, "tools/other", gate.Denied, 0},
		{"the policy shown", &shown, "bad/ecr-gate", gate.Denied, 0},
	} {
		v := test.gate.Check(t.Context(), gate.Request{Image: aws.RegistryHost() + "/" + test.repository + ":v1"})
		if v.Outcome != test.outcome || len(v.Warnings) != test.warnings {
			t.Errorf("%s, %s: %s, %q: %s", test.repository, test.of, v.Outcome, v.Warnings, v.Reason)
		}
	}
}

// policiesShown are those of the configuration that a page shows.
func policiesShown(t *testing.T, page string) []gate.Policy {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		if !strings.Contains(block, "kind: Config") {
			continue
		}
		c, err := config.Parse(page, []byte(block))
		if err != nil {
			t.Fatal(err)
		}
		return c.GatePolicies()
	}
	t.Fatalf("%s shows no configuration", page)
	return nil
}
