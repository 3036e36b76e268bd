package report_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const registry = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"

// cases are the verdicts that every format has a golden file of.
var cases = []struct {
	name     string
	verdicts func() []gate.Verdict
}{
	{"one", func() []gate.Verdict { return []gate.Verdict{web()} }},
	{"hostile", func() []gate.Verdict { return []gate.Verdict{hostile()} }},
	{"several", several},
	{"none", func() []gate.Verdict { return nil }},
}

func image(written string, digit string) gate.Image {
	img, err := gate.ParseImage(written)
	if err != nil {
		panic(err)
	}
	img.Digest = "sha256:" + strings.Repeat(digit, 64)
	return img
}

func enhanced(platform, digit string, findings ...gate.Finding) gate.Scan {
	return gate.Scan{
		Platform: platform, Digest: "sha256:" + strings.Repeat(digit, 64), Type: gate.Enhanced, Status: gate.StatusActive,
		CompletedAt: noon.Add(-time.Hour), SourceAt: noon.Add(-26 * time.Hour), Findings: findings, Pages: 1 + len(findings)/100, ReadAt: noon,
	}
}

func dev() gate.Policy {
	return gate.Policy{Name: "dev", Limits: map[gate.Severity]int{gate.Critical: 0, gate.High: 0, gate.Medium: 20}, UntriagedAs: gate.High}
}

// vulnerable is a finding as Inspector writes it, in Debian packages of one source.
func vulnerable(id string, severity gate.Severity, version, fixedIn string, names ...string) gate.Finding {
	f := gate.Finding{
		ID: id, Severity: severity, Fix: gate.FixYes, Title: id + " - " + strings.Join(names, ", "),
		URL: "https://security-tracker.debian.org/tracker/" + id, FirstObserved: noon.AddDate(0, 0, -9),
	}
	if fixedIn == "" {
		f.Fix = gate.FixNo
	}
	for _, name := range names {
		f.Packages = append(f.Packages, gate.Package{Name: name, Version: version, FixedIn: fixedIn, PURL: "pkg:deb/debian/" + name + "@" + version})
	}
	return f
}

// findings are those of a neglected image.
func findings() []gate.Finding {
	exploited := vulnerable("CVE-2026-4901", gate.High, "2.36-9+deb12u4", "2.36-9+deb12u10", "libc6", "libc-bin")
	exploited.Exploit = true
	lodash := gate.Finding{
		ID: "CVE-2026-2210", Severity: gate.Medium, Fix: gate.FixYes, Title: "CVE-2026-2210 - lodash", URL: "https://nvd.nist.gov/vuln/detail/CVE-2026-2210",
		Packages: []gate.Package{{Name: "lodash", Version: "4.17.20", FixedIn: "4.17.21", Path: "/app/node_modules/lodash/package.json", PURL: "pkg:npm/lodash@4.17.20"}},
	}
	partly := vulnerable("CVE-2026-3003", gate.Medium, "6.4-4", "", "libncursesw6", "ncurses-base")
	partly.Fix, partly.Packages[0].FixedIn = gate.FixPartial, "6.4-4+deb12u1"
	untriaged := vulnerable("CVE-2026-7001", gate.Untriaged, "1:1.2.13.dfsg-1", "", "zlib1g")
	return []gate.Finding{
		vulnerable("CVE-2026-1001", gate.Critical, "3.0.11-1~deb12u2", "3.0.15-1~deb12u1", "openssl", "libssl3"),
		vulnerable("CVE-2026-1002", gate.High, "3.0.11-1~deb12u2", "3.0.14-1~deb12u1", "openssl", "libssl3"),
		vulnerable("CVE-2026-1003", gate.Medium, "3.0.11-1~deb12u2", "3.0.13-1~deb12u1", "libssl3"),
		exploited, lodash, partly, untriaged,
		vulnerable("CVE-2026-5005", gate.Low, "5.2.15-2", "", "bash"),
		vulnerable("CVE-2026-6001", gate.High, "9.53.3", "10.02.1", "ghostscript", "libgs10"),
		vulnerable("CVE-2026-6002", gate.Medium, "9.53.3", "10.02.1", "ghostscript"),
		vulnerable("CVE-2026-6003", gate.High, "7.88.1", "", "curl"),
		vulnerable("CVE-2026-6004", gate.High, "5.4.1", "5.4.5", "xz-utils"),
	}
}

func exceptions() []gate.Exception {
	return []gate.Exception{
		{
			IDs: []string{"CVE-2026-6001", "CVE-2026-6002"}, Owner: "payments-team", Ticket: "SEC-123", Source: "exceptions.yaml: vulnerabilities[0]",
			Statement: "Ghostscript is installed by the base image and never started: documents are rendered by another service",
			ExpiresAt: noon.AddDate(0, 0, 10),
		},
		{IDs: []string{"CVE-2026-6003"}, Owner: "Shop security", Source: "product.openvex.json: statement 2", Statement: "vulnerable_code_not_in_execute_path: the HTTP/3 code is not built in"},
		{IDs: []string{"CVE-2026-6004"}, Owner: "payments-team", Source: "exceptions.yaml: vulnerabilities[1]", Statement: "waits for Debian", ExpiresAt: noon.AddDate(0, 0, -3)},
		{IDs: []string{"CVE-2019-0001"}, Source: "exceptions.yaml: vulnerabilities[2]", Statement: "left over", ExpiresAt: noon.AddDate(0, 2, 0)},
	}
}

// web is a plain image that is over policy in several ways.
func web() gate.Verdict {
	return gate.Evaluate(dev(), exceptions(), image(registry+"/shop/web:1.4", "1"), []gate.Scan{enhanced("", "1", findings()...)}, noon)
}

// several are images of every outcome: an index of which one platform is worse, one
// within policy, one without a scan and one that nobody may read.
func several() []gate.Verdict {
	arm := vulnerable("CVE-2026-8001", gate.High, "1.18-3", "1.18-3+deb12u2", "libgssapi-krb5-2")
	index := gate.Evaluate(dev(), exceptions(), image(registry+"/shop/api:2.0", "2"), []gate.Scan{
		enhanced("linux/amd64", "3", findings()[2], findings()[4]),
		enhanced("linux/arm64", "4", findings()[2], findings()[4], arm),
	}, noon)
	basic := gate.Scan{
		Digest: "sha256:" + strings.Repeat("5", 64), Type: gate.Basic, Status: gate.StatusComplete, CompletedAt: noon.AddDate(0, 0, -2), Pages: 1, ReadAt: noon,
		Findings: []gate.Finding{{ID: "CVE-2026-9001", Severity: gate.Medium, URL: "https://nvd.nist.gov/vuln/detail/CVE-2026-9001", Packages: []gate.Package{{Name: "perl", Version: "5.36.0-7"}}}},
	}
	clean := gate.Evaluate(dev(), nil, image(registry+"/shop/cron:7", "5"), []gate.Scan{basic}, noon)
	waiting := gate.Evaluate(dev(), nil, image(registry+"/shop/new:1", "6"), []gate.Scan{{Digest: "sha256:" + strings.Repeat("6", 64), Status: gate.StatusInProgress, ReadAt: noon, Pages: 1}}, noon)
	refused := gate.Unjudged("dev", image(registry+"/bank/vault:3", "7"), &gate.Trouble{
		Cause: gate.NoAccess, Text: "AWS refused ecr:DescribeImageScanFindings to arn:aws:sts::111122223333:assumed-role/gate/i-0",
		Mend: "allow that action to it on the repository", Err: errors.New("operation error ECR: DescribeImageScanFindings, https response error StatusCode: 400"),
	})
	refused.Digest = ""
	return []gate.Verdict{index, clean, waiting, refused}
}

// nasty has what must reach no output as it is: markup of every kind, terminal
// escapes, NUL, marks that turn the text around, a mention, a link, a line break.
const nasty = "<script>alert(1)</script>\x1b[31mred\x1b[0m\x00|a\\|b`code``|@octocat #1 [link](javascript:alert(1)) https://evil.example/ www.evil.example\r\n| x | {0} \u202egnp.exe\u202c\u200f &lt; ]]> \xff end"

// hostile is a verdict in which every text is nasty.
func hostile() gate.Verdict {
	long := strings.Repeat("long ", 2000) + nasty
	evil := gate.Finding{
		ID: nasty, Severity: gate.Critical, Title: long, URL: "https://evil.example/<b>?q=\"|`)(\x00\u202e", Related: []string{nasty}, Fix: gate.FixYes,
		Packages: []gate.Package{{Name: nasty, Version: nasty, FixedIn: nasty, Path: "/" + nasty, PURL: "pkg:npm/" + nasty + "@1"}, {}},
	}
	script := gate.Finding{ID: "CVE-2026-1", Severity: gate.High, Title: long, URL: "javascript:alert(1)", Packages: []gate.Package{{Name: strings.Repeat("n", 10_000), Version: "1", FixedIn: "2"}}}
	excepted := gate.Finding{ID: "CVE-2026-2", Severity: gate.High, Packages: []gate.Package{{Name: nasty, Version: nasty}}}
	img := image(registry+"/shop/web:1.4", "1")
	scan := enhanced(nasty, "2", evil, script, excepted, gate.Finding{})
	scan.Status = gate.StatusActive
	v := gate.Evaluate(gate.Policy{Name: nasty, Limits: map[gate.Severity]int{gate.Critical: 0}, UntriagedAs: gate.High}, []gate.Exception{
		{IDs: []string{"CVE-2026-2"}, Source: nasty, Owner: nasty, Ticket: nasty, Statement: long, ExpiresAt: noon.AddDate(0, 0, 5)},
		{IDs: []string{nasty}, Source: nasty, Statement: nasty, ExpiresAt: noon.AddDate(0, 0, -1)},
	}, img, []gate.Scan{scan, enhanced("linux/\x1b]0;title\a", "3")}, noon)
	v.Image, v.Warnings = registry+"/shop/"+nasty, []string{nasty, long}
	v.Next, v.Reason, v.Digest = nasty, "image not allowed: "+nasty, "sha256:"+nasty
	v.Err = errors.New(long)
	v.Manifests[0].Digest, v.Manifests[0].Status, v.Manifests[0].ScanType = nasty, gate.Status(nasty), gate.ScanType(nasty)
	return v
}

// thousand is a verdict of so many findings as Inspector's are, in a third as many
// packages.
func thousand(n int) gate.Verdict {
	list := make([]gate.Finding, n)
	for i := range list {
		name := fmt.Sprintf("lib%s%d", []string{"ssl", "gnutls", "systemd", "xml", "python-stdlib"}[i/3%5], i/3)
		severity := []gate.Severity{gate.Critical, gate.High, gate.Medium, gate.Medium, gate.Low}[i%5]
		list[i] = vulnerable(fmt.Sprintf("CVE-%d-%d", 2019+i%8, 1000+i*37), severity, "1.2.3-4ubuntu1", fmt.Sprintf("1.2.3-4ubuntu1.%d", 1+i%3), name, name+"-dev")
	}
	exceptions := []gate.Exception{{IDs: []string{list[0].ID, list[7].ID}, Statement: "not reachable", Source: "exceptions.yaml: vulnerabilities[0]"}}
	return gate.Evaluate(dev(), exceptions, image(registry+"/shop/web:1.4", "1"), []gate.Scan{enhanced("", "1", list...)}, noon)
}
