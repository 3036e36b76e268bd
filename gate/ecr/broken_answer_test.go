package ecr_test

import (
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// An answer that breaks off or is none of ECR's is asked for again: of a long list of
// findings the first is how a lost connection looks.
func TestAnswerBreaksOff(t *testing.T) {
	aws, source := cloud(t)
	aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{"1"}, Scans: []awslocal.Scan{{
		Status: "COMPLETE", CompletedAt: noon.Add(-time.Hour), Findings: []awslocal.Finding{{Name: "CVE-2026-1", Severity: "LOW"}},
	}}})
	img := image(t, aws, "shop/web:1")
	aws.Inject(awslocal.Fault{Operation: "ecr.BatchGetImage", Truncate: 60, Times: 1})
	aws.Inject(awslocal.Fault{Operation: "ecr.DescribeImageScanFindings", Truncate: 60, Times: 1})
	aws.Inject(awslocal.Fault{Operation: "ecr.DescribeImageScanFindings", Garbage: []byte("<html>Bad Gateway</html>"), Times: 1})
	resolved, err := source.Resolve(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	scan, err := source.Scan(t.Context(), img, resolved.Manifests[0])
	if err != nil || len(scan.Findings) != 1 {
		t.Errorf("%+v, %v", scan, err)
	}
}
