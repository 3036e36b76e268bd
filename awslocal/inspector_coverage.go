package awslocal

// coveredResource is an image that Inspector lists, on the wire.
type coveredResource struct {
	Account      string            `json:"accountId"`
	ID           string            `json:"resourceId"`
	ResourceType string            `json:"resourceType"`
	ScanType     string            `json:"scanType"`
	Status       map[string]string `json:"scanStatus"`
	LastScanned  epoch             `json:"lastScannedAt,omitzero"`
	Metadata     map[string]any    `json:"resourceMetadata"`
}

func (e *ecrService) listCoverage(c call, in inspectorRequest) (any, error) {
	if err := in.check(mostInspected, "ecrRepositoryName", "resourceId"); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	images := e.inspected(c, func(img *storedImage) bool {
		return img.coverage != nil && in.fit("ecrRepositoryName", img.Repository) && in.fit("resourceId", resourceID(img))
	})
	from, to, next, err := in.page(len(images), mostInspected)
	if err != nil {
		return nil, err
	}
	covered := []coveredResource{}
	for _, img := range images[from:to] {
		covered = append(covered, e.covered(img))
	}
	return map[string]any{"coveredResources": covered, "nextToken": next}, nil
}

func (e *ecrService) covered(img *storedImage) coveredResource {
	frequency, _ := e.scanning(img.Account).of(img.Repository)
	return coveredResource{
		Account: img.Account, ID: resourceID(img),
		ResourceType: "AWS_ECR_CONTAINER_IMAGE", ScanType: "PACKAGE",
		Status:      map[string]string{"statusCode": img.coverage.StatusCode, "reason": img.coverage.Reason},
		LastScanned: epoch{img.coverage.LastScanned},
		Metadata: map[string]any{
			"ecrRepository": map[string]string{"name": img.Repository, "scanFrequency": frequency},
			"ecrImage":      map[string]any{"tags": append([]string{}, img.Tags...)},
		},
	}
}

// resourceID is what Inspector calls an image by.
func resourceID(img *storedImage) string { return targetOf(img, EnhancedFinding{}).ID }
