package awslocal

import (
	"strconv"
	"time"
)

// describeFindingsAnswer is the answer of DescribeImageScanFindings. Nothing
// in it is required, and a nil list differs from an empty one.
type describeFindingsAnswer struct {
	RegistryID string        `json:"registryId"`
	Repository string        `json:"repositoryName"`
	ImageID    imageID       `json:"imageId"`
	Status     *scanStatus   `json:"imageScanStatus,omitempty"`
	Findings   *scanFindings `json:"imageScanFindings,omitempty"`
	NextToken  *string       `json:"nextToken,omitempty"`
}

type scanStatus struct {
	Status      string `json:"status,omitempty"`
	Description string `json:"description,omitempty"`
}

type scanFindings struct {
	CompletedAt     epoch                 `json:"imageScanCompletedAt,omitzero"`
	SourceUpdatedAt epoch                 `json:"vulnerabilitySourceUpdatedAt,omitzero"`
	Counts          map[string]int        `json:"findingSeverityCounts,omitzero"`
	Findings        []basicFindingBody    `json:"findings,omitzero"`
	Enhanced        []enhancedFindingBody `json:"enhancedFindings,omitzero"`
}

// epoch is AWS's timestamp: seconds as a JSON number, with a fraction.
type epoch struct{ time.Time }

// MarshalJSON writes milliseconds, which is what ECR sends.
func (e epoch) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(e.UnixMilli())/1000, 'f', -1, 64), nil
}

func newFindingsAnswer(p place, img *storedImage, asked *imageID) describeFindingsAnswer {
	return describeFindingsAnswer{
		RegistryID: p.account,
		Repository: p.name,
		ImageID:    imageID{Digest: &img.digest, Tag: asked.Tag},
	}
}

func newScanStatus(scan Scan) *scanStatus {
	if scan.Status == "" && scan.Description == "" {
		return nil
	}
	return &scanStatus{scan.Status, scan.Description}
}

// newScanFindings is nil when there is nothing to tell, as under FAILED
// (aws/containers-roadmap#2434) and in a COMPLETE whose results have not
// arrived yet (aws/aws-sdk#289).
func newScanFindings(img *storedImage, scan Scan) *scanFindings {
	counts := countsOf(scan)
	nothing := scan.CompletedAt.IsZero() && scan.SourceUpdatedAt.IsZero() &&
		counts == nil && scan.Findings == nil && scan.EnhancedFindings == nil
	if scan.NoImageScanFindings || nothing {
		return nil
	}
	return &scanFindings{
		CompletedAt:     epoch{scan.CompletedAt},
		SourceUpdatedAt: epoch{scan.SourceUpdatedAt},
		Counts:          counts,
	}
}

// countsOf has keys for the severities that occur only; a clean image's are
// empty, not missing.
func countsOf(scan Scan) map[string]int {
	switch {
	case scan.NoCounts:
		return nil
	case scan.Counts != nil:
		return scan.Counts
	case scan.Findings == nil && scan.EnhancedFindings == nil && scan.CompletedAt.IsZero():
		return nil
	}
	counts := map[string]int{}
	for _, f := range scan.Findings {
		counts[f.Severity]++
	}
	for _, f := range scan.EnhancedFindings {
		counts[f.Severity]++
	}
	return counts
}
