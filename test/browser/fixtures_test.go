package browser_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const registry = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/"

func digest(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

func image(t testing.TB, name string) gate.Image {
	t.Helper()
	img, err := gate.ParseImage(registry + name)
	if err != nil {
		t.Fatal(err)
	}
	img.Digest = "sha256:3f6a93494871c5a7ff9d4ae58f0d6b4b5f2c6f0f3d1e9a7b8c6d5e4f3a2b1c0d"
	return img
}

func scan(platform, digit string, findings ...gate.Finding) gate.Scan {
	return gate.Scan{
		Platform: platform, Digest: digest(digit), Type: gate.Enhanced, Status: gate.StatusActive,
		CompletedAt: noon.Add(-50 * time.Minute), SourceAt: noon.Add(-3 * time.Hour), Pages: 1 + len(findings)/100, ReadAt: noon,
		Findings: findings,
	}
}

// debian is a finding in a package of Debian.
func debian(id string, severity gate.Severity, name, installed, fixed string) gate.Finding {
	f := gate.Finding{
		ID: id, Severity: severity, Fix: gate.FixYes, Title: id + " - " + name,
		URL: "https://security-tracker.debian.org/tracker/" + id, FirstObserved: noon.AddDate(0, 0, -len(id)-len(name)),
		Packages: []gate.Package{{Name: name, Version: installed, FixedIn: fixed, PURL: "pkg:deb/debian/" + name + "@" + strings.ReplaceAll(installed, "+", "%2B")}},
	}
	if fixed == "" {
		f.Fix = gate.FixNo
	}
	return f
}

// shop is an image for two platforms over its policy, with something of all a
// report can show.
func shop(t testing.TB) gate.Verdict {
	t.Helper()
	openssl := func(id string, severity gate.Severity) gate.Finding {
		f := debian(id, severity, "openssl", "3.0.11-1~deb12u2", "3.0.15-1~deb12u1")
		f.Packages = append(f.Packages, gate.Package{Name: "libssl3", Version: "3.0.11-1~deb12u2", FixedIn: "3.0.15-1~deb12u1", PURL: "pkg:deb/debian/libssl3@3.0.11-1~deb12u2"})
		return f
	}
	exploited := openssl("CVE-2026-5450", gate.Critical)
	exploited.Related, exploited.Exploit, exploited.FirstObserved = []string{"GHSA-7jv5-fr37-2x9p"}, true, noon.AddDate(0, 0, -3)
	exploited.Title = "Double free after calling PEM_read_bio_ex lets whoever supplies a PEM file crash the program"
	log4j := gate.Finding{
		ID: "CVE-2021-44228", Severity: gate.Critical, Fix: gate.FixYes, URL: "https://nvd.nist.gov/vuln/detail/CVE-2021-44228", FirstObserved: noon.AddDate(-1, 0, 0),
		Packages: []gate.Package{{
			Name: "org.apache.logging.log4j:log4j-core", Version: "2.14.1", FixedIn: "2.17.1", Path: "app/lib/log4j-core-2.14.1.jar",
			PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
		}},
	}
	everywhere := []gate.Finding{
		exploited,
		openssl("CVE-2025-4741", gate.High), openssl("CVE-2024-5535", gate.Medium), openssl("CVE-2024-2511", gate.Low),
		debian("CVE-2026-1093", gate.High, "libc6", "2.36-9+deb12u3", "2.36-9+deb12u10"),
		debian("CVE-2025-33601", gate.Medium, "libc6", "2.36-9+deb12u3", "2.36-9+deb12u9"),
		debian("CVE-2025-45853", gate.Untriaged, "zlib1g", "1:1.2.13.dfsg-1", ""),
		debian("CVE-2026-8176", gate.Medium, "libexpat1", "2.5.0-1", "2.5.0-1+deb12u2"),
		debian("CVE-2025-6965", gate.High, "libsqlite3-0", "3.40.1-2", ""),
		debian("CVE-2026-29491", gate.High, "libxml2", "2.9.14+dfsg-1.3", "2.9.14+dfsg-1.3~deb12u4"),
		debian("CVE-2011-3374", gate.Informational, "apt", "2.6.1", ""),
	}
	for i := range 12 {
		everywhere = append(everywhere, debian(fmt.Sprintf("CVE-2024-%d", 26400+i), gate.Low, "perl-base", "5.36.0-7", "5.36.0-7+deb12u3"))
	}
	policy := gate.Default()
	policy.Name = "dev"
	policy.Limits = map[gate.Severity]int{gate.Critical: 0, gate.High: 3, gate.Medium: 20}
	exceptions := []gate.Exception{
		{
			IDs: []string{"CVE-2026-29491"}, Statement: "Not reachable: the service parses no XML of others, see the threat model of the shop.",
			Owner: "payments-team", Ticket: "SEC-123", Source: "exceptions.yaml: vulnerabilities[3]", ExpiresAt: noon.AddDate(0, 0, 9),
		},
		{IDs: []string{"CVE-2024-26400"}, Statement: "perl is not started", Source: "product.openvex.json: statements[0]"},
		{IDs: []string{"CVE-2025-4741"}, Statement: "until the next base image", Owner: "platform", Source: "exceptions.yaml: vulnerabilities[1]", ExpiresAt: noon.AddDate(0, 0, -2)},
		{IDs: []string{"CVE-2019-1010022"}, Source: "exceptions.yaml: vulnerabilities[7]", ExpiresAt: noon.AddDate(0, 2, 0)},
	}
	v := gate.Evaluate(policy, exceptions, image(t, "shop/web:1.4"), []gate.Scan{
		scan("linux/amd64", "a", append([]gate.Finding{log4j}, everywhere...)...),
		scan("linux/arm64", "b", everywhere...),
	}, noon)
	v.Warnings = append(v.Warnings, "ECR did not answer: judged by what it said before")
	v.Skipped.Suppressed, v.Skipped.InGrace = 2, 1
	return v
}

// clean is an image of one platform within its policy.
func clean(t testing.TB) gate.Verdict {
	t.Helper()
	policy := gate.Default()
	policy.Name, policy.Limits = "dev", map[gate.Severity]int{gate.Critical: 0, gate.High: 3, gate.Medium: 20}
	return gate.Evaluate(policy, nil, image(t, "shop/api:2.0"), []gate.Scan{scan("linux/amd64", "c",
		debian("CVE-2026-8176", gate.Medium, "libexpat1", "2.5.0-1", "2.5.0-1+deb12u2"),
		debian("CVE-2011-3374", gate.Low, "apt", "2.6.1", ""),
	)}, noon)
}

// waiting is an image whose scan is not finished.
func waiting(t testing.TB) gate.Verdict {
	t.Helper()
	return gate.Evaluate(gate.Default(), nil, image(t, "shop/worker:7"), []gate.Scan{{Platform: "linux/amd64", Digest: digest("d"), Status: gate.StatusInProgress}}, noon)
}

func gone(t testing.TB) gate.Verdict {
	t.Helper()
	return gate.Unjudged("built-in", image(t, "shop/legacy:1"), &gate.Trouble{
		Cause: gate.NoAccess, Text: "AWS refused ecr:DescribeImageScanFindings", Mend: "allow it to the gate's role",
	})
}

// hostile is an image whose every text tries something.
func hostile(t testing.TB) gate.Verdict {
	t.Helper()
	evil := `"'><img src=x onerror=attacked()><script>attacked()</script></title></style></template><!--` + "\x1b[31m\x00\u202Eevil\u2066\u200f שלום"
	long := strings.Repeat("A long description. ", 500)
	finding := gate.Finding{
		ID: "CVE-2026-1", Severity: gate.Critical, Fix: gate.FixYes, Title: evil + long, URL: "javascript:attacked()",
		Related:  []string{evil},
		Packages: []gate.Package{{Name: evil, Version: evil, FixedIn: evil, Path: evil + long, PURL: "pkg:deb/" + evil}},
	}
	unnamed := finding
	unnamed.ID = evil
	excepted := finding
	excepted.ID = "CVE-2026-2"
	exceptions := []gate.Exception{{IDs: []string{"CVE-2026-2"}, Statement: evil + long, Owner: evil, Ticket: evil, Source: evil}, {IDs: []string{evil + "2"}, Source: evil}}
	policy := gate.Default()
	policy.Name = evil
	v := gate.Evaluate(policy, exceptions, image(t, "shop/web:1.4"), []gate.Scan{
		{Platform: evil, Digest: evil, Type: gate.ScanType(evil), Status: gate.StatusActive, CompletedAt: noon.Add(-time.Hour), Findings: []gate.Finding{finding, unnamed, excepted}},
		{Platform: "linux/arm64", Digest: digest("b"), Trouble: &gate.Trouble{Cause: gate.NoScan, Text: evil, Mend: evil}},
	}, noon)
	v.Image, v.Reason, v.Next = evil, evil, evil
	v.Warnings = append(v.Warnings, evil)
	return v
}

// many is an image of n findings, as an enhanced scan of a large Debian image has
// them: most in packages of the system, some in two of them, some in files.
func many(t testing.TB, n int) gate.Verdict {
	t.Helper()
	findings := make([]gate.Finding, n)
	for i := range findings {
		name := fmt.Sprintf("libpackage-%d", i%(n/4+1))
		f := debian(fmt.Sprintf("CVE-20%02d-%d", 10+i%17, 1000+i), gate.Severity(i%6), name, "1.2.3-4+deb12u1", fmt.Sprintf("1.2.%d-1+deb12u9", 4+i%7))
		switch i % 10 {
		case 3:
			f.Packages = append(f.Packages, gate.Package{Name: name + "-dev", Version: "1.2.3-4+deb12u1", FixedIn: f.Packages[0].FixedIn, PURL: "pkg:deb/debian/" + name + "-dev@1.2.3"})
		case 5:
			f.Fix, f.Packages[0].FixedIn = gate.FixNo, ""
		case 7:
			f.Packages[0].Path, f.Packages[0].PURL = "usr/src/app/node_modules/"+name+"/package.json", "pkg:npm/"+name+"@4.17.20"
		}
		findings[i] = f
	}
	return gate.Evaluate(gate.Default(), nil, image(t, "shop/web:1.4"), []gate.Scan{scan("linux/amd64", "a", findings...), scan("linux/arm64", "b", findings[:n/2]...)}, noon)
}
