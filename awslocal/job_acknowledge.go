package awslocal

type acknowledgeRequest struct {
	JobID *string `json:"jobId"`
	Nonce *string `json:"nonce"`
}

func (r acknowledgeRequest) check() error {
	var v violations
	v.required("jobId", r.JobID, jobIDs)
	v.required("nonce", r.Nonce, nonces)
	return v.failure("ValidationException")
}

// acknowledge takes a nonce once: whoever comes second had the job taken from
// under it. A job that ended meanwhile answers so.
func (p *pipelineService) acknowledge(_ call, in acknowledgeRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	j, err := p.job(*in.JobID)
	if err != nil {
		return nil, err
	}
	if j.nonce == "" || *in.Nonce != j.nonce {
		return nil, refuse("InvalidNonceException", "The nonce '%s' is not valid for the job '%s'", *in.Nonce, j.id)
	}
	j.nonce = ""
	if j.status == jobDispatched {
		j.status = InProgress
		p.dequeue(j)
	}
	return map[string]string{"status": j.status}, nil
}

func (p *pipelineService) job(id string) (*job, error) {
	j, ok := p.jobs[id]
	if !ok {
		return nil, refuse("JobNotFoundException", "The job '%s' was not found", id)
	}
	return j, nil
}

type jobDetailsRequest struct {
	JobID *string `json:"jobId"`
}

// jobDetails renews the artifact credentials and tells no nonce. It is for custom
// actions only; what AWS answers for another job is not documented.
func (p *pipelineService) jobDetails(_ call, in jobDetailsRequest) (any, error) {
	var v violations
	v.required("jobId", in.JobID, jobIDs)
	if err := v.failure("ValidationException"); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	j, err := p.job(*in.JobID)
	if err != nil {
		return nil, err
	}
	if j.invokes() {
		return nil, refuse("JobNotFoundException", "The job '%s' is not one of a custom action", j.id)
	}
	body := p.body(j)
	body.Nonce = ""
	return map[string]any{"jobDetails": body}, nil
}
