package ecr

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// mostCoveragePages is how many pages of a repository's images are gone through: 200
// images each.
const mostCoveragePages = 20

// whyNot is Inspector's reason for not scanning an image, with what it means and
// what to do (the texts of the Inspector API's ScanStatus).
var whyNot = map[types.ScanStatusReason]struct{ means, mend string }{
	types.ScanStatusReasonPendingInitialScan: {"it waits for its first scan", soon},
	types.ScanStatusReasonPendingRevivalScan: {"it waits for a scan", soon},
	types.ScanStatusReasonScanInProgress:     {"it is being scanned", soon},
	types.ScanStatusReasonSuccessful:         {"it was scanned, and ECR does not show it yet", soon},
	types.ScanStatusReasonInternalError:      {"Inspector has a fault of its own, and says that it will mend it", "wait, or push the image again"},
	types.ScanStatusReasonUnsupportedOs: {"Inspector does not support its operating system, architecture or manifest type",
		"build it on one of https://docs.aws.amazon.com/inspector/latest/user/supported.html"},
	types.ScanStatusReasonUnsupportedMediaType: {"Inspector does not support its media type",
		"push it as an OCI or Docker schema 2 image with gzip, zstd or plain layers"},
	types.ScanStatusReasonScanEligibilityExpired: {"it is no longer watched: its re-scan duration is over", revive},
	types.ScanStatusReasonScanFrequencyManual:    {"no scan rule covers its repository", "see scan rule, above; then push the image again"},
	types.ScanStatusReasonAccessDenied: {"the repository's or the registry's policy keeps Inspector out",
		"take the Deny out of the policy that keeps out the role AWSServiceRoleForAmazonInspector2"},
	types.ScanStatusReasonAccessDeniedToEncryptionKey: {"the repository's KMS key keeps Inspector out",
		"allow kms:Decrypt to the role AWSServiceRoleForAmazonInspector2 in the key's policy"},
	types.ScanStatusReasonImageArchived:      {"it is archived in ECR", "restore it, or push it again"},
	types.ScanStatusReasonResourceTerminated: {"Inspector takes it for deleted", "push it again"},
	types.ScanStatusReasonPendingDisable:     {"Inspector is being turned off in this account", turnOn},
}

const (
	soon   = "look again in some minutes"
	turnOn = "aws inspector2 enable --region REGION --resource-types ECR"
)

// uncovered asks Inspector why ECR has no scan of an image: to ECR a scan that is to
// come, and one that never will, are the same ScanNotFoundException.
func (x *imageExamination) uncovered(ctx context.Context, check string, m gate.Manifest) {
	const none = "ECR knows of no scan of it"
	status, listed, err := x.coverage(ctx, m.Digest)
	switch {
	case err != nil:
		found, mend := unanswered("inspector2:ListCoverage", x.key.region, troubleOf(err))
		x.sheet.Fault(check, none+", and Inspector could not be asked why: "+found, mend)
	case !listed:
		x.sheet.Fault(check, none+", and Inspector does not list it: no rule covered its repository when it was pushed, or it was pushed more than 14 days before enhanced scanning was turned on",
			"see scan rule, above; then push the image again")
	default:
		x.reason(check, none, status)
	}
}

func (x *imageExamination) reason(check, none string, status types.ScanStatus) {
	found := none + "; Inspector says " + string(status.StatusCode) + " " + string(status.Reason)
	why, known := whyNot[status.Reason]
	switch {
	case !known:
		x.sheet.Fault(check, found, "see that reason at https://docs.aws.amazon.com/inspector/v2/APIReference/API_ScanStatus.html")
	case why.mend == soon:
		x.sheet.Warning(check, found+": "+why.means, why.mend)
	default:
		x.sheet.Fault(check, found+": "+why.means, x.here(why.mend))
	}
}

// coverage looks for the image among those of its repository. They are told by the
// digest at the end of their resource ID; what stands before it is documented
// nowhere, so nothing is asked by it.
func (x *imageExamination) coverage(ctx context.Context, digest string) (found types.ScanStatus, listed bool, err error) {
	pages := inspector2.NewListCoveragePaginator(x.inspectorClient(x.client), &inspector2.ListCoverageInput{
		FilterCriteria: &types.CoverageFilterCriteria{EcrRepositoryName: []types.CoverageStringFilter{{
			Comparison: types.CoverageStringComparisonEquals, Value: aws.String(x.img.Repository),
		}}},
		MaxResults: aws.Int32(200),
	}, func(o *inspector2.ListCoveragePaginatorOptions) { o.StopOnDuplicateToken = true })
	for range mostCoveragePages {
		if !pages.HasMorePages() {
			break
		}
		resources, err := x.coveragePage(ctx, pages)
		if err != nil {
			return types.ScanStatus{}, false, err
		}
		for i := range resources {
			if strings.HasSuffix(aws.ToString(resources[i].ResourceId), digest) && resources[i].ScanStatus != nil {
				return *resources[i].ScanStatus, true, nil
			}
		}
	}
	if pages.HasMorePages() {
		return types.ScanStatus{}, false, &gate.Trouble{Cause: gate.NotReadable, Text: "its repository has more images than doctor goes through",
			Mend: "find it in the Inspector console: Account management, Images"}
	}
	return types.ScanStatus{}, false, nil
}

func (x *imageExamination) coveragePage(ctx context.Context, pages *inspector2.ListCoveragePaginator) ([]types.CoveredResource, error) {
	ctx, cancel := x.source.call(ctx)
	defer cancel()
	page, err := pages.NextPage(ctx)
	if err != nil {
		return nil, err
	}
	return page.CoveredResources, nil
}
