package awslocal

// Pipeline is a pipeline to be run once: its stages one after the other.
type Pipeline struct {
	Name   string
	Stages []Stage
}

// Stage holds one action.
type Stage struct {
	Name   string
	Action Action
}

// Action is one action of a pipeline. Without a Provider it succeeds at once;
// with one it makes a job of that custom action type and waits for the result.
// Provider Lambda of Category Invoke is AWS's own: the job is not polled for but
// handed to the function that the Configuration's FunctionName names.
type Action struct {
	Name     string // default: the stage's
	Provider string
	Category string // default Test
	Version  string // default 1

	// Configuration values may hold references such as #{Build.ImageURI}.
	Configuration map[string]string
	// Namespace is what later actions call this action's variables by.
	Namespace string
	// Variables are what an action without a Provider puts into its namespace;
	// one with a Provider puts the job's output variables there.
	Variables map[string]string

	InputArtifact    map[string][]byte // files to be zipped into the job's input artifact
	InputArtifactRaw []byte            // the input artifact's exact bytes instead
	NoSuchObject     bool              // an input artifact whose object does not exist
	OutputArtifact   string            // name of the output artifact, if the action declares one
	EncryptionKeyID  string            // KMS key of the artifact bucket
}

// Statuses of an execution and of its stages.
const (
	NotStarted = "NotStarted"
	InProgress = "InProgress"
	Succeeded  = "Succeeded"
	Failed     = "Failed"
	Stopped    = "Stopped"
)

// Execution is one run of a pipeline as it stood at one moment.
type Execution struct {
	ID       string
	Pipeline string
	Status   string
	Stages   []StageExecution
}

// Stage returns the named stage, or the zero StageExecution.
func (e Execution) Stage(name string) StageExecution {
	for _, stage := range e.Stages {
		if stage.Name == name {
			return stage
		}
	}
	return StageExecution{}
}

// StageExecution is what is known of one stage of an execution.
type StageExecution struct {
	Name                string
	Action              string
	Status              string
	Summary             string
	PercentComplete     int
	ExternalExecutionID string
	FailureType         string
	FailureMessage      string
	OutputVariables     map[string]string
	Jobs                []string // ids, oldest first; each continuation adds one
}
