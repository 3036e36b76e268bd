package awslocal

import "time"

type startScanRequest struct {
	imageRequest
	ImageID *imageID `json:"imageId"`
}

func (r startScanRequest) check() error {
	var v violations
	r.imageRequest.check(&v)
	r.ImageID.check(&v)
	return v.failure("InvalidParameterException")
}

func (e *ecrService) startScan(c call, in startScanRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p, err := e.find(c, in.imageRequest)
	if err != nil {
		return nil, err
	}
	img, err := p.image(in.ImageID)
	if err != nil {
		return nil, err
	}
	if err := e.refuseScan(p, img); err != nil {
		return nil, err
	}
	e.rescan(img)
	answer := newFindingsAnswer(p, img, in.ImageID)
	answer.Status = &scanStatus{Status: "IN_PROGRESS"}
	return answer, nil
}

// refuseScan knows why ECR would not scan. The texts are those users report:
// alexjurkiewicz/ecr-scan-image#43 for the quota and the feature.
func (e *ecrService) refuseScan(p place, img *storedImage) error {
	now := e.opts.Now()
	switch {
	case e.enhanced(p.account):
		return refuse("ValidationException", "This feature is disabled")
	case isIndex(img.MediaType):
		return refuse("UnsupportedImageTypeException",
			"An artifact with media type '%s' cannot be scanned", img.MediaType)
	case img.Archived:
		return refuse("ImageArchivedException", "The specified image is archived and cannot be scanned.")
	case now.Sub(img.lastScan(now)) < 24*time.Hour:
		return refuse("LimitExceededException",
			"The scan quota per image has been exceeded. Wait and try again.")
	}
	return nil
}

// lastScan is when the image was last scanned, the scan on push included: the
// quota is one in 24 hours. Zero: never.
func (img *storedImage) lastScan(now time.Time) time.Time {
	last := img.scanStarted
	step, ok := img.script.current(now)
	if !ok || img.script.steps[step].Error != "" {
		return last
	}
	scanned := img.script.steps[step].CompletedAt
	if scanned.IsZero() {
		scanned = img.script.since // under way, or it came to nothing
	}
	if scanned.After(last) {
		return scanned
	}
	return last
}

func (e *ecrService) rescan(img *storedImage) {
	now := e.opts.Now()
	steps := img.RescanTo
	if len(steps) == 0 {
		steps = []Scan{{Status: "IN_PROGRESS"}}
	}
	img.scanStarted = now
	img.script = script{steps: steps, since: now}
}
