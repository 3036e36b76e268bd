package main

import (
	_ "embed"
	"fmt"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// product is one image of the demo's company, with the pipeline that builds it.
type product struct {
	name  string // also the repository, below shop/
	about string // what is special about it
	image awslocal.Image
}

// company is a small registry with one image of every kind that a gate meets.
func company(now time.Time) []product {
	scanned := now.Add(-10 * time.Minute)
	return []product{
		{"web", "a vulnerable image", awslocal.Image{Scans: []awslocal.Scan{enhanced(scanned, openssl, zlib, curl)}}},
		{"api", "a clean image", awslocal.Image{Scans: []awslocal.Scan{enhanced(scanned, curl)}}},
		{"search", "an image whose scan is still running", awslocal.Image{Scans: []awslocal.Scan{
			{Status: "PENDING", Description: "Pending start of the image scan."},
			{Status: "PENDING", Description: "Pending start of the image scan."},
			enhanced(scanned, curl),
		}}},
		{"payments", "two platforms, one of them bad", awslocal.Image{Children: []awslocal.Image{
			{Platform: "linux/amd64", Scans: []awslocal.Scan{enhanced(scanned, curl)}},
			{Platform: "linux/arm64", Scans: []awslocal.Scan{enhanced(scanned, curl, log4shell)}},
			{Attestation: true},
		}}},
		{"agent", "FROM scratch: ECR cannot scan it", awslocal.Image{Scans: []awslocal.Scan{{
			Status: "FAILED", Description: "UnsupportedImageError: The operating system and/or package manager are not supported.",
			NoImageScanFindings: true,
		}}}},
		{"legacy", "saved by an exception", awslocal.Image{Scans: []awslocal.Scan{basic(scanned, awslocal.Finding{
			Name: "CVE-2026-2201", Severity: "HIGH", Package: "libxml2", Version: "2.9.14+dfsg-1.3",
		})}}},
	}
}

// hotfix was pushed by hand: no pipeline has ever seen it.
func hotfix(now time.Time) product {
	return product{"hotfix", "pushed by hand, past the pipeline", awslocal.Image{
		Repository: "shop/hotfix", Tags: []string{"1.4"},
		Scans: []awslocal.Scan{enhanced(now.Add(-10*time.Minute), log4shell)},
	}}
}

var (
	openssl = awslocal.EnhancedFinding{
		ID: "CVE-2026-1234", Severity: "CRITICAL", Fix: "YES", Platform: "DEBIAN_12",
		Packages: []awslocal.Package{{Name: "openssl", Version: "3.0.7", Release: "1", Manager: "OS", FixedIn: "3.0.15-1"}},
	}
	zlib = awslocal.EnhancedFinding{
		ID: "CVE-2026-1500", Severity: "HIGH", Fix: "NO", Platform: "DEBIAN_12",
		Packages: []awslocal.Package{{Name: "zlib1g", Version: "1.2.13", Release: "1", Manager: "OS"}},
	}
	curl = awslocal.EnhancedFinding{
		ID: "CVE-2026-1777", Severity: "MEDIUM", Fix: "YES", Platform: "DEBIAN_12",
		Packages: []awslocal.Package{{Name: "curl", Version: "7.88.1", Release: "10", Manager: "OS", FixedIn: "7.88.1-10+deb12u9"}},
	}
	log4shell = awslocal.EnhancedFinding{
		ID: "CVE-2021-44228", Severity: "CRITICAL", Fix: "YES", Exploit: "YES",
		Packages: []awslocal.Package{{
			Name: "org.apache.logging.log4j:log4j-core", Version: "2.14.1", Manager: "JAR",
			FilePath: "app/lib/log4j-core-2.14.1.jar", FixedIn: "2.17.1",
		}},
	}
)

func enhanced(completed time.Time, findings ...awslocal.EnhancedFinding) awslocal.Scan {
	return awslocal.Scan{
		Status: "ACTIVE", Description: "Continuous scan is selected for image.",
		CompletedAt: completed, SourceUpdatedAt: completed, EnhancedFindings: findings,
	}
}

func basic(completed time.Time, findings ...awslocal.Finding) awslocal.Scan {
	return awslocal.Scan{Status: "COMPLETE", CompletedAt: completed, SourceUpdatedAt: completed, Findings: findings}
}

//go:embed company/ecr-gate.yaml
var companyConfig []byte

// companyFiles are the company's configuration, by name. An exception that holds
// for a month has to be written today.
func companyFiles(now time.Time) map[string][]byte {
	return map[string][]byte{
		"ecr-gate.yaml": companyConfig,
		"exceptions.yaml": fmt.Appendf(nil, `vulnerabilities:
- id: CVE-2026-2201
  packages: [libxml2]
  repositories: [shop/legacy]
  expired_at: %s
  statement: we never parse XML from outside
  owner: team-legacy
`, now.AddDate(0, 0, 30).Format(time.DateOnly)),
	}
}
