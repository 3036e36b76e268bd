package awslocal

// mostOfVariables is the size of all output variables of an action, in bytes.
const mostOfVariables = 122_880

var (
	continuationTokens = constraint{min: 1, max: 2048}
	summaries          = constraint{min: 1, max: 2048}
	executionIDs       = constraint{min: 1, max: 1500}
	revisions          = constraint{min: 1, max: 1500}
	changeIdentifiers  = constraint{min: 1, max: 100}
	variableNames      = constraint{pattern: whole(`[A-Za-z0-9@\-_]+`)}
)

type successRequest struct {
	JobID             *string `json:"jobId"`
	ContinuationToken *string `json:"continuationToken"`
	Details           struct {
		Summary         *string `json:"summary"`
		ExternalID      *string `json:"externalExecutionId"`
		PercentComplete *int    `json:"percentComplete"`
	} `json:"executionDetails"`
	Revision *struct {
		Revision         *string `json:"revision"`
		ChangeIdentifier *string `json:"changeIdentifier"`
		Summary          *string `json:"revisionSummary"`
	} `json:"currentRevision"`
	Variables map[string]string `json:"outputVariables"`
}

func (r successRequest) check() error {
	var v violations
	v.required("jobId", r.JobID, jobIDs)
	v.text("continuationToken", r.ContinuationToken, continuationTokens)
	v.text("executionDetails.summary", r.Details.Summary, summaries)
	v.text("executionDetails.externalExecutionId", r.Details.ExternalID, executionIDs)
	v.number("executionDetails.percentComplete", r.Details.PercentComplete, 0, 100)
	if rev := r.Revision; rev != nil {
		v.required("currentRevision.revision", rev.Revision, revisions)
		v.required("currentRevision.changeIdentifier", rev.ChangeIdentifier, changeIdentifiers)
		v.text("currentRevision.revisionSummary", rev.Summary, summaries)
	}
	for name := range r.Variables {
		v.text("outputVariables.key", &name, variableNames)
	}
	if r.ContinuationToken != nil && len(r.Variables) > 0 {
		v.add("outputVariables", len(r.Variables), "Output variables must not come with a continuation token")
	}
	if err := v.failure("ValidationException"); err != nil {
		return err
	}
	return r.checkVariables()
}

func (r successRequest) checkVariables() error {
	size := 0
	for name, value := range r.Variables {
		size += len(name) + len(value)
	}
	if size > mostOfVariables {
		return refuse("OutputVariablesSizeExceededException",
			"The output variables have %d bytes, more than %d", size, mostOfVariables)
	}
	return nil
}

func (r successRequest) result() JobResult {
	result := JobResult{
		ContinuationToken:   deref(r.ContinuationToken),
		Summary:             deref(r.Details.Summary),
		ExternalExecutionID: deref(r.Details.ExternalID),
		OutputVariables:     r.Variables,
	}
	if r.Details.PercentComplete != nil {
		result.PercentComplete = *r.Details.PercentComplete
	}
	return result
}

// succeed ends the job. With a continuation token another job takes its
// place, with a new id.
func (p *pipelineService) succeed(_ call, in successRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	defer p.announce() // runs after the unlocking
	p.mu.Lock()
	defer p.mu.Unlock()
	j, err := p.settle(*in.JobID, Succeeded, in.result())
	if err != nil {
		return nil, err
	}
	if in.ContinuationToken != nil {
		p.continueJob(j)
	}
	if j.execution != nil {
		p.reported(j)
	}
	return struct{}{}, nil
}

func (p *pipelineService) continueJob(j *job) {
	next := j.Job
	next.ContinuationToken = j.result.ContinuationToken
	successor := p.enqueue(next, j.execution)
	j.successor = successor.id
	if successor.invokes() {
		p.after(p.opts.ContinuationPause, func() { p.invokeNow(successor) })
	}
}

// settle takes a job's one result. A job nobody acknowledged takes none, nor
// does one that has ended; a function need not acknowledge its own.
func (p *pipelineService) settle(id, status string, result JobResult) (*job, error) {
	j, err := p.job(id)
	if err != nil {
		return nil, err
	}
	if j.status != InProgress {
		return nil, refuse("InvalidJobStateException", "The job '%s' is %s and takes no result", j.id, j.status)
	}
	j.status, j.result = status, result
	return j, nil
}
