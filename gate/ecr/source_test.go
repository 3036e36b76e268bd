package ecr_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// cloud is an AWS of this test's own, and a source that reads it.
func cloud(t *testing.T, registries ...ecr.Registry) (*awslocal.Server, *ecr.Source) {
	t.Helper()
	return cloudWithin(t, 20*time.Second, registries...)
}

// cloudWithin is for tests in which AWS hangs. In all others calls have time: the
// SDK backs off for seconds when it is throttled.
func cloudWithin(t *testing.T, timeout time.Duration, registries ...ecr.Registry) (*awslocal.Server, *ecr.Source) {
	t.Helper()
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	return aws, ecr.NewSource(aws.AWSConfig(), registries, ecr.CallTimeout(timeout))
}

func image(t *testing.T, aws *awslocal.Server, rest string) gate.Image {
	t.Helper()
	img, err := gate.ParseImage(aws.RegistryHost() + "/" + rest)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// read resolves and reads the one scan of a plain image.
func read(t *testing.T, s *ecr.Source, img gate.Image) (gate.Scan, error) {
	t.Helper()
	r, err := s.Resolve(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	img.Digest = r.Digest
	return s.Scan(t.Context(), img, r.Manifests[0])
}

func complete(findings ...awslocal.Finding) awslocal.Scan {
	if findings == nil {
		findings = []awslocal.Finding{}
	}
	return awslocal.Scan{Status: "COMPLETE", CompletedAt: noon, Findings: findings}
}

func many(n int) []awslocal.Finding {
	list := make([]awslocal.Finding, n)
	for i := range list {
		list[i] = awslocal.Finding{Name: fmt.Sprintf("CVE-2026-%d", i), Severity: "LOW", Package: "p", Version: "1"}
	}
	return list
}

func manyEnhanced(n int) []awslocal.EnhancedFinding {
	list := make([]awslocal.EnhancedFinding, n)
	for i := range list {
		list[i] = awslocal.EnhancedFinding{ID: fmt.Sprintf("CVE-2026-%d", i), Severity: "LOW"}
	}
	return list
}

// A verdict on a plain image costs one resolve call and one findings call a page.
func TestCallsPerVerdict(t *testing.T) {
	for name, tc := range map[string]struct {
		scan  awslocal.Scan
		pages int
	}{
		"clean":                 {complete(), 1},
		"1,000 basic findings":  {complete(many(1000)...), 1},
		"1,001 basic findings":  {complete(many(1001)...), 2},
		"250 enhanced findings": {awslocal.Scan{Status: "ACTIVE", CompletedAt: noon, EnhancedFindings: manyEnhanced(250)}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			aws, source := cloud(t)
			aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{"1"}, Scans: []awslocal.Scan{tc.scan}})
			g := gate.Gate{Source: source, Now: func() time.Time { return noon.Add(time.Hour) }}
			want := map[string]int{"ecr.BatchGetImage": 1, "ecr.DescribeImageScanFindings": tc.pages}
			v := g.Check(t.Context(), gate.Request{Image: aws.RegistryHost() + "/shop/web:1"})
			if v.Outcome != gate.Allowed {
				t.Fatalf("%s: %s", v.Outcome, v.Reason)
			}
			if diff := cmp.Diff(want, aws.Calls()); diff != "" {
				t.Error(diff)
			}
			if n := len(tc.scan.Findings) + len(tc.scan.EnhancedFindings); len(v.Findings) != n {
				t.Errorf("%d findings, want %d", len(v.Findings), n)
			}
		})
	}
}

func TestBasicScan(t *testing.T) {
	aws, source := cloud(t)
	aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, Scans: []awslocal.Scan{complete(
		awslocal.Finding{Name: "CVE-1", Severity: "HIGH", URI: "https://cve.example/1", Package: "zlib", Version: "1.2"},
		awslocal.Finding{Name: "CVE-2", Severity: "UNDEFINED"},
		awslocal.Finding{Name: "CVE-3", Severity: "SEVERE"},
	)}})
	got, err := read(t, source, image(t, aws, "aa:1"))
	if err != nil {
		t.Fatal(err)
	}
	want := gate.Scan{
		Type: gate.Basic, Status: gate.StatusComplete, CompletedAt: noon, Pages: 1,
		Counts: map[gate.Severity]int{gate.High: 1, gate.Untriaged: 2},
		Findings: []gate.Finding{
			{ID: "CVE-1", Severity: gate.High, URL: "https://cve.example/1", Packages: []gate.Package{{Name: "zlib", Version: "1.2"}}},
			{ID: "CVE-2"}, {ID: "CVE-3"},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Error(diff)
	}
}

func TestEnhancedScan(t *testing.T) {
	aws, source := cloud(t)
	aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, Scans: []awslocal.Scan{{
		// COMPLETE with enhancedFindings is no basic scan (theam/facility#127).
		Status: "COMPLETE", CompletedAt: noon,
		EnhancedFindings: []awslocal.EnhancedFinding{
			{ID: "CVE-1", Severity: "CRITICAL", Fix: "PARTIAL", Exploit: "YES", Status: "SUPPRESSED", Platform: "DEBIAN_12", FirstObserved: noon, Title: "t", Packages: []awslocal.Package{
				{Name: "openssl", Epoch: 1, Version: "3.0", Release: "2", Manager: "OS", FixedIn: "0:3.1-1"},
				{Name: "@scope/pkg", Version: "1.0", Manager: "NODEPKG", FilePath: "app/package.json"},
			}},
			{ID: "GHSA-1", Severity: "UNTRIAGED", Fix: "NO", Status: "STRANGE", Title: "t", Related: []string{"CVE-9"}},
		},
	}}})
	got, err := read(t, source, image(t, aws, "aa:1"))
	if err != nil {
		t.Fatal(err)
	}
	want := []gate.Finding{
		{ID: "CVE-1", Severity: gate.Critical, Fix: gate.FixPartial, Exploit: true, Status: gate.Suppressed, FirstObserved: noon, Title: "t", Packages: []gate.Package{
			{Name: "openssl", Version: "1:3.0-2", FixedIn: "3.1-1", PURL: "pkg:deb/debian/openssl@1:3.0-2"},
			{Name: "@scope/pkg", Version: "1.0", Path: "app/package.json", PURL: "pkg:npm/%40scope/pkg@1.0"},
		}},
		{ID: "GHSA-1", Fix: gate.FixNo, Status: gate.StatusUnknown, Title: "t", Related: []string{"CVE-9"}},
	}
	if got.Type != gate.Enhanced {
		t.Errorf("type %q", got.Type)
	}
	if diff := cmp.Diff(want, got.Findings, cmpopts.EquateEmpty(), cmp.Comparer(time.Time.Equal), cmpopts.IgnoreFields(gate.Finding{}, "URL")); diff != "" {
		t.Error(diff)
	}
}

// An answer that says nothing of its scanner is not taken for a basic one, which
// would be believed at once.
func TestScanTypeIsNotGuessed(t *testing.T) {
	for name, tc := range map[string]struct {
		scan awslocal.Scan
		want gate.ScanType
	}{
		"empty list and counts": {awslocal.Scan{Status: "COMPLETE", CompletedAt: noon, Findings: []awslocal.Finding{}}, gate.Basic},
		"no list":               {awslocal.Scan{Status: "COMPLETE", CompletedAt: noon}, ""},
		"no counts":             {awslocal.Scan{Status: "COMPLETE", CompletedAt: noon, Findings: []awslocal.Finding{}, NoCounts: true}, ""},
		"empty enhanced list":   {awslocal.Scan{Status: "COMPLETE", CompletedAt: noon, EnhancedFindings: []awslocal.EnhancedFinding{}}, gate.Enhanced},
		"active":                {awslocal.Scan{Status: "ACTIVE", CompletedAt: noon, Findings: []awslocal.Finding{}}, gate.Enhanced},
		"both lists":            {awslocal.Scan{Status: "COMPLETE", CompletedAt: noon, Findings: many(1), EnhancedFindings: manyEnhanced(1)}, gate.Enhanced},
	} {
		t.Run(name, func(t *testing.T) {
			aws, source := cloud(t)
			aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, Scans: []awslocal.Scan{tc.scan}})
			got, err := read(t, source, image(t, aws, "aa:1"))
			if err != nil {
				t.Fatal(err)
			}
			if got.Type != tc.want {
				t.Errorf("type %q, want %q", got.Type, tc.want)
			}
			if want := len(tc.scan.Findings) + len(tc.scan.EnhancedFindings); len(got.Findings) != want {
				t.Errorf("%d findings, want %d", len(got.Findings), want)
			}
		})
	}
}

// Every error of AWS has its own cause, and none is taken for an empty list.
func TestErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		fault   awslocal.Fault
		cause   gate.Cause
		passing bool
		says    string
	}{
		"no scan":         {awslocal.Fault{Code: "ScanNotFoundException"}, gate.NoScan, true, "no scan"},
		"no image":        {awslocal.Fault{Code: "ImageNotFoundException"}, gate.NotFound, true, "no such image"},
		"no repository":   {awslocal.Fault{Code: "RepositoryNotFoundException"}, gate.NoRepository, false, "repository"},
		"no access":       {awslocal.Fault{Code: "AccessDeniedException", Message: "User: x is not authorized to perform: inspector2:ListFindings on resource: *"}, gate.NoAccess, false, "inspector2:ListFindings"},
		"bad credentials": {awslocal.Fault{Code: "UnrecognizedClientException"}, gate.NoAccess, false, "credentials"},
		"throttled":       {awslocal.Fault{Code: "ThrottlingException", Message: "Rate exceeded"}, gate.NotReadable, true, "throttling"},
		"5xx":             {awslocal.Fault{Status: 500, Code: "ServerException"}, gate.NotReadable, true, "error of its own"},
		"503 unmodelled":  {awslocal.Fault{Status: 503, Code: "Strange"}, gate.NotReadable, true, "error of its own"},
		"invalid":         {awslocal.Fault{Code: "InvalidParameterException"}, gate.BadReference, false, "refuses"},
		"archived":        {awslocal.Fault{Code: "ImageArchivedException"}, gate.Archived, false, "archived"},
		"unknown code":    {awslocal.Fault{Code: "BrandNewException"}, gate.NotReadable, false, "BrandNewException"},
		"hang":            {awslocal.Fault{Hang: true}, gate.NotReadable, true, "in time"},
		"cut off":         {awslocal.Fault{Truncate: 20}, gate.NotReadable, true, ""},
		"dropped":         {awslocal.Fault{Truncate: -1}, gate.NotReadable, true, ""},
		"garbage":         {awslocal.Fault{Garbage: []byte("<html>")}, gate.NotReadable, true, "could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := 20 * time.Second
			if tc.fault.Hang {
				timeout = 500 * time.Millisecond
			}
			aws, source := cloudWithin(t, timeout)
			aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, Scans: []awslocal.Scan{complete()}})
			tc.fault.Operation = "ecr.DescribeImageScanFindings"
			aws.Inject(tc.fault)
			_, err := read(t, source, image(t, aws, "aa:1"))
			var trouble *gate.Trouble
			if !errors.As(err, &trouble) {
				t.Fatalf("got %v", err)
			}
			if trouble.Cause != tc.cause || trouble.Passing != tc.passing || !strings.Contains(trouble.Text, tc.says) {
				t.Errorf("got %s, passing %v: %s", trouble.Cause, trouble.Passing, trouble.Text)
			}
		})
	}
}

// An empty or strange 200 is never clean.
func TestStrangeBodies(t *testing.T) {
	for _, body := range []string{`{}`, `null`, `{"imageScanStatus":{}}`, `{"imageScanStatus":{"status":"COMPLETE"}}`,
		`{"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{}}`,
		`{"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"imageScanCompletedAt":0,"findings":[]}}`,
		`{"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"imageScanCompletedAt":1700000000}}`,
		`{"imageScanStatus":{"status":"ACTIVE"},"imageScanFindings":{"imageScanCompletedAt":1700000000,"findings":null,"enhancedFindings":null}}`,
		`{"imageScanStatus":{"status":"DONE"},"imageScanFindings":{"imageScanCompletedAt":1764000000,"findings":[],"findingSeverityCounts":{}}}`,
		`{"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"imageScanCompletedAt":1764000000,"findings":[],"findingSeverityCounts":{}]},"nextToken":"more"}`,
		`{"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"imageScanCompletedAt":1764000000,"findings":[],"findingSeverityCounts":{}}} more`,
		`{"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"imageScanCompletedAt":1764000000,"findings":[],"findingSeverityCounts":{}}`,
		`{"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"imageScanCompletedAt":1764000000,"findings":[null],"findingSeverityCounts":{"CRITICAL":1}}}`,
		``, `[]`, `"x"`} {
		t.Run(body, func(t *testing.T) {
			aws, source := cloud(t)
			aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, Scans: []awslocal.Scan{{Raw: []byte(body)}}})
			if body == "" {
				aws.Inject(awslocal.Fault{Operation: "ecr.DescribeImageScanFindings", Garbage: []byte{}})
			}
			g := gate.Gate{Source: source, Policies: []gate.Policy{{Name: "all"}}}
			v := g.Check(t.Context(), gate.Request{Image: aws.RegistryHost() + "/aa:1"})
			if v.Outcome == gate.Allowed {
				t.Errorf("allowed: %s", v.Reason)
			}
		})
	}
}

func TestLastPageCounts(t *testing.T) {
	aws, source := cloud(t)
	findings := append(manyEnhanced(150), awslocal.EnhancedFinding{ID: "CVE-BAD", Severity: "CRITICAL"})
	aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, Scans: []awslocal.Scan{{Status: "ACTIVE", CompletedAt: noon, EnhancedFindings: findings}}})
	g := gate.Gate{Source: source, Now: func() time.Time { return noon.Add(time.Hour) }}
	req := gate.Request{Image: aws.RegistryHost() + "/aa:1"}
	if v := g.Check(t.Context(), req); v.Outcome != gate.Denied {
		t.Errorf("CRITICAL on page 2: %s", v.Reason)
	}
	// The second page failing is no short list.
	aws.Inject(awslocal.Fault{Operation: "ecr.DescribeImageScanFindings", After: 1, Code: "AccessDeniedException"})
	if v := g.Check(t.Context(), req); v.Outcome != gate.Unavailable || v.Cause != gate.NoAccess {
		t.Errorf("page 2 refused: %s", v.Reason)
	}
}

func TestTagIsResolvedOnce(t *testing.T) {
	aws, source := cloud(t)
	bad := aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, Seed: "bad", Scans: []awslocal.Scan{complete(awslocal.Finding{Name: "CVE-1", Severity: "CRITICAL"})}})
	good := aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"2"}, Seed: "good", Scans: []awslocal.Scan{complete()}})
	g := gate.Gate{Source: source}
	ask := func(rest, digest string) gate.Verdict {
		return g.Check(t.Context(), gate.Request{Image: aws.RegistryHost() + "/aa" + rest, Digest: digest})
	}
	if v := ask(":1", ""); v.Digest != bad || v.Outcome != gate.Denied {
		t.Errorf("by tag: %s %s", v.Outcome, v.Digest)
	}
	aws.MoveTag("aa", "1", good)
	if v := ask(":1", bad); v.Digest != bad || v.Outcome != gate.Denied {
		t.Errorf("the tag moved, the digest did not: %s %s", v.Outcome, v.Digest)
	}
	if v := ask(":1@"+bad, ""); v.Digest != bad || v.Outcome != gate.Denied {
		t.Errorf("the digest decides, not the tag: %s %s", v.Outcome, v.Digest)
	}
	if v := ask(":1", ""); v.Digest != good || v.Outcome != gate.Allowed {
		t.Errorf("by tag again: %s %s", v.Outcome, v.Reason)
	}
}

// A registry that answers with another manifest than its digest says is refused
// (Kyverno, CVE-2023-47630).
func TestForgedManifestIsRefused(t *testing.T) {
	aws, source := cloud(t)
	digest := aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, Scans: []awslocal.Scan{complete()}})
	for _, body := range []string{
		fmt.Sprintf(`{"images":[{"imageId":{"imageDigest":%q},"imageManifest":"{}"}],"failures":[]}`, digest),
		fmt.Sprintf(`{"images":[{"imageId":{"imageDigest":%q},"imageManifest":"{}"}],"failures":[]}`, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
		`{"images":[],"failures":[]}`, `{}`,
		`{"images":[{"imageManifest":"{}"}]}`,
	} {
		remove := aws.Inject(awslocal.Fault{Operation: "ecr.BatchGetImage", Garbage: []byte(body)})
		img := image(t, aws, "aa@"+digest)
		if r, err := source.Resolve(t.Context(), img); err == nil {
			t.Errorf("%s resolved to %v", body, r)
		}
		remove()
	}
}

func TestOnlyListedRegistriesAreAsked(t *testing.T) {
	aws, source := cloud(t, ecr.Registry{Account: "111122223333", Regions: []string{"eu-west-1"}})
	for _, name := range []string{
		"444455556666.dkr.ecr.eu-west-1.amazonaws.com/aa:1",
		"111122223333.dkr.ecr.us-east-1.amazonaws.com/aa:1",
		"docker.io/library/redis:7",
		"public.ecr.aws/a/b:1",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com.evil.example/a:1",
	} {
		img, err := gate.ParseImage(name)
		if err != nil {
			t.Fatal(err)
		}
		var trouble *gate.Trouble
		if _, err := source.Resolve(t.Context(), img); !errors.As(err, &trouble) || trouble.Passing {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := source.Scan(t.Context(), img, gate.Manifest{Digest: "sha256:1"}); err == nil {
			t.Errorf("%s was asked for its scan", name)
		}
	}
	if calls := aws.Calls(); len(calls) != 0 {
		t.Errorf("AWS was asked: %v", calls)
	}
}

func TestAssumeRole(t *testing.T) {
	const role = "arn:aws:iam::444455556666:role/ecr-gate-read"
	aws, source := cloud(t, ecr.Registry{Account: "444455556666", AssumeRoleARN: role})
	aws.PutImage(awslocal.Image{Account: "444455556666", Repository: "aa", Tags: []string{"1"}, Scans: []awslocal.Scan{complete()}})
	img, err := gate.ParseImage("444455556666.dkr.ecr.eu-west-1.amazonaws.com/aa:1")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := read(t, source, img); err != nil {
			t.Fatal(err)
		}
	}
	if n := aws.Calls()["sts.AssumeRole"]; n != 1 {
		t.Errorf("%d AssumeRole calls for one registry", n)
	}
}

// Only a real quota answer ends the retries: the SDK would take it for throttling.
func TestQuotaIsNotRetried(t *testing.T) {
	aws, source := cloud(t)
	digest := aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, Scans: []awslocal.Scan{complete()}})
	aws.Inject(awslocal.Fault{Operation: "ecr.StartImageScan", Code: "LimitExceededException", Message: "The scan quota per image has been exceeded."})
	err := source.StartScan(t.Context(), image(t, aws, "aa:1"), gate.Manifest{Digest: digest})
	var trouble *gate.Trouble
	if !errors.As(err, &trouble) || trouble.Passing {
		t.Errorf("got %v", err)
	}
	if n := aws.Calls()["ecr.StartImageScan"]; n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestStartScan(t *testing.T) {
	aws, source := cloud(t)
	aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, RescanTo: []awslocal.Scan{complete()}})
	g := gate.Gate{Source: source, Policies: []gate.Policy{{Name: "p", StartScan: true}}}
	req := gate.Request{Image: aws.RegistryHost() + "/aa:1"}
	if v := g.Check(t.Context(), req); v.Outcome != gate.Pending {
		t.Fatalf("no scan yet: %s", v.Reason)
	}
	if v := g.Check(t.Context(), req); v.Outcome != gate.Allowed {
		t.Errorf("after the scan: %s", v.Reason)
	}
	if n := aws.Calls()["ecr.StartImageScan"]; n != 1 {
		t.Errorf("started %d scans", n)
	}
}

func TestDeadlineOfTheCallerHolds(t *testing.T) {
	aws, source := cloud(t)
	aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}})
	aws.Inject(awslocal.Fault{Operation: "ecr.*", Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := source.Resolve(ctx, image(t, aws, "aa:1"))
	var trouble *gate.Trouble
	if !errors.As(err, &trouble) || !trouble.Passing {
		t.Errorf("got %v", err)
	}
}

func TestIndex(t *testing.T) {
	aws, source := cloud(t)
	aws.PutImage(awslocal.Image{Repository: "aa", Tags: []string{"1"}, Children: []awslocal.Image{
		{Platform: "linux/amd64", Scans: []awslocal.Scan{complete()}},
		{Platform: "linux/arm64", Scans: []awslocal.Scan{complete(awslocal.Finding{Name: "CVE-1", Severity: "CRITICAL"})}},
		{Attestation: true},
	}})
	g := gate.Gate{Source: source}
	v := g.Check(t.Context(), gate.Request{Image: aws.RegistryHost() + "/aa:1"})
	if v.Outcome != gate.Denied || len(v.Manifests) != 2 || !strings.Contains(v.Reason, "linux/arm64") {
		t.Errorf("%s, %d manifests: %s", v.Outcome, len(v.Manifests), v.Reason)
	}
	if diff := cmp.Diff(map[string]int{"ecr.BatchGetImage": 1, "ecr.DescribeImageScanFindings": 2}, aws.Calls()); diff != "" {
		t.Error(diff)
	}
}

// A port where nobody listens is no unreadable answer.
func TestNobodyListens(t *testing.T) {
	aws, source := cloud(t)
	img := image(t, aws, "aa:1")
	aws.Close()
	var trouble *gate.Trouble
	if _, err := source.Resolve(t.Context(), img); !errors.As(err, &trouble) || !trouble.Passing || !strings.Contains(trouble.Text, "could not be reached") {
		t.Errorf("got %v", err)
	}
}

// One registry has several hosts, and policies must not care which is written.
func TestOtherHostSamePolicy(t *testing.T) {
	aws, source := cloud(t)
	aws.PutImage(awslocal.Image{Repository: "prod/web", Tags: []string{"1"}, Scans: []awslocal.Scan{complete(awslocal.Finding{Name: "CVE-1", Severity: "CRITICAL"})}})
	g := gate.Gate{Source: source, Canonical: ecr.CanonicalHost, Policies: []gate.Policy{
		{Name: "prod", Images: []string{aws.RegistryHost() + "/prod/**"}},
		{Name: "lax", Limits: map[gate.Severity]int{gate.Critical: 9}},
	}}
	for _, registry := range []string{aws.RegistryHost(), "111122223333.dkr-ecr.eu-west-1.on.aws", "111122223333.dkr.ecr-fips.eu-west-1.amazonaws.com", strings.ToUpper(aws.RegistryHost()), aws.RegistryHost() + ":443"} {
		if v := g.Check(t.Context(), gate.Request{Image: registry + "/prod/web:1"}); v.Outcome != gate.Denied || v.Policy != "prod" {
			t.Errorf("%s: %s by policy %s", registry, v.Outcome, v.Policy)
		}
	}
}
