package awslocal

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
)

// execution is one run of a pipeline.
type execution struct {
	pipeline  Pipeline
	state     Execution
	at        int               // the stage it has come to
	variables map[string]string // by "namespace.name"
	done      chan struct{}     // closed when it ended and everybody was told
}

// StartPipeline runs a pipeline. Its jobs are handed out by PollForJobs, but for
// those of Lambda actions.
func (s *Server) StartPipeline(pipeline Pipeline) (executionID string) {
	p := s.pipeline
	defer p.announce() // runs after the unlocking
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.newExecution(pipeline)
	p.advance(x)
	return x.state.ID
}

func (p *pipelineService) newExecution(pipeline Pipeline) *execution {
	id := p.newID()
	x := &execution{
		pipeline:  pipeline,
		state:     Execution{ID: id, Pipeline: pipeline.Name, Status: InProgress},
		variables: map[string]string{"codepipeline.PipelineExecutionId": id},
		done:      make(chan struct{}),
	}
	for _, stage := range pipeline.Stages {
		x.state.Stages = append(x.state.Stages, StageExecution{
			Name: stage.Name, Action: cmp.Or(stage.Action.Name, stage.Name), Status: NotStarted,
		})
	}
	p.executions[id] = x
	p.changed(x)
	return x
}

// advance walks on to the next stage that has to wait for a job.
func (p *pipelineService) advance(x *execution) {
	for ; x.at < len(x.state.Stages); x.at++ {
		action := x.pipeline.Stages[x.at].Action
		if action.Provider != "" {
			p.begin(x, action)
			return
		}
		x.state.Stages[x.at].Status = Succeeded
		x.remember(action.Namespace, action.Variables)
		p.changed(x)
	}
	p.end(x, Succeeded)
}

func (x *execution) remember(namespace string, variables map[string]string) {
	for name, value := range variables {
		x.variables[namespace+"."+name] = value
	}
}

// begin makes the stage's job, or fails the stage if a variable is unknown.
func (p *pipelineService) begin(x *execution, action Action) {
	stage := &x.state.Stages[x.at]
	configuration, err := x.resolve(action.Configuration)
	if err != nil {
		stage.Status, stage.FailureType, stage.FailureMessage = Failed, "ConfigurationError", err.Error()
		p.end(x, Failed)
		return
	}
	j := p.enqueue(p.completed(Job{
		Category: action.Category, Provider: action.Provider, Version: action.Version,
		Configuration: configuration,
		Pipeline:      x.pipeline.Name, Stage: stage.Name, Action: stage.Action,
		InputArtifacts:  action.inputs(),
		OutputArtifacts: action.outputs(),
		EncryptionKeyID: action.EncryptionKeyID,
	}), x)
	stage.Status = InProgress
	stage.Jobs = append(stage.Jobs, j.id)
	p.changed(x)
	p.invoke(j)
}

func (a Action) inputs() []Artifact {
	if a.InputArtifact == nil && a.InputArtifactRaw == nil && !a.NoSuchObject {
		return nil
	}
	return []Artifact{{Name: "BuildOutput", Files: a.InputArtifact, Raw: a.InputArtifactRaw, NoSuchObject: a.NoSuchObject}}
}

func (a Action) outputs() []Artifact {
	if a.OutputArtifact == "" {
		return nil
	}
	return []Artifact{{Name: a.OutputArtifact}}
}

// reported carries a job's result into its stage.
func (p *pipelineService) reported(j *job) {
	x := j.execution
	stage := &x.state.Stages[x.at]
	stage.report(j.result)
	switch {
	case j.status == Failed:
		stage.Status = Failed
		p.end(x, Failed)
	case j.successor != "":
		stage.Jobs = append(stage.Jobs, j.successor)
		p.changed(x)
	default:
		stage.Status = Succeeded
		x.remember(x.pipeline.Stages[x.at].Action.Namespace, j.result.OutputVariables)
		x.at++
		p.changed(x)
		p.advance(x)
	}
}

func (s *StageExecution) report(r JobResult) {
	s.Summary, s.PercentComplete = r.Summary, r.PercentComplete
	s.ExternalExecutionID = cmp.Or(r.ExternalExecutionID, s.ExternalExecutionID)
	s.FailureType, s.FailureMessage = r.FailureType, r.FailureMessage
	s.OutputVariables = r.OutputVariables
}

func (p *pipelineService) end(x *execution, status string) {
	x.state.Status = status
	p.changed(x)
}

// StopExecution stops a running execution. A result for its job is refused
// from then on.
func (s *Server) StopExecution(id string) {
	p := s.pipeline
	defer p.announce() // runs after the unlocking
	p.mu.Lock()
	defer p.mu.Unlock()
	x, ok := p.executions[id]
	if !ok || x.state.Status != InProgress {
		return
	}
	stage := &x.state.Stages[x.at]
	j := p.jobs[stage.Jobs[len(stage.Jobs)-1]]
	j.status = jobTimedOut
	p.dequeue(j)
	stage.Status = Stopped
	p.end(x, Stopped)
}

// Execution tells how an execution stands; the zero Execution if there is none
// of this id.
func (s *Server) Execution(id string) Execution {
	s.pipeline.mu.Lock()
	defer s.pipeline.mu.Unlock()
	if x, ok := s.pipeline.executions[id]; ok {
		return x.snapshot()
	}
	return Execution{}
}

func (x *execution) snapshot() Execution {
	state := x.state
	state.Stages = slices.Clone(state.Stages)
	for i := range state.Stages {
		stage := &state.Stages[i]
		stage.Jobs = slices.Clone(stage.Jobs)
		stage.OutputVariables = maps.Clone(stage.OutputVariables)
	}
	return state
}

// WaitExecution returns when the execution has ended and OnChange was told, or
// with the context's error.
func (s *Server) WaitExecution(ctx context.Context, id string) (Execution, error) {
	s.pipeline.mu.Lock()
	x, ok := s.pipeline.executions[id]
	s.pipeline.mu.Unlock()
	if !ok {
		return Execution{}, fmt.Errorf("awslocal: no execution %q", id)
	}
	select {
	case <-x.done:
		return s.Execution(id), nil
	case <-ctx.Done():
		return s.Execution(id), fmt.Errorf("execution %s: %w", id, ctx.Err())
	}
}
