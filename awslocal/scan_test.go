package awslocal_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// readPages reads a scan as the SDK's paginator does and returns the pages.
func readPages(t *testing.T, s *awslocal.Server, in *ecr.DescribeImageScanFindingsInput) []*ecr.DescribeImageScanFindingsOutput {
	t.Helper()
	var pages []*ecr.DescribeImageScanFindingsOutput
	paginator := ecr.NewDescribeImageScanFindingsPaginator(ecrClient(s), in)
	for paginator.HasMorePages() {
		page, err := paginator.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
	}
	return pages
}

func TestPaging(t *testing.T) {
	basic := awslocal.Scan{Status: "COMPLETE", CompletedAt: noon, Findings: basicFindings(250)}
	enhanced := awslocal.Scan{Status: "ACTIVE", CompletedAt: noon, EnhancedFindings: enhancedFindings(250)}
	short := enhanced
	short.PageSize = 120
	tests := map[string]struct {
		scan       awslocal.Scan
		maxResults *int32
		want       []int
	}{
		"basic by default":           {basic, nil, []int{100, 100, 50}},
		"basic honours 1000":         {basic, aws.Int32(1000), []int{250}},
		"basic honours 200":          {basic, aws.Int32(200), []int{200, 50}},
		"enhanced by default":        {enhanced, nil, []int{100, 100, 50}},
		"enhanced ignores 1000":      {enhanced, aws.Int32(1000), []int{100, 100, 50}},
		"enhanced honours less":      {enhanced, aws.Int32(90), []int{90, 90, 70}},
		"page size only makes less":  {short, nil, []int{100, 100, 50}},
		"exactly one page":           {awslocal.Scan{CompletedAt: noon, Findings: basicFindings(100)}, nil, []int{100}},
		"a clean scan is a page too": {awslocal.Scan{CompletedAt: noon, Findings: []awslocal.Finding{}}, nil, []int{0}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, awslocal.Options{})
			digest := s.PutImage(awslocal.Image{Repository: "shop/api", Scans: []awslocal.Scan{test.scan}})
			in := describe("shop/api", digest)
			in.MaxResults = test.maxResults
			var sizes []int
			for _, page := range readPages(t, s, in) {
				sizes = append(sizes, len(page.ImageScanFindings.Findings)+len(page.ImageScanFindings.EnhancedFindings))
			}
			if diff := cmp.Diff(test.want, sizes); diff != "" {
				t.Errorf("page sizes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryPageRepeatsAllButTheFindings(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Repository: "shop/api", Scans: []awslocal.Scan{
		{Status: "ACTIVE", CompletedAt: noon, EnhancedFindings: enhancedFindings(250)},
	}})
	seen := map[string]bool{}
	for _, page := range readPages(t, s, describe("shop/api", digest)) {
		if got := page.ImageScanFindings.FindingSeverityCounts["CRITICAL"]; got != 250 {
			t.Errorf("CRITICAL count of a page is %d, want 250", got)
		}
		if got := page.ImageScanFindings.ImageScanCompletedAt; got == nil || !got.Equal(noon) {
			t.Errorf("completed at %v, want %v", got, noon)
		}
		if page.ImageScanStatus.Status != ecrtypes.ScanStatusActive {
			t.Errorf("status is %s, want ACTIVE", page.ImageScanStatus.Status)
		}
		for _, f := range page.ImageScanFindings.EnhancedFindings {
			seen[*f.PackageVulnerabilityDetails.VulnerabilityId] = true
		}
	}
	if len(seen) != 250 {
		t.Errorf("%d different findings, want 250", len(seen))
	}
}

func TestScriptMovesWithReadsFromTheStart(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Repository: "shop/api", Scans: []awslocal.Scan{
		{Error: "ScanNotFoundException", ErrorMessage: "not yet"},
		{Status: "PENDING", NoCounts: true, Findings: []awslocal.Finding{}, EnhancedFindings: []awslocal.EnhancedFinding{}},
		{Status: "ACTIVE", CompletedAt: noon, EnhancedFindings: enhancedFindings(150)},
	}})
	_, err := ecrClient(s).DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
	if got := wantError[*ecrtypes.ScanNotFoundException](t, err); got.ErrorMessage() != "not yet" {
		t.Errorf("message is %q", got.ErrorMessage())
	}
	pending, err := ecrClient(s).DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
	if err != nil {
		t.Fatal(err)
	}
	if f := pending.ImageScanFindings; f.Findings == nil || f.EnhancedFindings == nil || f.FindingSeverityCounts != nil {
		t.Errorf("pending scan has findings %v, %v, counts %v; want two empty lists and no counts",
			f.Findings, f.EnhancedFindings, f.FindingSeverityCounts)
	}
	for range 2 { // the last step stays
		if pages := readPages(t, s, describe("shop/api", digest)); len(pages) != 2 {
			t.Errorf("%d pages, want 2", len(pages))
		}
	}
}

func TestScriptMovesWithTheClock(t *testing.T) {
	now := noon
	s := start(t, awslocal.Options{Now: func() time.Time { return now }})
	digest := s.PutImage(awslocal.Image{Repository: "shop/api", Scans: []awslocal.Scan{
		{After: time.Minute, Status: "PENDING"},
		{After: 3 * time.Minute, Status: "ACTIVE", CompletedAt: noon},
	}})
	status := func() string {
		out, err := ecrClient(s).DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
		if err != nil {
			wantError[*ecrtypes.ScanNotFoundException](t, err)
			return "none"
		}
		return string(out.ImageScanStatus.Status)
	}
	for _, step := range []struct {
		at   time.Duration
		want string
	}{{0, "none"}, {time.Minute, "PENDING"}, {2 * time.Minute, "PENDING"}, {time.Hour, "ACTIVE"}} {
		now = noon.Add(step.at)
		if got := status(); got != step.want {
			t.Errorf("after %s the status is %s, want %s", step.at, got, step.want)
		}
	}
}

func TestTokenHoldsForItsImageAndStepOnly(t *testing.T) {
	s := start(t, awslocal.Options{})
	scan := []awslocal.Scan{{Status: "ACTIVE", EnhancedFindings: enhancedFindings(150)}}
	one := s.PutImage(awslocal.Image{Repository: "shop/api", Seed: "1", Scans: scan})
	two := s.PutImage(awslocal.Image{Repository: "shop/api", Seed: "2", Scans: scan})
	client := ecrClient(s)
	first, err := client.DescribeImageScanFindings(t.Context(), describe("shop/api", one))
	if err != nil {
		t.Fatal(err)
	}
	for digest, token := range map[string]*string{two: first.NextToken, one: aws.String("made up")} {
		in := describe("shop/api", digest)
		in.NextToken = token
		_, err := client.DescribeImageScanFindings(t.Context(), in)
		wantError[*ecrtypes.InvalidParameterException](t, err)
	}
}

func TestScanWithoutResult(t *testing.T) {
	tests := map[string]awslocal.Scan{
		"failed":                 {Status: "FAILED", Description: "UnsupportedImageError: …"},
		"complete before result": {Status: "COMPLETE"},
		"by request":             {Status: "COMPLETE", CompletedAt: noon, NoImageScanFindings: true},
	}
	for name, scan := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, awslocal.Options{})
			digest := s.PutImage(awslocal.Image{Repository: "shop/api", Scans: []awslocal.Scan{scan}})
			out, err := ecrClient(s).DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
			if err != nil {
				t.Fatal(err)
			}
			if out.ImageScanFindings != nil || string(out.ImageScanStatus.Status) != scan.Status {
				t.Errorf("status %v, findings %v; want %s and none", out.ImageScanStatus, out.ImageScanFindings, scan.Status)
			}
		})
	}
}

func TestFindingsOnTheWire(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Repository: "shop/api", Scans: []awslocal.Scan{{
		Status: "ACTIVE", CompletedAt: noon,
		Findings: []awslocal.Finding{{Name: "CVE-1", Severity: "LOW", Package: "zlib", Version: "1.2", Attributes: map[string]string{"CVSS3_SCORE": "3.1"}}},
		EnhancedFindings: []awslocal.EnhancedFinding{{ID: "CVE-2", Severity: "UNTRIAGED", FirstObserved: noon,
			Packages: []awslocal.Package{{Name: "a", FixedIn: "2"}, {Name: "b", Epoch: 1}}}},
	}}})
	out, err := ecrClient(s).DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
	if err != nil {
		t.Fatal(err)
	}
	attributes := map[string]string{}
	for _, a := range out.ImageScanFindings.Findings[0].Attributes {
		attributes[*a.Key] = *a.Value
	}
	if diff := cmp.Diff(map[string]string{"package_name": "zlib", "package_version": "1.2", "CVSS3_SCORE": "3.1"}, attributes); diff != "" {
		t.Error(diff)
	}
	e := out.ImageScanFindings.EnhancedFindings[0]
	got := []string{*e.Status, *e.FixAvailable, *e.ExploitAvailable, *e.Title, e.FirstObservedAt.UTC().Format(time.RFC3339)}
	for _, p := range e.PackageVulnerabilityDetails.VulnerablePackages {
		got = append(got, *p.FixedInVersion)
	}
	want := []string{"ACTIVE", "PARTIAL", "NO", "CVE-2 - a, b", "2026-03-01T12:00:00Z", "2", "NotAvailable"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRawAnswer(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Repository: "shop/api", Scans: []awslocal.Scan{{Raw: []byte(`{}`)}}})
	out, err := ecrClient(s).DescribeImageScanFindings(t.Context(), describe("shop/api", digest))
	if err != nil || out.ImageScanStatus != nil || out.RepositoryName != nil {
		t.Errorf("got %+v, %v; want an empty answer", out, err)
	}
}
