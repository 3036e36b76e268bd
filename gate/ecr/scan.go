package ecr

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Scan reads every page of one manifest's scan. Pages repeat status, counts and
// times; a page that tells them differently means that the result changed while
// it was read, so it is trouble that passes.
func (s *Source) Scan(ctx context.Context, img gate.Image, m gate.Manifest) (gate.Scan, error) {
	client, h, err := s.client(img)
	if err != nil {
		return gate.Scan{}, err
	}
	request := &ecr.DescribeImageScanFindingsInput{
		RegistryId:     aws.String(h.account),
		RepositoryName: aws.String(img.Repository),
		ImageId:        &types.ImageIdentifier{ImageDigest: aws.String(m.Digest)},
		// Enhanced scans hold at most 100 a page whatever is asked (boto3#3449).
		MaxResults: aws.Int32(1000),
	}
	read := reader{digest: m.Digest}
	for {
		page, err := s.page(ctx, client, request)
		if err != nil {
			return gate.Scan{}, trouble(err)
		}
		if err := read.add(page); err != nil {
			return gate.Scan{}, err
		}
		next := aws.ToString(page.NextToken)
		if next == "" {
			return read.whole()
		}
		if next == aws.ToString(request.NextToken) {
			return gate.Scan{}, &gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "ECR repeats the same page of findings", Mend: "try again"}
		}
		if read.scan.Pages >= maxPages {
			return gate.Scan{}, &gate.Trouble{Cause: gate.BadImage, Text: fmt.Sprintf("it has more than %d pages of findings", maxPages), Mend: "build it on a newer base image"}
		}
		request.NextToken = page.NextToken
	}
}

func (s *Source) page(ctx context.Context, client *ecr.Client, request *ecr.DescribeImageScanFindingsInput) (*ecr.DescribeImageScanFindingsOutput, error) {
	ctx, cancel := s.call(ctx)
	defer cancel()
	return client.DescribeImageScanFindings(ctx, request)
}

// reader puts pages together.
type reader struct {
	digest string
	scan   gate.Scan
	listed bool // some page had a list of findings, if an empty one
}

// whole is the scan read. One that says it is finished, and then neither lists nor
// counts anything, is no clean one: absent is not zero (aws/aws-sdk#289).
func (r *reader) whole() (gate.Scan, error) {
	if !r.scan.CompletedAt.IsZero() && !r.listed && r.scan.Counts == nil {
		return gate.Scan{}, &gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "ECR lists no findings and counts none", Mend: "try again"}
	}
	return r.scan, nil
}

func (r *reader) add(page *ecr.DescribeImageScanFindingsOutput) error {
	if page.ImageId != nil && page.ImageId.ImageDigest != nil && *page.ImageId.ImageDigest != r.digest {
		return badImage("ECR answered with another image's scan")
	}
	status, description := statusOf(page)
	completed := completedAt(page)
	if r.scan.Pages > 0 && (status != r.scan.Status || !completed.Equal(r.scan.CompletedAt)) {
		return &gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "its scan changed while it was read", Mend: "try again"}
	}
	r.scan.Pages++
	r.scan.Status, r.scan.Description, r.scan.CompletedAt = status, description, completed
	if f := page.ImageScanFindings; f != nil {
		r.findings(f)
	}
	return nil
}

func statusOf(page *ecr.DescribeImageScanFindingsOutput) (gate.Status, string) {
	if page.ImageScanStatus == nil {
		return "", ""
	}
	return gate.Status(page.ImageScanStatus.Status), aws.ToString(page.ImageScanStatus.Description)
}

// completedAt is zero for a time that is not set, or set to the epoch.
func completedAt(page *ecr.DescribeImageScanFindingsOutput) time.Time {
	if page.ImageScanFindings == nil {
		return time.Time{}
	}
	at := aws.ToTime(page.ImageScanFindings.ImageScanCompletedAt)
	if at.Unix() <= 0 {
		return time.Time{}
	}
	return at
}

func (r *reader) findings(f *types.ImageScanFindings) {
	r.scan.SourceAt = aws.ToTime(f.VulnerabilitySourceUpdatedAt)
	r.typed(f)
	r.listed = r.listed || f.Findings != nil || f.EnhancedFindings != nil
	r.count(f.FindingSeverityCounts)
	for i := range f.Findings {
		r.scan.Findings = append(r.scan.Findings, basicFinding(&f.Findings[i]))
	}
	for i := range f.EnhancedFindings {
		r.scan.Findings = append(r.scan.Findings, enhancedFinding(&f.EnhancedFindings[i]))
	}
}

// typed tells the scanners apart by the key enhancedFindings, not by the status:
// either may say COMPLETE. An answer that holds neither list nor counts says
// nothing of its scanner, so it is left open and settles by age.
func (r *reader) typed(f *types.ImageScanFindings) {
	switch {
	case f.EnhancedFindings != nil || r.scan.Status == gate.StatusActive:
		r.scan.Type = gate.Enhanced
	case r.scan.Type == gate.Enhanced:
	case len(f.Findings) > 0, f.Findings != nil && f.FindingSeverityCounts != nil:
		r.scan.Type = gate.Basic
	}
}

// count takes the largest count of any page: enhanced scans have been seen to
// count by the page (ecperth/check-aws-inspector).
func (r *reader) count(counts map[string]int32) {
	if counts == nil {
		return
	}
	if r.scan.Counts == nil {
		r.scan.Counts = map[gate.Severity]int{}
	}
	page := map[gate.Severity]int{}
	for word, n := range counts {
		if word != "TOTAL" { // Inspector's events add it
			page[gate.ParseSeverity(word)] += int(n)
		}
	}
	for severity, n := range page {
		r.scan.Counts[severity] = max(r.scan.Counts[severity], n)
	}
}
