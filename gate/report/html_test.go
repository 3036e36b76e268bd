package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

var (
	styleElement  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	scriptElement = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	cspHashes     = regexp.MustCompile(`&#39;sha256-[^&]*(?:&#43;[^&]*)*&#39;`)
)

// The golden files leave out style and script: they stand beside the template.
func TestHTMLGolden(t *testing.T) {
	for _, c := range cases {
		got := render(t, "html", c.verdicts()...)
		got = styleElement.ReplaceAllString(got, "<style>…</style>")
		got = scriptElement.ReplaceAllString(got, "<script>…</script>")
		got = cspHashes.ReplaceAllString(got, "&#39;sha256-…&#39;")
		golden(t, c.name+".html", got)
	}
}

// The browser runs what the policy in the page names by hash: that must be what is
// in the page, and there must be no other way.
func TestHTMLContentSecurityPolicy(t *testing.T) {
	got := render(t, "html", web())
	csp := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]*)">`).FindStringSubmatch(got)
	if csp == nil {
		t.Fatal("the page has no Content-Security-Policy")
	}
	policy := html.UnescapeString(csp[1])
	for directive, element := range map[string]*regexp.Regexp{"style-src": styleElement, "script-src": scriptElement} {
		found := element.FindAllStringSubmatch(got, -1)
		if len(found) != 1 {
			t.Fatalf("%d elements for %s, want 1", len(found), directive)
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		if want := directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want+";") {
			t.Errorf("no %q in %q", want, policy)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Errorf("too wide: %q", policy)
	}
	if strings.Contains(got, ` style="`) || regexp.MustCompile(` on[a-z]+="`).MatchString(got) {
		t.Error("the page has inline styles or handlers, which its own policy forbids")
	}
}

// A text that hides something is shown with what it hides; [TestEveryFormatSurvives]
// looks for what must not be there.
func TestHTMLHostileTexts(t *testing.T) {
	got := render(t, "html", hostile())
	for _, bad := range []string{"<script>alert", `="javascript:`, "ZgotmplZ"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	for _, want := range []string{"&lt;script&gt;alert(1)&lt;/script&gt;⟨U&#43;001B⟩[31mred", "⟨U&#43;202E⟩gnp.exe"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}

// Links lead to web sites only: findings bring their own.
func TestHTMLLinks(t *testing.T) {
	for address, linked := range map[string]bool{
		"https://nvd.example/1":        true,
		"http://nvd.example/1":         true,
		"HTTPS://nvd.example/1":        true,
		"javascript:alert(1)":          false,
		"java\nscript:alert(1)":        false,
		"data:text/html,x":             false,
		"file:///etc/passwd":           false,
		"//nvd.example/1":              false,
		"https:nvd.example":            false,
		"https://":                     false,
		"https://nvd.example@evil.com": false,
		"":                             false,
	} {
		v := web()
		v.Findings, v.Excepted = v.Findings[:1], nil
		v.Findings[0].URL = address
		if got := strings.Contains(render(t, "html", v), `rel="noreferrer noopener"`); got != linked {
			t.Errorf("%q: linked %t, want %t", address, got, linked)
		}
	}
}

func TestHTMLDockerfileLines(t *testing.T) {
	for _, test := range []struct{ name, version, purl, want string }{
		{"openssl", "3.0.7-1", "pkg:deb/debian/openssl@3.0.7-1", "RUN apt-get update && apt-get install -y --only-upgrade openssl && rm -rf /var/lib/apt/lists/*"},
		{"libcrypto3", "3.0.7-r0", "pkg:apk/alpine/libcrypto3@3.0.7-r0", "RUN apk add --no-cache --upgrade libcrypto3"},
		{"openssl-libs", "1:3.0.7-1.el9", "pkg:rpm/redhat/openssl-libs@3.0.7", "RUN dnf upgrade -y openssl-libs && dnf clean all"},
		{"openssl-libs", "1:3.0.8-1.amzn2023.0.1", "pkg:rpm/amazon/openssl-libs@3.0.8", "RUN dnf upgrade -y --releasever=latest openssl-libs && dnf clean all"},
		{"openssl-libs", "1:1.0.2k-19.amzn2", "pkg:rpm/amazon/openssl-libs@1.0.2k", "RUN yum update -y openssl-libs && yum clean all"},
		{"libstdc++6", "12", "pkg:deb/debian/libstdc%2B%2B6@12", "RUN apt-get update && apt-get install -y --only-upgrade libstdc++6 && rm -rf /var/lib/apt/lists/*"},
		{"lodash", "4.17.20", "pkg:npm/lodash@4.17.20", ""},
		{"openssl", "3.0.7-1", "", ""}, // a basic scan does not say
		{"a; rm -rf /", "1", "pkg:deb/debian/a@1", ""},
		{"-o=Dir::Etc", "1", "pkg:deb/debian/a@1", ""},
	} {
		v := web()
		v.Findings = v.Findings[:1]
		v.Findings[0].Packages = []gate.Package{{Name: test.name, Version: test.version, FixedIn: "99", PURL: test.purl}}
		line := regexp.MustCompile(`<summary>Dockerfile line</summary><pre>([^<]*)</pre>`).FindStringSubmatch(render(t, "html", v))
		got := ""
		if line != nil {
			got = html.UnescapeString(line[1])
		}
		if got != test.want {
			t.Errorf("%s %s: %q, want %q", test.name, test.purl, got, test.want)
		}
	}
}

// What was not judged shows no count that could be read as none found.
func TestHTMLUnjudged(t *testing.T) {
	waiting := gate.Unjudged("built-in", gate.Image{Written: "x/y:1"}, &gate.Trouble{Cause: gate.NoScan, Passing: true, Text: "ECR knows of no scan"})
	got := render(t, "html", waiting, web())
	if want := `<td class="n" data-is="CRITICAL">–</td>`; !strings.Contains(got, want) {
		t.Errorf("no %s", want)
	}
	if alone := render(t, "html", waiting); strings.Contains(alone, "None that count") || strings.Contains(alone, "allowed</") {
		t.Error("an image that was not judged looks judged")
	}
	if empty := render(t, "html"); !strings.Contains(empty, "No image was judged") {
		t.Error("a report of no image does not say so")
	}
}

// What is only inherited is not counted: the page says since when, and how much.
func TestHTMLBaseline(t *testing.T) {
	v := web()
	v.Baseline = &gate.BaselineNote{Tag: "prod", Digest: "sha256:" + strings.Repeat("9", 64)}
	v.Manifests[0].Baseline, v.Skipped.Baseline = "sha256:"+strings.Repeat("8", 64), 7
	got := render(t, "html", v)
	for _, want := range []string{
		"<dt>Baseline</dt><dd><bdi>tag prod (sha256:999999999999)</bdi></dd>",
		"<dt>Measured by</dt><dd><bdi>sha256:" + strings.Repeat("8", 64) + "</bdi></dd>",
		"<dt>Not counted</dt><dd>7 in the baseline too, and the policy counts only what is new</dd>",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
}

// large is an image of n findings for two platforms, as scans of large Debian images
// are: most findings in packages of the system, some in two of them, some in files.
func large(n int) gate.Verdict {
	list := make([]gate.Finding, n)
	for i := range list {
		names := []string{fmt.Sprintf("libpackage-%d", i%(n/4+1))}
		fixed := fmt.Sprintf("1.2.%d-1+deb12u9", 4+i%7)
		switch i % 10 {
		case 3:
			names = append(names, names[0]+"-dev")
		case 5:
			fixed = ""
		}
		list[i] = vulnerable(fmt.Sprintf("CVE-20%02d-%d", 10+i%17, 1000+i), gate.Severity(i%6), "1.2.3-4+deb12u1", fixed, names...)
		if i%10 == 7 {
			list[i].Packages[0] = gate.Package{
				Name: names[0], Version: "4.17.20", FixedIn: "4.17.21", PURL: "pkg:npm/" + names[0] + "@4.17.20",
				Path: "usr/src/app/node_modules/" + names[0] + "/package.json",
			}
		}
	}
	return gate.Evaluate(dev(), nil, image(registry+"/shop/web:1.4", "1"), []gate.Scan{enhanced("linux/amd64", "2", list...), enhanced("linux/arm64", "3", list[:n/2]...)}, noon)
}

// largest is what a report of 5,000 findings may have: it travels as a pipeline's artifact.
const largest = 3 << 20

func TestHTMLSize(t *testing.T) {
	if size := len(render(t, "html", large(5000))); size > largest {
		t.Errorf("%d bytes, want at most %d", size, largest)
	}
}

func BenchmarkHTML(b *testing.B) {
	for _, n := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			verdicts := []gate.Verdict{large(n)}
			format := report.HTML(options)
			var out bytes.Buffer
			b.ReportAllocs()
			for b.Loop() {
				out.Reset()
				if err := format(&out, verdicts); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(out.Len()), "bytes/page")
		})
	}
}
