package awslocal

// defaultInspected is how many findings a page holds if the request does not say.
const (
	defaultInspected = 100
	mostFound        = 100
)

// listFindings answers with the findings of the images' scans as they stand: what
// ECR shows of an enhanced scan comes from here.
func (e *ecrService) listFindings(c call, in inspectorRequest) (any, error) {
	if err := in.check(mostFound, "ecrImageHash", "ecrImageRepositoryName"); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	findings := []enhancedFindingBody{}
	for _, img := range e.inspected(c, func(img *storedImage) bool {
		return in.fit("ecrImageHash", img.digest) && in.fit("ecrImageRepositoryName", img.Repository)
	}) {
		if step, ok := img.script.current(e.opts.Now()); ok {
			findings = append(findings, enhancedFindings(img, img.script.steps[step].EnhancedFindings)...)
		}
	}
	from, to, next, err := in.page(len(findings), defaultInspected)
	if err != nil {
		return nil, err
	}
	return map[string]any{"findings": findings[from:to], "nextToken": next}, nil
}
