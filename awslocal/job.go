package awslocal

// Job is a bare job for AddJob, without a pipeline. The zero values make a
// Custom/Test/EcrGate/1 job with no artifacts. With Category Invoke and Provider
// Lambda it goes to the function that the Configuration's FunctionName names.
type Job struct {
	Account  string // default: the server's
	Category string // default Test
	Provider string // default EcrGate
	Version  string // default 1

	Configuration     map[string]string
	ContinuationToken string

	Pipeline string // default "pipeline"
	Stage    string // default "stage"
	Action   string // default "action"

	InputArtifacts  []Artifact
	OutputArtifacts []Artifact
	EncryptionKeyID string

	// NoPipelineContext leaves pipelineContext out.
	NoPipelineContext bool
	// Deliveries is how many polls hand the job out until it is acknowledged;
	// default 1. What AWS does with a job nobody acknowledges is undocumented.
	Deliveries int
}

// Artifact is an input or output artifact of a job.
type Artifact struct {
	Name         string            // default "artifact"
	Bucket       string            // default: the pipelines' artifact bucket
	Key          string            // default: made up
	Files        map[string][]byte // zipped into the object
	Raw          []byte            // the object's exact bytes instead
	NoSuchObject bool              // no object is put
}

// JobState is a job as it stood at one moment.
type JobState struct {
	ID        string
	Status    string // Queued, Dispatched, InProgress, Succeeded, Failed, TimedOut
	Pipeline  string
	Execution string // id; empty for a bare job
	Successor string // id of the job that carries this one's continuation token
	Result    JobResult

	Configuration     map[string]string
	ContinuationToken string // what the job was made with

	InputArtifacts  []Artifact // with Bucket and Key, for Object
	OutputArtifacts []Artifact
}

// JobResult is what a worker reported for a job.
type JobResult struct {
	ContinuationToken   string
	Summary             string
	ExternalExecutionID string
	PercentComplete     int
	OutputVariables     map[string]string
	FailureType         string
	FailureMessage      string
}
