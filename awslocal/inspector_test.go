package awslocal_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

func inspectorClient(s *awslocal.Server) *inspector2.Client {
	return inspector2.NewFromConfig(impatient(s))
}

// ofRepository asks for the images of one repository.
func ofRepository(name string) *inspector2.ListCoverageInput {
	return &inspector2.ListCoverageInput{FilterCriteria: &types.CoverageFilterCriteria{
		EcrRepositoryName: []types.CoverageStringFilter{{Comparison: types.CoverageStringComparisonEquals, Value: &name}},
	}}
}

func TestCoverage(t *testing.T) {
	s := start(t, awslocal.Options{})
	s.SetScanType("", "ENHANCED")
	listed := s.PutImage(awslocal.Image{Repository: "shop/web", Seed: "1"})
	s.PutImage(awslocal.Image{Repository: "shop/web", Seed: "2"}) // not listed
	elsewhere := s.PutImage(awslocal.Image{Repository: "shop/api"})
	s.SetCoverage("shop/web", listed, awslocal.Coverage{StatusCode: "INACTIVE", Reason: "UNSUPPORTED_OS", LastScanned: noon})
	s.SetCoverage("shop/api", elsewhere, awslocal.Coverage{StatusCode: "ACTIVE", Reason: "SUCCESSFUL"})

	out, err := inspectorClient(s).ListCoverage(t.Context(), ofRepository("shop/web"))
	if err != nil || len(out.CoveredResources) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	got := out.CoveredResources[0]
	want := types.CoveredResource{
		AccountId: aws.String("111122223333"), ResourceId: aws.String("arn:aws:ecr:eu-west-1:111122223333:repository/shop/web/" + listed),
		ResourceType: types.CoverageResourceTypeAwsEcrContainerImage, ScanType: types.ScanTypePackage, LastScannedAt: got.LastScannedAt,
		ScanStatus: &types.ScanStatus{StatusCode: types.ScanStatusCodeInactive, Reason: types.ScanStatusReasonUnsupportedOs},
		ResourceMetadata: &types.ResourceScanMetadata{
			EcrRepository: &types.EcrRepositoryMetadata{Name: aws.String("shop/web"), ScanFrequency: types.EcrScanFrequencyContinuousScan},
			EcrImage:      &types.EcrContainerImageMetadata{Tags: []string{}},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.CoveredResource{}, types.ScanStatus{}, types.ResourceScanMetadata{}, types.EcrRepositoryMetadata{}, types.EcrContainerImageMetadata{})); diff != "" || !got.LastScannedAt.Equal(noon) {
		t.Errorf("%s\nscanned at %s", diff, got.LastScannedAt)
	}
}

func TestCoverageComesInPages(t *testing.T) {
	s := start(t, awslocal.Options{})
	want := map[string]bool{}
	for _, seed := range []string{"1", "2", "3", "4", "5"} {
		digest := s.PutImage(awslocal.Image{Repository: "shop/web", Seed: seed})
		s.SetCoverage("shop/web", digest, awslocal.Coverage{StatusCode: "ACTIVE", Reason: "SUCCESSFUL"})
		want["arn:aws:ecr:eu-west-1:111122223333:repository/shop/web/"+digest] = true
	}
	in := ofRepository("shop/web")
	in.MaxResults = aws.Int32(2)
	got := map[string]bool{}
	calls := 0
	for pages := inspector2.NewListCoveragePaginator(inspectorClient(s), in); pages.HasMorePages(); calls++ {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.CoveredResources {
			got[*r.ResourceId] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || calls != 3 {
		t.Errorf("%d pages:\n%s", calls, diff)
	}
}

func TestListFindings(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Repository: "shop/web", Scans: []awslocal.Scan{{Status: "ACTIVE", CompletedAt: noon, EnhancedFindings: enhancedFindings(3)}}})
	s.PutImage(awslocal.Image{Repository: "shop/api", Scans: []awslocal.Scan{{Status: "ACTIVE", CompletedAt: noon, EnhancedFindings: enhancedFindings(2)}}})
	out, err := inspectorClient(s).ListFindings(t.Context(), &inspector2.ListFindingsInput{FilterCriteria: &types.FilterCriteria{
		EcrImageHash: []types.StringFilter{{Comparison: types.StringComparisonEquals, Value: &digest}},
	}})
	if err != nil || len(out.Findings) != 3 || *out.Findings[0].PackageVulnerabilityDetails.VulnerabilityId != "CVE-2026-0000" {
		t.Fatalf("%+v, %v", out, err)
	}
	one, err := inspectorClient(s).ListFindings(t.Context(), &inspector2.ListFindingsInput{MaxResults: aws.Int32(1)})
	if err != nil || len(one.Findings) != 1 || one.NextToken == nil {
		t.Errorf("%+v, %v", one, err)
	}
}

func TestInspectorRefuses(t *testing.T) {
	s := start(t, awslocal.Options{})
	criterion := &inspector2.ListCoverageInput{FilterCriteria: &types.CoverageFilterCriteria{
		LambdaFunctionName: []types.CoverageStringFilter{{Comparison: types.CoverageStringComparisonEquals, Value: aws.String("x")}},
	}}
	_, err := inspectorClient(s).ListCoverage(t.Context(), criterion)
	wantError[*types.ValidationException](t, err)
	_, err = inspectorClient(s).ListCoverage(t.Context(), &inspector2.ListCoverageInput{NextToken: aws.String("x")})
	wantError[*types.ValidationException](t, err)
	_, err = inspectorClient(s).ListFindings(t.Context(), &inspector2.ListFindingsInput{MaxResults: aws.Int32(101)})
	wantError[*types.ValidationException](t, err)
	_, err = inspectorClient(s).ListFilters(t.Context(), &inspector2.ListFiltersInput{})
	wantCode(t, err, "UnknownOperationException")
	s.Deny("inspector2.ListFindings", "")
	_, err = inspectorClient(s).ListFindings(t.Context(), &inspector2.ListFindingsInput{})
	wantCode(t, err, "AccessDeniedException")
}

// What is told of the configuration follows the rules: a filter without * fits what
// contains it, the continuous rule wins, and the repository's flag decides nothing.
func TestScanningRules(t *testing.T) {
	s := start(t, awslocal.Options{})
	for _, name := range []string{"prod/web", "shop/prod", "shop/web", "tools/prod-web", "tools/loose"} {
		s.CreateRepository(name)
	}
	s.SetScanningConfiguration("", awslocal.ScanningConfiguration{ScanType: "ENHANCED", Rules: []awslocal.ScanningRule{
		{Frequency: "SCAN_ON_PUSH", Filters: []string{"prod"}}, {Frequency: "CONTINUOUS_SCAN", Filters: []string{"shop/*", "*-web"}},
	}})
	s.SetScanOnPush("tools/loose", true)
	registry, err := ecrClient(s).GetRegistryScanningConfiguration(t.Context(), &ecr.GetRegistryScanningConfigurationInput{})
	if err != nil || registry.ScanningConfiguration.ScanType != ecrtypes.ScanTypeEnhanced || len(registry.ScanningConfiguration.Rules) != 2 {
		t.Fatalf("%+v, %v", registry, err)
	}
	out, err := ecrClient(s).BatchGetRepositoryScanningConfiguration(t.Context(), &ecr.BatchGetRepositoryScanningConfigurationInput{
		RepositoryNames: []string{"prod/web", "shop/prod", "shop/web", "tools/prod-web", "tools/loose"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range out.ScanningConfigurations {
		got[*c.RepositoryName] = string(c.ScanFrequency)
		for _, f := range c.AppliedScanFilters {
			got[*c.RepositoryName] += " " + *f.Filter
		}
		if c.ScanOnPush {
			got[*c.RepositoryName] += " on push"
		}
	}
	want := map[string]string{
		"prod/web": "SCAN_ON_PUSH prod on push", "shop/prod": "CONTINUOUS_SCAN shop/*", "shop/web": "CONTINUOUS_SCAN shop/*",
		"tools/prod-web": "CONTINUOUS_SCAN *-web", "tools/loose": "MANUAL on push",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
