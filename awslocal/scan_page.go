package awslocal

import (
	"encoding/base64"
	"encoding/json"
)

// The page sizes. Enhanced pages hold 100 findings at most, whatever
// maxResults says (boto/boto3#3449, confirmed there as the service's doing).
const (
	defaultPage     = 100
	mostOfEnhanced  = 100
	pageTokenPrefix = "v1:"
)

// position is what a nextToken stands for: where in which step of which
// image's scan to read on.
type position struct {
	Image  string
	Step   int
	Offset int
}

func (p position) token() *string {
	encoded, _ := json.Marshal(p)
	token := base64.RawURLEncoding.EncodeToString(append([]byte(pageTokenPrefix), encoded...))
	return &token
}

func parsePosition(token string) (position, bool) {
	decoded, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(decoded) < len(pageTokenPrefix) {
		return position{}, false
	}
	var p position
	err = json.Unmarshal(decoded[len(pageTokenPrefix):], &p)
	return p, err == nil && p.Step >= 0 && p.Offset > 0
}

func pageSize(scan Scan, maxResults *int) int {
	size := defaultPage
	if maxResults != nil {
		size = *maxResults
	}
	if len(scan.EnhancedFindings) > 0 {
		size = min(size, mostOfEnhanced)
	}
	if scan.PageSize > 0 {
		size = min(size, scan.PageSize)
	}
	return size
}

// scanPage answers one page. Each repeats the status, the counts and the
// times; only the findings advance.
func scanPage(p place, img *storedImage, in describeFindingsRequest, scan Scan, at position) describeFindingsAnswer {
	size := pageSize(scan, in.MaxResults)
	answer := newFindingsAnswer(p, img, in.ImageID)
	answer.Status = newScanStatus(scan)
	answer.Findings = newScanFindings(img, scan)
	if answer.Findings != nil {
		answer.Findings.Findings = basicFindings(window(scan.Findings, at.Offset, size))
		answer.Findings.Enhanced = enhancedFindings(img, window(scan.EnhancedFindings, at.Offset, size))
	}
	if next := at.Offset + size; next < max(len(scan.Findings), len(scan.EnhancedFindings)) {
		at.Offset = next
		answer.NextToken = at.token()
	}
	return answer
}

// window keeps nil nil and empty empty.
func window[T any](all []T, offset, size int) []T {
	offset = min(offset, len(all))
	return all[offset:min(offset+size, len(all))]
}
