package webhook_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// pass lets so much of the bubble's time go by.
func pass(d time.Duration) { <-time.After(d) }

// ECR is down for a minute. What is known to be clean goes on being admitted, what
// is known to be bad stays refused, and nothing unknown comes in; when ECR is back
// all is as before.
func TestECRDownForAMinute(t *testing.T) {
	for name, fault := range map[string]awslocal.Fault{
		"errors":      {Operation: "*", Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable"},
		"throttling":  {Operation: "*", Code: "ThrottlingException"},
		"hanging":     {Operation: "*", Hang: true},
		"unreachable": {Operation: "*", Truncate: -1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
				wantAllowed(t, l.ask(t, create(podOf(l.images["clean"]))))
				wantDenied(t, l.ask(t, create(podOf(l.images["bad"]))), "image not allowed: ")
				pass(30 * time.Second) // no tag is fresh any more
				back := l.aws.Inject(fault)
				warned := false
				for began := time.Now(); time.Since(began) < time.Minute; pass(2 * time.Second) {
					got := l.ask(t, create(podOf(l.images["clean"])))
					wantAllowed(t, got)
					warned = warned || len(got.Warnings) == 1 && strings.Contains(got.Warnings[0], "judged by what it said before")
					wantDenied(t, l.ask(t, create(podOf(l.images["bad"]))), "image not allowed: ")
					wantDenied(t, l.ask(t, create(podOf(l.images["worse"]))), "could not check: ")
					wantDenied(t, l.ask(t, create(podOf(l.images["clean"], l.images["worse"]))), "could not check: ")
				}
				if !warned {
					t.Error("nobody was told that ECR does not answer")
				}
				back()
				pass(15 * time.Second)
				if got := l.ask(t, create(podOf(l.images["clean"]))); !got.Allowed || len(got.Warnings) > 0 {
					t.Errorf("ECR is back: allowed %t, %q", got.Allowed, got.Warnings)
				}
				wantDenied(t, l.ask(t, create(podOf(l.images["worse"]))), "image not allowed: ")
			})
		})
	}
}

// What is known holds for so long and no longer: a tag for two minutes, a scan for
// an hour.
func TestStaleLimit(t *testing.T) {
	inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
		pinned := strings.TrimSuffix(l.images["clean"], ":1.4") + "@" + l.digest(t, "clean")
		wantAllowed(t, l.ask(t, create(podOf(pinned))))
		l.aws.Inject(awslocal.Fault{Operation: "*", Status: http.StatusServiceUnavailable})
		pass(3 * time.Minute)
		wantDenied(t, l.ask(t, create(podOf(l.images["clean"]))), "could not check: ")
		wantAllowed(t, l.ask(t, create(podOf(pinned))))
		pass(50 * time.Minute)
		wantAllowed(t, l.ask(t, create(podOf(pinned))))
		pass(20 * time.Minute)
		wantDenied(t, l.ask(t, create(podOf(pinned))), "could not check: ")
	})
}

// Where the configuration says so an outage lets pods in, with a warning; what has
// no finished scan is nobody's outage.
func TestOnUnavailableWarn(t *testing.T) {
	inBubble(t, webhook.Settings{OnUnavailable: webhook.Warn}, func(t *testing.T, l *lab) {
		wantDenied(t, l.ask(t, create(podOf(l.images["bad"]))), "image not allowed: ")
		wantDenied(t, l.ask(t, create(podOf(l.images["pending"]))), "image not ready: ")
		l.aws.Inject(awslocal.Fault{Operation: "*", Status: http.StatusInternalServerError})
		got := l.ask(t, create(podOf(l.images["worse"])))
		wantAllowed(t, got)
		if len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], `let in unchecked: container "a": could not check: `) {
			t.Errorf("%q", got.Warnings)
		}
		wantDenied(t, l.ask(t, create(podOf(l.images["worse"], l.images["bad"]))), "image not allowed: ")
		wantDenied(t, l.ask(t, create(podOf("nginx"))), "image not allowed: nginx is not in a private Amazon ECR registry")
	})
}

// ECR's scan statuses, each to its words. Only two of them ever let a pod in.
func TestScanStatus(t *testing.T) {
	const notAllowed, notReady, unchecked = "image not allowed: ", "image not ready: ", "could not check: "
	basic := func(status string) awslocal.Scan { return awslocal.Scan{Status: status} }
	done := func(s awslocal.Scan, findings ...awslocal.EnhancedFinding) awslocal.Scan {
		s.CompletedAt, s.EnhancedFindings = hourAgo(), append([]awslocal.EnhancedFinding{}, findings...)
		return s
	}
	critical := awslocal.EnhancedFinding{ID: "CVE-2026-1", Severity: "CRITICAL"}
	low := awslocal.EnhancedFinding{ID: "CVE-2026-2", Severity: "LOW"}
	inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
		for name, c := range map[string]struct {
			scan awslocal.Scan
			want string // empty: let in
		}{
			"COMPLETE, clean":    {awslocal.Scan{Status: "COMPLETE", CompletedAt: hourAgo(), Findings: []awslocal.Finding{}}, ""},
			"ACTIVE, clean":      {done(basic("ACTIVE")), ""},
			"ACTIVE, LOW":        {done(basic("ACTIVE"), low), ""},
			"COMPLETE, CRITICAL": {awslocal.Scan{Status: "COMPLETE", CompletedAt: hourAgo(), Findings: []awslocal.Finding{{Name: "CVE-1", Severity: "CRITICAL"}}}, notAllowed},
			"ACTIVE, CRITICAL":   {done(basic("ACTIVE"), critical), notAllowed},
			"both, one CRITICAL": {awslocal.Scan{Status: "ACTIVE", CompletedAt: hourAgo(), Findings: []awslocal.Finding{{Name: "CVE-1", Severity: "LOW"}}, EnhancedFindings: []awslocal.EnhancedFinding{critical}}, notAllowed},
			"UNDEFINED":          {awslocal.Scan{Status: "COMPLETE", CompletedAt: hourAgo(), Findings: []awslocal.Finding{{Name: "CVE-1", Severity: "UNDEFINED"}}}, notAllowed},
			"UNTRIAGED":          {done(basic("ACTIVE"), awslocal.EnhancedFinding{ID: "CVE-1", Severity: "UNTRIAGED"}), notAllowed},
			"a severity of 2030": {done(basic("ACTIVE"), awslocal.EnhancedFinding{ID: "CVE-1", Severity: "APOCALYPTIC"}), notAllowed},
			"SUPPRESSED counts":  {done(basic("ACTIVE"), awslocal.EnhancedFinding{ID: "CVE-1", Severity: "CRITICAL", Status: "SUPPRESSED"}), notAllowed},
			"CLOSED does not": {func() awslocal.Scan {
				s := done(basic("ACTIVE"), awslocal.EnhancedFinding{ID: "CVE-1", Severity: "CRITICAL", Status: "CLOSED"})
				s.Counts = map[string]int{}
				return s
			}(), ""},
			"counts more": {func() awslocal.Scan {
				s := done(basic("ACTIVE"), low)
				s.Counts = map[string]int{"CRITICAL": 1}
				return s
			}(), unchecked},
			"COMPLETE, no time":     {awslocal.Scan{Status: "COMPLETE", Findings: []awslocal.Finding{}}, notReady},
			"COMPLETE, moments ago": {awslocal.Scan{Status: "ACTIVE", CompletedAt: time.Now(), EnhancedFindings: []awslocal.EnhancedFinding{}}, notReady},
			"COMPLETE, no list":     {awslocal.Scan{Status: "COMPLETE", CompletedAt: hourAgo(), NoCounts: true}, unchecked},

			"IN_PROGRESS":              {basic("IN_PROGRESS"), notReady},
			"PENDING":                  {basic("PENDING"), notReady},
			"FAILED":                   {basic("FAILED"), unchecked},
			"FAILED, unsupported":      {awslocal.Scan{Status: "FAILED", Description: "UnsupportedImageError: no"}, notAllowed},
			"UNSUPPORTED_IMAGE":        {basic("UNSUPPORTED_IMAGE"), notAllowed},
			"SCAN_ELIGIBILITY_EXPIRED": {basic("SCAN_ELIGIBILITY_EXPIRED"), unchecked},
			"expired, with a list":     {done(basic("SCAN_ELIGIBILITY_EXPIRED")), unchecked},
			"FINDINGS_UNAVAILABLE":     {basic("FINDINGS_UNAVAILABLE"), unchecked},
			"LIMIT_EXCEEDED":           {basic("LIMIT_EXCEEDED"), unchecked},
			"IMAGE_ARCHIVED":           {basic("IMAGE_ARCHIVED"), unchecked},
			"a status of 2030":         {done(basic("QUANTUM_CLEAN")), unchecked},
			"no status":                {done(basic("")), unchecked},
			"an empty answer":          {awslocal.Scan{Raw: []byte("{}")}, unchecked},
			"no answer at all":         {awslocal.Scan{Raw: []byte("null")}, unchecked},

			"ScanNotFoundException":       {awslocal.Scan{Error: "ScanNotFoundException"}, notReady},
			"ImageNotFoundException":      {awslocal.Scan{Error: "ImageNotFoundException"}, unchecked},
			"RepositoryNotFoundException": {awslocal.Scan{Error: "RepositoryNotFoundException"}, unchecked},
			"ImageArchivedException":      {awslocal.Scan{Error: "ImageArchivedException"}, unchecked},
			"AccessDeniedException":       {awslocal.Scan{Error: "AccessDeniedException"}, unchecked},
			"ThrottlingException":         {awslocal.Scan{Error: "ThrottlingException"}, unchecked},
			"ExpiredTokenException":       {awslocal.Scan{Error: "ExpiredTokenException"}, unchecked},
			"500":                         {awslocal.Scan{Error: "InternalFailure", HTTPStatus: 500}, unchecked},
			"an error of 2030":            {awslocal.Scan{Error: "QuotaOfTheMoonException"}, unchecked},
		} {
			t.Log(name)
			l.put("status", nil)
			digest := l.aws.PutImage(awslocal.Image{Repository: "shop/status", Tags: []string{"1.4"}, Seed: name, Scans: []awslocal.Scan{c.scan}})
			image := strings.TrimSuffix(l.images["status"], ":1.4") + "@" + digest
			if got := l.ask(t, create(podOf(image))); c.want == "" {
				wantAllowed(t, got)
			} else {
				wantDenied(t, got, c.want)
			}
		}
	})
}

// Trouble on the way to the digest, each to its words.
func TestResolveTrouble(t *testing.T) {
	for name, fault := range map[string]awslocal.Fault{
		"no access":     {Code: "AccessDeniedException", Message: "not authorized to perform: ecr:BatchGetImage"},
		"no repository": {Code: "RepositoryNotFoundException"},
		"no image":      {Garbage: []byte(`{"images":[],"failures":[{"failureCode":"ImageNotFound"}]}`)},
		"throttled":     {Code: "ThrottlingException"},
		"5xx":           {Status: http.StatusBadGateway},
		"dropped":       {Truncate: -1},
		"cut":           {Truncate: 20},
		"garbage":       {Garbage: []byte("<html>")},
		"empty":         {Garbage: []byte("{}")},
		"hanging":       {Hang: true},
	} {
		inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
			fault.Operation = "ecr.BatchGetImage"
			l.aws.Inject(fault)
			t.Log(name)
			wantDenied(t, l.ask(t, create(podOf(l.images["clean"]))), "could not check: ")
		})
	}
	inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
		wantDenied(t, l.ask(t, create(podOf(l.aws.RegistryHost()+"/shop/nowhere:1"))), "could not check: ")
		wantDenied(t, l.ask(t, create(podOf(l.aws.RegistryHost()+"/shop/clean:no-such-tag"))), "could not check: ")
		wantDenied(t, l.ask(t, create(podOf(strings.Replace(l.images["clean"], "eu-west-1", "eu-north-1", 1)))), "could not check: ") // not replicated
	})
}

// An endpoint whose certificate nobody vouches for is no ECR.
func TestUntrustedECR(t *testing.T) {
	cloud := awslocal.New(awslocal.Options{})
	t.Cleanup(cloud.Close)
	server := httptest.NewUnstartedServer(cloud)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // every handshake fails
	server.StartTLS()
	t.Cleanup(server.Close)
	config := cloud.AWSConfig()
	config.BaseEndpoint = &server.URL
	l := labOn(t, cloud, config, webhook.Settings{})
	l.serve(t)
	wantDenied(t, l.ask(t, create(podOf(l.images["clean"]))), "could not check: ")
	if calls := cloud.Calls(); len(calls) > 0 {
		t.Errorf("it was asked %v", calls)
	}
}

// An index is as bad as its worst platform; attestations have no scan and need none.
func TestIndexes(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	child := func(platform string, scans ...awslocal.Scan) awslocal.Image {
		return awslocal.Image{Platform: platform, Scans: scans}
	}
	clean := awslocal.Scan{Status: "COMPLETE", CompletedAt: hourAgo(), Findings: []awslocal.Finding{}}
	bad := awslocal.Scan{Status: "COMPLETE", CompletedAt: hourAgo(), Findings: []awslocal.Finding{{Name: "CVE-1", Severity: "CRITICAL"}}}
	attestation := awslocal.Image{Attestation: true}
	for name, c := range map[string]struct {
		children []awslocal.Image
		want     string
	}{
		"clean":         {[]awslocal.Image{child("linux/amd64", clean), attestation, child("linux/arm64", clean)}, ""},
		"one-bad":       {[]awslocal.Image{child("linux/amd64", clean), child("linux/arm64", bad)}, "image not allowed: "},
		"one-unscanned": {[]awslocal.Image{child("linux/amd64", clean), child("linux/arm64")}, "image not ready: "},
	} {
		l.aws.PutImage(awslocal.Image{Repository: "shop/" + name, Tags: []string{"1"}, Children: c.children})
		got := l.ask(t, create(podOf(l.aws.RegistryHost()+"/shop/"+name+":1")))
		if c.want == "" {
			wantAllowed(t, got)
		} else {
			wantDenied(t, got, c.want)
		}
	}
}

// A fault of the gate's own refuses that pod, and nobody else notices.
func TestPanics(t *testing.T) {
	for name, breakIt := range map[string]func(*webhook.Handler){
		"the gate":           func(h *webhook.Handler) { h.Gate = checker(func(context.Context) { panic("a fault") }) },
		"a nil gate":         func(h *webhook.Handler) { h.Gate = (*gate.Gate)(nil) },
		"the namespaces":     func(h *webhook.Handler) { h.Namespaces = panicking{} },
		"the settings":       func(h *webhook.Handler) { h.Settings = func() webhook.Settings { panic("a fault") } },
		"a missing gate":     func(h *webhook.Handler) { h.Gate = nil },
		"a missing settings": func(h *webhook.Handler) { h.Settings = nil },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, webhook.Settings{})
			l.handler.InFlight = 1 // so that a slot that is lost is missed
			gate, settings := l.handler.Gate, l.handler.Settings
			breakIt(l.handler)
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					got := l.ask(t, create(podOf(l.images["clean"])))
					if got.Allowed || got.Result.Code == 0 {
						t.Errorf("allowed %t, %+v", got.Allowed, got.Result)
					}
				})
			}
			group.Wait()
			l.handler.Gate, l.handler.Settings, l.handler.Namespaces = gate, settings, nil
			wantAllowed(t, l.ask(t, create(podOf(l.images["clean"]))))
		})
	}
}

type panicking struct{}

func (panicking) Labels(context.Context, string) (map[string]string, error) { panic("a fault") }

// One image's fault leaves the verdicts on the others as they are.
func TestPanicOnOneImage(t *testing.T) {
	l := newLab(t, webhook.Settings{OnUnavailable: webhook.Deny})
	l.handler.Gate = faulty{l.handler.Gate, l.images["clean"]}
	got := l.ask(t, create(podOf(l.images["clean"], l.images["bad"])))
	wantDenied(t, got, "image not allowed: shop/bad:1.4")
	if !strings.Contains(got.Result.Message, "a fault of ecr-gate itself") {
		t.Error(got.Result.Message)
	}
	if !strings.Contains(l.log.String(), "panic: a fault") {
		t.Errorf("the log does not say what it was: %s", l.log)
	}
	wantAllowed(t, l.ask(t, request(admissionv1.Delete, "pods", nil, podOf(l.images["bad"]))))
}

// faulty panics on one image.
type faulty struct {
	webhook.Checker
	image string
}

func (f faulty) Check(ctx context.Context, req gate.Request) gate.Verdict {
	if req.Image == f.image {
		panic("a fault")
	}
	return f.Checker.Check(ctx, req)
}
