package awslocal

// jobBody is a job on the wire: of PollForJobs with a nonce, of GetJobDetails
// without.
type jobBody struct {
	ID      string  `json:"id"`
	Data    jobData `json:"data"`
	Nonce   string  `json:"nonce,omitempty"`
	Account string  `json:"accountId"`
}

type jobData struct {
	ActionType        actionTypeID     `json:"actionTypeId"`
	Action            jobConfiguration `json:"actionConfiguration"`
	Context           *pipelineContext `json:"pipelineContext,omitempty"`
	Inputs            []jobArtifact    `json:"inputArtifacts"`
	Outputs           []jobArtifact    `json:"outputArtifacts"`
	Credentials       *artifactKey     `json:"artifactCredentials,omitempty"`
	ContinuationToken string           `json:"continuationToken,omitempty"`
	EncryptionKey     *encryptionKey   `json:"encryptionKey,omitempty"`
}

type jobConfiguration struct {
	Configuration map[string]string `json:"configuration,omitempty"`
}

type pipelineContext struct {
	Pipeline    string        `json:"pipelineName"`
	Stage       named         `json:"stage"`
	Action      actionContext `json:"action"`
	ARN         string        `json:"pipelineArn"`
	ExecutionID string        `json:"pipelineExecutionId"`
}

type named struct {
	Name string `json:"name"`
}

type actionContext struct {
	Name        string `json:"name"`
	ExecutionID string `json:"actionExecutionId"`
}

type jobArtifact struct {
	Name     string           `json:"name"`
	Location artifactLocation `json:"location"`
}

type artifactLocation struct {
	Type string     `json:"type"`
	S3   s3Location `json:"s3Location"`
}

type s3Location struct {
	Bucket string `json:"bucketName"`
	Key    string `json:"objectKey"`
}

type artifactKey struct {
	AccessKey    string `json:"accessKeyId"`
	SecretKey    string `json:"secretAccessKey"`
	SessionToken string `json:"sessionToken"`
}

type encryptionKey struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// body writes a job, each time with new artifact credentials; a job without
// artifacts has none.
func (p *pipelineService) body(j *job) jobBody {
	data := jobData{
		ActionType:        j.typeID(),
		Action:            jobConfiguration{j.Configuration},
		Context:           p.context(j),
		Inputs:            artifactBodies(j.InputArtifacts),
		Outputs:           artifactBodies(j.OutputArtifacts),
		ContinuationToken: j.ContinuationToken,
	}
	if len(j.grants()) > 0 {
		data.Credentials = p.artifactKey(j)
	}
	if j.EncryptionKeyID != "" {
		data.EncryptionKey = &encryptionKey{j.EncryptionKeyID, "KMS"}
	}
	return jobBody{ID: j.id, Data: data, Nonce: j.nonce, Account: j.Account}
}

func (p *pipelineService) artifactKey(j *job) *artifactKey {
	key, id := p.keys.issue(identity{
		account:   j.Account,
		arn:       "arn:aws:sts::" + j.Account + ":assumed-role/codepipeline/" + j.id,
		artifacts: j.grants(),
	})
	return &artifactKey{key, id.secret, id.token}
}

func (p *pipelineService) context(j *job) *pipelineContext {
	if j.NoPipelineContext {
		return nil
	}
	context := &pipelineContext{
		Pipeline: j.Pipeline,
		Stage:    named{j.Stage},
		// A continuation is another job of the same action execution.
		Action: actionContext{j.Action, "action-" + j.Pipeline + "-" + j.Stage},
		ARN:    "arn:aws:codepipeline:" + p.opts.Region + ":" + j.Account + ":" + j.Pipeline,
	}
	if j.execution != nil {
		context.ExecutionID = j.execution.state.ID
	} else {
		context.ExecutionID = j.id
	}
	context.Action.ExecutionID += "-" + context.ExecutionID
	return context
}

func artifactBodies(artifacts []Artifact) []jobArtifact {
	bodies := make([]jobArtifact, len(artifacts))
	for i, a := range artifacts {
		bodies[i] = jobArtifact{a.Name, artifactLocation{"S3", s3Location{a.Bucket, a.Key}}}
	}
	return bodies
}
