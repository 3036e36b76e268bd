package awslocal

var (
	failureTypes = constraint{enum: []string{"JobFailed", "ConfigurationError", "PermissionError",
		"RevisionOutOfSync", "RevisionUnavailable", "SystemUnavailable"}}
	failureMessages = constraint{min: 1, max: 5000}
)

type failureRequest struct {
	JobID   *string `json:"jobId"`
	Details *struct {
		Type       *string `json:"type"`
		Message    *string `json:"message"`
		ExternalID *string `json:"externalExecutionId"`
	} `json:"failureDetails"`
}

func (r failureRequest) check() error {
	var v violations
	v.required("jobId", r.JobID, jobIDs)
	if d := r.Details; d == nil {
		v.add("failureDetails", "null", "Member must not be null")
	} else {
		v.required("failureDetails.type", d.Type, failureTypes)
		v.required("failureDetails.message", d.Message, failureMessages)
		v.text("failureDetails.externalExecutionId", d.ExternalID, executionIDs)
	}
	return v.failure("ValidationException")
}

func (p *pipelineService) fail(_ call, in failureRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	defer p.announce() // runs after the unlocking
	p.mu.Lock()
	defer p.mu.Unlock()
	j, err := p.settle(*in.JobID, Failed, JobResult{
		FailureType:         *in.Details.Type,
		FailureMessage:      *in.Details.Message,
		ExternalExecutionID: deref(in.Details.ExternalID),
	})
	if err != nil {
		return nil, err
	}
	if j.execution != nil {
		p.reported(j)
	}
	return struct{}{}, nil
}
