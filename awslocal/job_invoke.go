package awslocal

import (
	"encoding/json"
	"time"
)

// invokeEvent is what CodePipeline hands to a Lambda function. It has neither a
// pipeline context nor a nonce, and is not acknowledged.
type invokeEvent struct {
	Job invokeJob `json:"CodePipeline.job"`
}

type invokeJob struct {
	ID      string     `json:"id"`
	Account string     `json:"accountId"`
	Data    invokeData `json:"data"`
}

type invokeData struct {
	Action            jobConfiguration `json:"actionConfiguration"`
	Inputs            []invokeArtifact `json:"inputArtifacts"`
	Outputs           []invokeArtifact `json:"outputArtifacts"`
	Credentials       invokeKey        `json:"artifactCredentials"`
	ContinuationToken string           `json:"continuationToken,omitempty"`
	EncryptionKey     *encryptionKey   `json:"encryptionKey,omitempty"`
}

type invokeArtifact struct {
	jobArtifact
	Revision *string `json:"revision"` // null, as of most sources
}

type invokeKey struct {
	*artifactKey
	Expires int64 `json:"expirationTime"` // in milliseconds
}

// invokes reports whether the job is one of CodePipeline's own Lambda action.
func (j *job) invokes() bool { return j.Category == "Invoke" && j.Provider == "Lambda" }

// invoke hands a Lambda action's job to its function; other jobs wait for a
// poll. One that was stopped meanwhile is not handed out.
func (p *pipelineService) invoke(j *job) {
	if !j.invokes() || j.status != jobQueued {
		return
	}
	j.status = InProgress
	name := j.Configuration["FunctionName"]
	if f := p.function(name); f != nil {
		f.InvokeAsync(p.event(j))
		return
	}
	j.status, j.result = Failed, JobResult{
		FailureType:    "ConfigurationError",
		FailureMessage: "The AWS Lambda function " + name + " cannot be found. Make sure that the function exists in the pipeline's region.",
	}
	if j.execution != nil {
		p.reported(j)
	}
}

// invokeNow is invoke for who does not hold the lock.
func (p *pipelineService) invokeNow(j *job) {
	defer p.announce() // runs after the unlocking
	p.mu.Lock()
	defer p.mu.Unlock()
	p.invoke(j)
}

// event writes a job for its function. Whether a job without artifacts comes
// with credentials is not documented; every example has them.
func (p *pipelineService) event(j *job) []byte {
	data := invokeData{
		Action:            jobConfiguration{j.Configuration},
		Inputs:            invokeArtifacts(j.InputArtifacts),
		Outputs:           invokeArtifacts(j.OutputArtifacts),
		Credentials:       invokeKey{p.artifactKey(j), time.Now().Add(time.Hour).UnixMilli()},
		ContinuationToken: j.ContinuationToken,
	}
	if j.EncryptionKeyID != "" {
		data.EncryptionKey = &encryptionKey{j.EncryptionKeyID, "KMS"}
	}
	body, _ := json.Marshal(invokeEvent{invokeJob{j.id, j.Account, data}}) // strings, all of it
	return body
}

func invokeArtifacts(artifacts []Artifact) []invokeArtifact {
	bodies := make([]invokeArtifact, len(artifacts))
	for i, a := range artifactBodies(artifacts) {
		bodies[i].jobArtifact = a
	}
	return bodies
}
