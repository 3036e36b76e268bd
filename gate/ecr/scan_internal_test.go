package ecr

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate"
)

var finished = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

type page = ecr.DescribeImageScanFindingsOutput

// pageOf is a page as ECR sends it: status, counts and times stand on each.
func pageOf(status types.ScanStatus, findings types.ImageScanFindings) *page {
	findings.ImageScanCompletedAt = aws.Time(finished)
	return &page{
		ImageId:           &types.ImageIdentifier{ImageDigest: aws.String(digest(1))},
		ImageScanStatus:   &types.ImageScanStatus{Status: status},
		ImageScanFindings: &findings,
	}
}

func changed(p *page, change func(*page)) *page {
	change(p)
	return p
}

// readPages puts pages together as Scan does; err is that of the first page that
// does not fit, or of the whole.
func readPages(pages ...*page) (gate.Scan, error) {
	r := reader{digest: digest(1)}
	for _, p := range pages {
		if err := r.add(p); err != nil {
			return gate.Scan{}, err
		}
	}
	return r.whole()
}

func wantTrouble(t *testing.T, what string, err error, cause gate.Cause, passing bool) {
	t.Helper()
	trouble, ok := err.(*gate.Trouble) //nolint:errorlint // it is this very one
	if !ok || trouble.Cause != cause || trouble.Passing != passing {
		t.Errorf("%s: got %v, want trouble of cause %s, passing %t", what, err, cause, passing)
	}
}

// Pages that are not of one and the same scan are no scan.
func TestPagesOfOneScan(t *testing.T) {
	plain := func() *page { return pageOf(types.ScanStatusActive, types.ImageScanFindings{}) }
	enhanced := pageOf(types.ScanStatusActive, types.ImageScanFindings{EnhancedFindings: []types.EnhancedImageScanFinding{{}}})
	for what, second := range map[string]*page{
		"the same":          plain(),
		"no image named":    changed(plain(), func(p *page) { p.ImageId = nil }),
		"no digest named":   changed(plain(), func(p *page) { p.ImageId = &types.ImageIdentifier{ImageTag: aws.String("1")} }),
		"no list, no count": plain(),
	} {
		s, err := readPages(enhanced, second)
		if err != nil || s.Pages != 2 || len(s.Findings) != 1 || s.Status != gate.StatusActive || !s.CompletedAt.Equal(finished) {
			t.Errorf("%s: %+v, %v", what, s, err)
		}
	}
	for what, second := range map[string]*page{
		"another status":  changed(plain(), func(p *page) { p.ImageScanStatus.Status = types.ScanStatusComplete }),
		"no status":       changed(plain(), func(p *page) { p.ImageScanStatus = nil }),
		"another time":    changed(plain(), func(p *page) { p.ImageScanFindings.ImageScanCompletedAt = aws.Time(finished.Add(1)) }),
		"no time":         changed(plain(), func(p *page) { p.ImageScanFindings.ImageScanCompletedAt = nil }),
		"the epoch":       changed(plain(), func(p *page) { p.ImageScanFindings.ImageScanCompletedAt = aws.Time(time.Unix(0, 0)) }),
		"nothing of this": {},
	} {
		_, err := readPages(enhanced, second)
		wantTrouble(t, what, err, gate.NotReadable, true)
	}
	other := changed(plain(), func(p *page) { p.ImageId.ImageDigest = aws.String(digest(2)) })
	_, err := readPages(other)
	wantTrouble(t, "another image first", err, gate.BadImage, false)
	_, err = readPages(enhanced, other)
	wantTrouble(t, "another image second", err, gate.BadImage, false)
}

// What has finished lists or counts; what has not need not.
func TestWholeScans(t *testing.T) {
	none := types.ImageScanFindings{}
	_, err := readPages(pageOf(types.ScanStatusComplete, none))
	wantTrouble(t, "finished, and says nothing", err, gate.NotReadable, true)
	for what, p := range map[string]*page{
		"an empty list":          pageOf(types.ScanStatusComplete, types.ImageScanFindings{Findings: []types.ImageScanFinding{}}),
		"an empty enhanced list": pageOf(types.ScanStatusComplete, types.ImageScanFindings{EnhancedFindings: []types.EnhancedImageScanFinding{}}),
		"empty counts":           pageOf(types.ScanStatusComplete, types.ImageScanFindings{FindingSeverityCounts: map[string]int32{}}),
		"not completed":          changed(pageOf(types.ScanStatusInProgress, none), func(p *page) { p.ImageScanFindings.ImageScanCompletedAt = nil }),
		"no findings at all":     changed(pageOf(types.ScanStatusPending, none), func(p *page) { p.ImageScanFindings = nil }),
		"completed at the epoch": changed(pageOf(types.ScanStatusComplete, none), func(p *page) { p.ImageScanFindings.ImageScanCompletedAt = aws.Time(time.Unix(0, 0)) }),
		"completed before it":    changed(pageOf(types.ScanStatusComplete, none), func(p *page) { p.ImageScanFindings.ImageScanCompletedAt = aws.Time(time.Unix(-1, 0)) }),
	} {
		s, err := readPages(p)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if at := p.ImageScanFindings; (at == nil || at.ImageScanCompletedAt == nil || at.ImageScanCompletedAt.Unix() <= 0) != s.CompletedAt.IsZero() {
			t.Errorf("%s: completed at %s", what, s.CompletedAt)
		}
	}
	early := changed(pageOf(types.ScanStatusComplete, types.ImageScanFindings{Findings: []types.ImageScanFinding{}}),
		func(p *page) { p.ImageScanFindings.ImageScanCompletedAt = aws.Time(time.Unix(1, 0)) })
	if s, _ := readPages(early); s.CompletedAt.IsZero() {
		t.Error("a time just after the epoch is none")
	}
}

// A scan that was told to be an enhanced one on any page stays one: a basic result
// would be believed at once.
func TestScannerOfAllPages(t *testing.T) {
	empty := pageOf(types.ScanStatusComplete, types.ImageScanFindings{Findings: []types.ImageScanFinding{}, FindingSeverityCounts: map[string]int32{}})
	basic := pageOf(types.ScanStatusComplete, types.ImageScanFindings{Findings: []types.ImageScanFinding{{}}})
	enhanced := pageOf(types.ScanStatusComplete, types.ImageScanFindings{EnhancedFindings: []types.EnhancedImageScanFinding{{}}})
	open := pageOf(types.ScanStatusComplete, types.ImageScanFindings{Findings: []types.ImageScanFinding{}})
	for what, test := range map[string]struct {
		pages []*page
		want  gate.ScanType
	}{
		"basic without counts":      {[]*page{basic}, gate.Basic},
		"empty with counts":         {[]*page{empty}, gate.Basic},
		"empty without counts":      {[]*page{open}, ""},
		"enhanced, then empty":      {[]*page{enhanced, empty}, gate.Enhanced},
		"enhanced, then basic":      {[]*page{enhanced, basic}, gate.Enhanced},
		"basic, then enhanced":      {[]*page{basic, enhanced}, gate.Enhanced},
		"nothing told, then basic":  {[]*page{open, basic}, gate.Basic},
		"basic, then nothing told ": {[]*page{basic, open}, gate.Basic},
	} {
		s, err := readPages(test.pages...)
		if err != nil || s.Type != test.want {
			t.Errorf("%s: %q, %v", what, s.Type, err)
		}
	}
}

// The largest count of any page stands, and a total is no severity.
func TestCountsOfAllPages(t *testing.T) {
	counting := func(counts map[string]int32) *page {
		return pageOf(types.ScanStatusComplete, types.ImageScanFindings{FindingSeverityCounts: counts})
	}
	s, err := readPages(counting(map[string]int32{"HIGH": 2, "TOTAL": 7}), counting(map[string]int32{"HIGH": 1, "LOW": 3, "UNDEFINED": 1, "SEVERE": 1}), counting(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[gate.Severity]int{gate.High: 2, gate.Low: 3, gate.Untriaged: 2}, s.Counts); diff != "" {
		t.Error(diff)
	}
}

func TestSourceOfTheData(t *testing.T) {
	at := finished.Add(-time.Hour)
	s, err := readPages(pageOf(types.ScanStatusComplete, types.ImageScanFindings{
		Findings: []types.ImageScanFinding{}, VulnerabilitySourceUpdatedAt: aws.Time(at),
	}))
	if err != nil || !s.SourceAt.Equal(at) {
		t.Errorf("%s, %v", s.SourceAt, err)
	}
}

// A finding that is no package's vulnerability goes by its title.
func TestEnhancedFindingsName(t *testing.T) {
	details := func(id string) *types.PackageVulnerabilityDetails {
		return &types.PackageVulnerabilityDetails{VulnerabilityId: aws.String(id), SourceUrl: aws.String("https://cve.example/1")}
	}
	for _, test := range []struct {
		details *types.PackageVulnerabilityDetails
		id, url string
	}{
		{details("CVE-1"), "CVE-1", "https://cve.example/1"},
		{details(""), "title", "https://cve.example/1"},
		{nil, "title", ""},
	} {
		got := enhancedFinding(&types.EnhancedImageScanFinding{Title: aws.String("title"), PackageVulnerabilityDetails: test.details})
		if got.ID != test.id || got.URL != test.url || got.Title != "title" {
			t.Errorf("got %+v, want %s at %q", got, test.id, test.url)
		}
	}
}
