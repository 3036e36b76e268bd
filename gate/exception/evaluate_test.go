package exception

import (
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// TestExceptionsExcuse holds what the formats mean where it counts: in a verdict
// on an image with one CRITICAL finding, in xz-utils 5.6.0.
func TestExceptionsExcuse(t *testing.T) {
	img := gate.Image{Registry: "111122223333.dkr.ecr.eu-west-1.amazonaws.com", Repository: "shop/web", Digest: digest}
	scan := gate.Scan{
		Digest: digest, Type: gate.Enhanced, Status: gate.StatusActive, CompletedAt: now.Add(-time.Hour), ReadAt: now, Pages: 1,
		Findings: []gate.Finding{{
			ID: "CVE-2024-3094", Severity: gate.Critical, Fix: gate.FixNo,
			Packages: []gate.Package{{Name: "xz-utils", Version: "5.6.0", PURL: "pkg:deb/debian/xz-utils@5.6.0"}},
		}},
	}
	vex := func(product string) string {
		return vexDocument(`{"vulnerability": {"name": "CVE-2024-3094"}, "status": "fixed", "products": [` + product + `]}`)
	}
	for _, tc := range []struct {
		name, file, text string
		excuses          bool
	}{
		{"by ID", "e.yaml", "vulnerabilities: [{id: CVE-2024-3094}]", true},
		{"beginning of the ID", "e.yaml", "vulnerabilities: [{id: CVE-2024-309}]", false},
		{"tomorrow", "e.yaml", "vulnerabilities: [{id: CVE-2024-3094, expired_at: 2026-11-02}]", true},
		{"today", "e.yaml", "vulnerabilities: [{id: CVE-2024-3094, expired_at: 2026-11-01}]", false},
		{"package", "e.yaml", `vulnerabilities: [{packages: ["xz-utils@5.6.0"]}]`, true},
		{"other version", "e.yaml", `vulnerabilities: [{packages: ["xz-utils@5.6.1"]}]`, false},
		{"purl", "e.yaml", "vulnerabilities: [{purls: [pkg:deb/debian/xz-utils]}]", true},
		{"repository", "e.yaml", `vulnerabilities: [{id: CVE-2024-3094, repositories: ["shop/*"]}]`, true},
		{"other repository", "e.yaml", `vulnerabilities: [{id: CVE-2024-3094, repositories: ["bank/*"]}]`, false},
		{"worse than thought", "e.yaml", "vulnerabilities: [{id: CVE-2024-3094, max_severity: HIGH}]", false},
		{"plain", ".trivyignore", "CVE-2024-3094 exp:2026-11-02", true},
		{"plain, today", ".trivyignore", "CVE-2024-3094 exp:2026-11-01", false},
		{"VEX, image by name", "v.json", vex(product("pkg:oci/web")), true},
		{"VEX, repository", "v.json", vex(product("pkg:oci/web?repository_url="+img.Registry+"/shop/web", "pkg:deb/debian/xz-utils")), true},
		{"VEX, other registry", "v.json", vex(product("pkg:oci/web?repository_url=ghcr.io/shop/web")), false},
		{"VEX, other part", "v.json", vex(product("pkg:oci/web", "pkg:deb/debian/bash")), false},
		{"VEX, part without purl", "v.json", vex(product("pkg:oci/web", "xz-utils")), false},
		{"VEX, package", "v.json", vex(product("pkg:deb/debian/xz-utils")), true},
	} {
		exceptions := mustParse(t, tc.file, tc.text, Rules{})
		v := gate.Evaluate(gate.Default(), exceptions, img, []gate.Scan{scan}, now)
		if got := v.Outcome == gate.Allowed; got != tc.excuses {
			t.Errorf("%s: %s: %s", tc.name, v.Outcome, v.Reason)
		}
	}
}
