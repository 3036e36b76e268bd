package gate

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "rewrite testdata/messages")

// TestMessages holds the texts people read. Regenerate them with
//
//	go test ./gate -run TestMessages -update
//
// and read each aloud: it has to say what is wrong, with which image, by which
// policy and what to do next.
func TestMessages(t *testing.T) {
	const dir = "testdata/messages"
	seen := map[string]bool{}
	for name, v := range representative(t) {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, name+".txt")
			seen[file] = true
			got := v.Reason + "\n\n" + v.Detail(1000) + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v (run with -update)", err)
			}
			wantEqual(t, "text, if it is meant run with -update", got, string(want))
			wantWellFormed(t, v)
		})
	}
	files, _ := filepath.Glob(dir + "/*.txt")
	for _, file := range files {
		if !seen[file] {
			t.Errorf("%s belongs to no verdict", file)
		}
	}
}

// starts is how the sentence of each outcome begins.
var starts = map[Outcome]string{
	Denied: "image not allowed: ", Pending: "image not ready: ", Unavailable: "could not check: ", Allowed: "image allowed: ",
}

// wantWellFormed checks what holds for every text, whatever went into it.
func wantWellFormed(t interface {
	Helper()
	Errorf(string, ...any)
}, v Verdict,
) {
	t.Helper()
	if !strings.HasPrefix(v.Reason, starts[v.Outcome]) {
		t.Errorf("%s starts wrong: %s", v.Outcome, v.Reason)
	}
	if n := utf8.RuneCountInString(v.Reason); n > MaxSentence {
		t.Errorf("%d characters: %s", n, v.Reason)
	}
	if !printable(v.Reason) {
		t.Errorf("not printable: %q", v.Reason)
	}
	for _, limit := range []int{-1, 0, 1, 2, 40, 200, 256, 1000, 5000} {
		detail := v.Detail(limit)
		if n := utf8.RuneCountInString(detail); n > max(limit, 0) {
			t.Errorf("detail of %d characters, %d asked: %s", n, limit, detail)
		}
		if !printable(strings.ReplaceAll(detail, "\n", "")) {
			t.Errorf("not printable: %q", detail)
		}
		if limit >= MaxSentence && !strings.HasPrefix(detail+"\n", v.Reason+"\n") {
			t.Errorf("detail does not begin with the sentence: %s", detail)
		}
	}
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
}

// representative are the verdicts whose texts are kept, by file name.
func representative(t *testing.T) map[string]Verdict {
	amd := func(s Scan) Scan { return on("linux/amd64", amdDigest, s) }
	arm := func(s Scan) Scan { return on("linux/arm64", armDigest, s) }
	status := func(s Status, description string) Scan {
		return with(basic(), func(x *Scan) { x.Status, x.Description = s, description })
	}
	unjudged := func(trouble Trouble) Verdict { return Unjudged("dev", shop(), &trouble) }
	full := []Finding{
		{ID: "CVE-2024-5535", Severity: Critical, Packages: []Package{fixed(openssl(), "3.0.13-1")}, Fix: FixYes},
		{ID: "CVE-2023-45853", Severity: Critical, Packages: []Package{zlib()}, Fix: FixNo},
		{ID: "CVE-2021-23337", Severity: High, Packages: []Package{fixed(lodash(), "4.17.21")}, Fix: FixYes},
		{ID: "CVE-2020-28500", Severity: High, Packages: []Package{fixed(lodash(), "4.17.21")}, Fix: FixYes},
		{ID: "CVE-2024-9999", Severity: Medium, Packages: []Package{openssl(), zlib()}, Fix: FixPartial},
		{ID: "CVE-2005-2541", Severity: Low, Packages: []Package{{Name: "tar", Version: "1.34"}}, Fix: FixNo},
	}
	accepted := Exception{
		IDs: []string{"CVE-2024-5535"}, Source: "exceptions.yaml: vulnerabilities[0]", Statement: "not reachable from our code",
		ExpiresAt: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
	}
	lapsed := Exception{
		IDs: []string{"CVE-2024-5535"}, Source: "exceptions.yaml: vulnerabilities[1]", Statement: "waiting for the base image",
		ExpiresAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	unused := Exception{IDs: []string{"CVE-2019-1"}, Source: "exceptions.yaml: vulnerabilities[2]"}
	exploited := Finding{ID: "CVE-2023-4911", Severity: Medium, Packages: []Package{fixed(Package{Name: "glibc", Version: "2.36-9"}, "2.36-9+deb12u3")}, Exploit: true, Fix: FixYes}
	log4shell := Finding{ID: "GHSA-jfh8-c2jp-5v3q", Severity: Critical, Related: []string{"CVE-2021-44228"}, Packages: []Package{fixed(Package{Name: "log4j-core", Version: "2.14.1"}, "2.17.1")}, Fix: FixYes}
	blocking := with(dev(), func(p *Policy) { p.Blocked = []string{"CVE-2021-44228"} })
	renewing := with(dev(), func(p *Policy) { p.MaxScanAge, p.StartScan = 720*time.Hour, true })
	tooOld := with(basic(), func(s *Scan) { s.CompletedAt = now.Add(-1000 * time.Hour) })
	long := Image{
		Written:  registry + "/" + strings.Repeat("very-long-folder/", 12) + "web:" + strings.Repeat("build-", 20) + "77",
		Registry: registry, Repository: strings.Repeat("very-long-folder/", 12) + "web", Tag: strings.Repeat("build-", 20) + "77", Digest: indexDigest,
	}

	return map[string]Verdict{
		"allowed":               judge(dev(), nil, basic(full[4:]...)),
		"allowed-no-limits":     judge(Policy{Name: "strict"}, nil, basic()),
		"allowed-index":         judge(dev(), nil, amd(basic(full[2:3]...)), arm(basic(full[3:]...))),
		"allowed-excepted":      judge(dev(), []Exception{accepted, unused}, enhanced(full[0])),
		"allowed-unscannable":   judge(with(dev(), func(p *Policy) { p.Unscannable = WarnUnscannable }), nil, status(StatusUnsupported, "")),
		"denied":                judge(dev(), nil, enhanced(full...)),
		"denied-basic":          judge(Default(), nil, basic(finding("CVE-2024-5535", High, openssl()))),
		"denied-no-fix":         judge(dev(), nil, enhanced(full[1])),
		"denied-untriaged":      judge(dev(), nil, enhanced(full[2], finding("CVE-2024-7", Untriaged, zlib()))),
		"denied-untriaged-zero": judge(Policy{Name: "strict"}, nil, enhanced(finding("CVE-2024-7", Untriaged, zlib()))),
		"denied-index":          judge(dev(), nil, amd(enhanced(full[4:]...)), arm(enhanced(full...))),
		"denied-both-platforms": judge(dev(), nil, amd(enhanced(full...)), arm(enhanced(full...))),
		"denied-lapsed":         judge(dev(), []Exception{lapsed, unused}, enhanced(full[0])),
		"denied-blocked":        judge(blocking, nil, enhanced(log4shell)),
		"denied-exploit":        judge(dev(), nil, amd(enhanced()), arm(enhanced(exploited, full[5]))),
		"denied-unscannable":    judge(dev(), nil, status(StatusFailed, "UnsupportedImageError: The operating system 'scratch' version 'n/a' is not supported.")),
		"denied-long-name":      Evaluate(with(dev(), func(p *Policy) { p.Name = strings.Repeat("policy-", 20) }), nil, long, []Scan{amd(enhanced()), arm(enhanced(exploited))}, now),
		"denied-passed-over": judge(with(dev(), func(p *Policy) {
			p.IgnoreSuppressed, p.FixableOnly, p.Grace = true, true, map[Severity]time.Duration{High: 72 * time.Hour}
		}), nil, enhanced(full[0], full[1],
			with(full[2], func(f *Finding) { f.FirstObserved = now.Add(-time.Hour) }),
			with(full[3], func(f *Finding) { f.Status = Suppressed }))),
		"denied-nameless":           judge(Policy{}, nil, basic(Finding{Severity: High})),
		"pending-no-scan":           unjudged(Trouble{Cause: NoScan, Passing: true, Text: "ECR knows of no scan"}),
		"pending-no-scan-platform":  judge(dev(), nil, amd(basic()), arm(Scan{Trouble: &Trouble{Cause: NoScan}})),
		"pending-running":           judge(dev(), nil, status(StatusInProgress, "")),
		"pending-settling":          judge(dev(), nil, with(enhanced(), func(s *Scan) { s.CompletedAt = now })),
		"pending-too-old":           judge(renewing, nil, tooOld),
		"unavailable-too-old":       judge(renewing, nil, with(tooOld, func(s *Scan) { s.Type = Enhanced })),
		"unavailable-future":        judge(renewing, nil, with(basic(), func(s *Scan) { s.CompletedAt = now.Add(time.Hour) })),
		"unavailable-expired":       judge(dev(), nil, status(StatusExpired, "")),
		"unavailable-archived":      judge(dev(), nil, status(StatusArchived, "")),
		"unavailable-failed":        judge(dev(), nil, amd(basic()), arm(status(StatusFailed, "InternalError: try later"))),
		"unavailable-quota":         judge(dev(), nil, status(StatusLimitExceeded, "")),
		"unavailable-no-findings":   judge(dev(), nil, status(StatusFindingsUnavailable, "")),
		"unavailable-no-status":     judge(dev(), nil, status("", "")),
		"unavailable-new-status":    judge(dev(), nil, status("QUANTUM_SCANNED", "")),
		"unavailable-new-finding":   judge(dev(), nil, enhanced(Finding{ID: "CVE-2024-1", Status: StatusUnknown, Severity: Low})),
		"unavailable-counts":        judge(dev(), nil, with(basic(), func(s *Scan) { s.Counts = map[Severity]int{High: 3} })),
		"unavailable-no-platform":   judge(dev(), nil),
		"unavailable-no-access":     unjudged(Trouble{Cause: NoAccess, Text: "AWS refused access to ecr:BatchGetImage", Mend: "allow ecr:BatchGetImage to the role ecr-gate uses"}),
		"unavailable-fault":         check(gateOver(&registryOf{scan: func(Manifest) (Scan, error) { return Scan{}, errors.New("boom") }}, dev()), Request{}),
		"unavailable-no-policy":     check(gateOver(&registryOf{}, dev()), Request{Policy: "devv"}),
		"unavailable-bad-reference": check(gateOver(&registryOf{}, dev()), Request{Image: registry + "/Shop/web@sha256:abc", Policy: "dev"}),
		"allowed-baseline":          judgeSince(sinceProd(nil), prod(enhanced(full...)), enhanced(full...)),
		"denied-baseline":           judgeSince(sinceProd(nil), prod(enhanced(full[2:]...)), enhanced(full...)),
		"denied-baseline-platform":  judgeSince(sinceProd(nil), prodIndex(enhanced(full...), enhanced(full[1:]...)), amd(enhanced(full...)), arm(enhanced(full...))),
		"denied-baseline-itself":    judgeSince(sinceProd(nil), &Baseline{Digest: indexDigest}, enhanced(full[:2]...)),
		"denied-baseline-missing": judgeSince(sinceProd(nil), &Baseline{Trouble: &Trouble{
			Cause: NotFound, Passing: true, Text: "ECR knows no such image", Mend: "see that it was pushed, and that a lifecycle policy did not delete it",
		}}, enhanced(full[:2]...)),
		"unavailable-start-scan": check(gateOver(&registryOf{
			scan: func(Manifest) (Scan, error) { return tooOld, nil },
			start: func(Manifest) error {
				return &Trouble{Cause: TooOld, Text: "ECR scans an image once in 24 hours, and did", Mend: "wait a day, or push it again"}
			},
		}, renewing), Request{}),
	}
}

// Nothing that an image, AWS or a configuration file says breaks the sentence.
func TestHostileTexts(t *testing.T) {
	nasty := []string{
		"", " ", strings.Repeat("x", 400), strings.Repeat("界", 400), strings.Repeat("é", 400),
		"a\nimage allowed: b", "a\r\nb\tc", "\x1b[31mred\x1b[0m", "a\u202eb\u200f\u2066c", "a\u0000b\u0007", "\xff\xfe\xc0", "a\u2028b\u0085c",
		strings.Repeat("\x1b", 300), strings.Repeat("\u202e", 300) + "x", "%s%d%!", "e\u0301", "a\ufffdb",
	}
	for _, text := range nasty {
		f := Finding{
			ID: text, Title: text, Severity: Critical, Related: []string{text}, URL: text, Exploit: true,
			Packages: []Package{{Name: text, Version: text, FixedIn: text, Path: text, PURL: text}},
		}
		img := Image{Written: text, Registry: text, Repository: text, Tag: text, Digest: text}
		policy := Policy{Name: text, Limits: map[Severity]int{Critical: 0}}
		e := Exception{IDs: []string{text}, Source: text, Statement: text, Owner: text, Ticket: text, ExpiresAt: now.Add(time.Hour)}
		over := policy
		over.IgnoreExploits = true
		blocking := policy
		blocking.Blocked = []string{text}
		warning := policy
		warning.Unscannable = WarnUnscannable
		several := []Scan{on(text, text, enhanced(f)), on(text, text, enhanced(f))}
		trouble := &Trouble{Cause: NotReadable, Text: text, Mend: text}
		verdicts := []Verdict{
			Evaluate(policy, nil, img, several[:1], now),
			Evaluate(policy, nil, img, several, now),
			Evaluate(over, nil, img, several, now),
			Evaluate(blocking, nil, img, several, now),
			Evaluate(policy, []Exception{e}, img, several, now),
			Evaluate(over, []Exception{with(e, func(e *Exception) { e.ExpiresAt = now })}, img, several, now),
			Case{Policy: with(over, func(p *Policy) { p.Baseline = text }), Image: img, Scans: several, Now: now,
				Baseline: prod(Scan{Status: Status(text), Description: text})}.Verdict(),
			Case{Policy: with(over, func(p *Policy) { p.Baseline = text + "x" }), Image: img, Scans: several, Now: now, Baseline: &Baseline{
				Digest: text + "x", Manifests: []Manifest{{text, text + "x"}}, Scans: []Scan{on(text, text+"x", enhanced())},
			}}.Verdict(),
			Evaluate(warning, nil, img, []Scan{{Platform: text, Digest: text, Status: StatusUnsupported, Description: text}}, now),
			Evaluate(policy, nil, img, []Scan{{Platform: text, Digest: text, Status: StatusUnsupported, Description: text}}, now),
			Evaluate(policy, nil, img, []Scan{{Status: StatusFailed, Description: text}, {Status: Status(text)}}, now),
			Evaluate(policy, nil, img, []Scan{{Platform: text, Digest: text, Status: StatusPending}, enhanced()}, now),
			Unjudged(text, img, trouble),
			Unjudged(text, Image{Written: text}, trouble),
			check(gateOver(&registryOf{}), Request{Image: text, Policy: text, Digest: text}),
			check(gateOver(&registryOf{}), Request{Policy: text, Digest: text}),
			check(gateOver(&registryOf{resolve: func(Image) (Resolution, error) { panic(text) }}), Request{}),
		}
		for _, v := range verdicts {
			wantWellFormed(t, v)
			for _, w := range v.Warnings {
				if utf8.RuneCountInString(w) > MaxSentence || !printable(w) {
					t.Errorf("warning: %q", w)
				}
			}
		}
	}
}

// A name that does not fit gives way before the cause does, and keeps its digest.
func TestLongNamesKeepTheCause(t *testing.T) {
	for _, n := range []int{1, 60, 120, 180, 300} {
		img := shop()
		img.Registry = strings.Repeat("r", n) + ".dkr.ecr.eu-west-1.amazonaws.com"
		img.Repository, img.Tag = "start/"+strings.Repeat("x", n), strings.Repeat("t", n)+"-end"
		img.Written = img.String()
		v := Evaluate(dev(), nil, img, []Scan{basic(finding("CVE-2024-1", Critical, openssl()))}, now)
		for _, want := range []string{"start/", "sha256:111111111111", "has 1 CRITICAL (0 allowed), over policy dev"} {
			if !strings.Contains(v.Reason, want) {
				t.Errorf("%d: no %q in %s", n, want, v.Reason)
			}
		}
		wantWellFormed(t, v)
	}
}

// Texts are the same whenever and in whatever order they are asked for.
func TestNoTimesInSentences(t *testing.T) {
	p := with(dev(), func(p *Policy) { p.MaxScanAge = 24 * time.Hour })
	scans := []Scan{basic(), enhanced(finding("CVE-2024-1", Critical)), with(basic(), func(s *Scan) { s.CompletedAt = now.Add(-48 * time.Hour) })}
	for _, s := range scans {
		first := Evaluate(p, nil, shop(), []Scan{s}, now)
		s.CompletedAt, s.ReadAt = s.CompletedAt.Add(-7*time.Minute), s.ReadAt.Add(time.Second)
		second := Evaluate(p, nil, shop(), []Scan{s}, now.Add(time.Minute))
		wantEqual(t, "reason", second.Reason, first.Reason)
		wantEqual(t, "detail", second.Detail(1000), first.Detail(1000))
	}
}

func TestDetailIsCutAtWholeLines(t *testing.T) {
	var list []Finding
	for i := range 300 {
		list = append(list, finding("CVE-2024-"+strings.Repeat("9", 1+i%5), Critical, openssl()))
	}
	v := judge(dev(), nil, basic(list...))
	for limit := 400; limit < 1200; limit += 7 {
		detail := v.Detail(limit)
		if n := utf8.RuneCountInString(detail); n > limit {
			t.Fatalf("%d characters, %d asked", n, limit)
		}
		if !strings.Contains(detail, " more findings") || strings.Contains(detail, "…") {
			t.Fatalf("does not say what it leaves out:\n%s", detail)
		}
	}
}

// People know an image as they wrote it; where they wrote no tag, latest was asked for,
// and the sentence says so.
func TestNameOfAnImage(t *testing.T) {
	const host = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
	digest := "sha256:" + strings.Repeat("1", 64)
	for written, want := range map[string]string{
		host + "/latest":               host + "/latest:latest",
		host + "/shop/web":             host + "/shop/web:latest",
		host + "/shop/web:latest":      host + "/shop/web:latest",
		host + "/shop/web:1":           host + "/shop/web:1",
		host + "/shop/web@" + digest:   host + "/shop/web (sha256:111111111111)",
		host + "/shop/web:1@" + digest: host + "/shop/web:1 (sha256:111111111111)",
		"no reference!":                "no reference!",
	} {
		img, err := ParseImage(written)
		if err != nil {
			img = Image{Written: written}
		}
		v := Unjudged("dev", img, &Trouble{Cause: NotFound, Text: "ECR knows no such image"})
		if want := "could not check: " + want + ": ECR knows no such image"; v.Reason != want {
			t.Errorf("%s: %s, want %s", written, v.Reason, want)
		}
	}
}
