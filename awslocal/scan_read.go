package awslocal

type describeFindingsRequest struct {
	imageRequest
	ImageID    *imageID `json:"imageId"`
	NextToken  *string  `json:"nextToken"`
	MaxResults *int     `json:"maxResults"`
}

func (r describeFindingsRequest) check() error {
	var v violations
	r.imageRequest.check(&v)
	r.ImageID.check(&v)
	v.number("maxResults", r.MaxResults, 1, 1000)
	return v.failure("InvalidParameterException")
}

func (e *ecrService) describeFindings(c call, in describeFindingsRequest) (any, error) {
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
	if isIndex(img.MediaType) || e.hiddenFrom(c, p) {
		return nil, p.noScan(in.ImageID)
	}
	return e.readScan(p, img, in)
}

// hiddenFrom: Inspector's results are shown to the registry's own account
// only, and to others as if there were none (aws/containers-roadmap#2541).
func (e *ecrService) hiddenFrom(c call, p place) bool {
	return p.account != c.caller.account && e.enhanced(p.account)
}

func (p place) noScan(id *imageID) error {
	return refuse("ScanNotFoundException",
		"Image scan does not exist for the image with '%s' in the repository with name '%s' in the registry with id '%s'",
		id, p.name, p.account)
}

func (e *ecrService) readScan(p place, img *storedImage, in describeFindingsRequest) (any, error) {
	at, err := e.position(img, in.NextToken)
	if err != nil {
		return nil, err
	}
	if at.Step < 0 {
		if img.Archived {
			return archivedScan(p, img, in.ImageID), nil
		}
		return nil, p.noScan(in.ImageID)
	}
	scan := img.script.steps[at.Step]
	switch {
	case scan.Error != "":
		return nil, &failure{scan.HTTPStatus, scan.Error, scan.ErrorMessage}
	case scan.Raw != nil:
		return raw(scan.Raw), nil
	}
	return scanPage(p, img, in, scan, at), nil
}

// position is where a read stands: at the token, or at the start of the
// current step.
func (e *ecrService) position(img *storedImage, token *string) (position, error) {
	if token == nil {
		step, ok := img.script.read(e.opts.Now())
		if !ok {
			step = -1
		}
		return position{Image: img.digest, Step: step}, nil
	}
	at, ok := parsePosition(*token)
	if !ok || at.Image != img.digest || at.Step >= len(img.script.steps) {
		return position{}, refuse("InvalidParameterException",
			"Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid NextToken'")
	}
	return at, nil
}

func archivedScan(p place, img *storedImage, id *imageID) describeFindingsAnswer {
	answer := newFindingsAnswer(p, img, id)
	answer.Status = &scanStatus{Status: "IMAGE_ARCHIVED", Description: "The image is archived and cannot be scanned."}
	return answer
}
