package awslocal

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// Coverage is what Amazon Inspector says of one image: whether it watches it, and
// if not, why.
type Coverage struct {
	StatusCode  string    // ACTIVE or INACTIVE
	Reason      string    // such as UNSUPPORTED_OS
	LastScanned time.Time // zero: left out
}

// SetCoverage has Inspector list an image; one without is not listed. See SetScans
// for the repository.
func (s *Server) SetCoverage(repository, digest string, c Coverage) {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	if repo, ok := s.ecr.named(repository); ok && repo.images[digest] != nil {
		repo.images[digest].coverage = &c
	}
}

// inspectorOperations are spoken in REST-JSON: the path names the operation.
var inspectorOperations = map[string]string{
	"/coverage/list": "ListCoverage",
	"/findings/list": "ListFindings",
}

// inspectorRequest is what both operations take.
type inspectorRequest struct {
	Criteria   map[string][]stringFilter `json:"filterCriteria"`
	MaxResults *int                      `json:"maxResults"`
	NextToken  *string                   `json:"nextToken"`
}

type stringFilter struct {
	Comparison string `json:"comparison"`
	Value      string `json:"value"`
}

// mostInspected is the most of one page (Inspector service model).
const mostInspected = 200

// check refuses criteria that are not known here, or an answer would hold more
// than was asked for.
func (r inspectorRequest) check(most int, criteria ...string) error {
	var v violations
	v.number("maxResults", r.MaxResults, 1, most)
	for name, filters := range r.Criteria {
		if !slices.Contains(criteria, name) {
			v.add("filterCriteria", name, "awslocal knows of no such criterion")
		}
		for _, f := range filters {
			if f.Comparison != "EQUALS" {
				v.add("filterCriteria."+name, f.Comparison, "awslocal knows EQUALS only")
			}
		}
	}
	return v.failure("ValidationException")
}

// fit reports whether a value is one of those asked for.
func (r inspectorRequest) fit(criterion, value string) bool {
	filters, asked := r.Criteria[criterion]
	return !asked || slices.ContainsFunc(filters, func(f stringFilter) bool { return f.Value == value })
}

// page is the part of the list that is asked for; the token is where the next one
// begins.
func (r inspectorRequest) page(n, most int) (from, to int, next *string, err error) {
	if r.NextToken != nil {
		if from, err = strconv.Atoi(*r.NextToken); err != nil || from < 0 || from > n {
			return 0, 0, nil, refuse("ValidationException", "The nextToken is invalid")
		}
	}
	if r.MaxResults != nil {
		most = *r.MaxResults
	}
	if to = min(from+most, n); to < n {
		token := strconv.Itoa(to)
		next = &token
	}
	return from, to, next, nil
}

// inspected are the images that Inspector may tell the caller of, in a stable order.
func (e *ecrService) inspected(c call, wanted func(*storedImage) bool) []*storedImage {
	var list []*storedImage
	for _, repo := range e.registries[registryID{c.caller.account, c.region}] {
		for _, img := range repo.images {
			if wanted(img) {
				list = append(list, img)
			}
		}
	}
	slices.SortFunc(list, func(a, b *storedImage) int {
		return cmp.Or(cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.digest, b.digest))
	})
	return list
}
