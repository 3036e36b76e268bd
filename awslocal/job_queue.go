package awslocal

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// pipelineService is CodePipeline: action types, the queue of jobs, and the
// executions that make jobs.
type pipelineService struct {
	opts  Options
	keys  *keyring
	store *objectStore
	// function finds a Lambda function, nil if there is none; after does
	// something in a while. Both may be called with the lock held.
	function func(name string) *Function
	after    func(time.Duration, func())

	mu         sync.Mutex
	types      []*actionType
	jobs       map[string]*job
	order      []*job // oldest first
	queue      []*job // to be handed out, oldest first
	executions map[string]*execution
	issued     int // ids given out
	changes    changeList
}

// job is one job and what became of it.
type job struct {
	Job
	id         string
	nonce      string // empty until the first poll and after the acknowledgement
	status     string
	deliveries int
	result     JobResult
	successor  string
	execution  *execution // nil: a bare job
}

// Statuses of a job beside InProgress, Succeeded and Failed.
const (
	jobQueued     = "Queued"
	jobDispatched = "Dispatched"
	jobTimedOut   = "TimedOut"
)

func newPipelineService(opts Options, keys *keyring, store *objectStore) *pipelineService {
	return &pipelineService{
		opts: opts, keys: keys, store: store,
		jobs:       map[string]*job{},
		executions: map[string]*execution{},
	}
}

// newID makes ids that look like AWS's and are the same in every run.
func (p *pipelineService) newID() string {
	p.issued++
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", p.issued, p.issued)
}

// enqueue makes a job of a complete specification.
func (p *pipelineService) enqueue(spec Job, x *execution) *job {
	j := &job{Job: spec, id: p.newID(), status: jobQueued, execution: x}
	p.jobs[j.id] = j
	p.order = append(p.order, j)
	if !j.invokes() {
		p.queue = append(p.queue, j)
	}
	return j
}

func (p *pipelineService) dequeue(j *job) {
	p.queue = slices.DeleteFunc(p.queue, func(other *job) bool { return other == j })
}

func (j *job) typeID() actionTypeID {
	return actionTypeID{j.Category, "Custom", j.Provider, j.Version}
}

// AddJob queues a job that belongs to no pipeline.
func (s *Server) AddJob(spec Job) (id string) {
	p := s.pipeline
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.enqueue(p.completed(spec), nil)
	p.invoke(j)
	return j.id
}

// JobState tells how a job stands; false: there is no such job.
func (s *Server) JobState(id string) (JobState, bool) {
	s.pipeline.mu.Lock()
	defer s.pipeline.mu.Unlock()
	j, ok := s.pipeline.jobs[id]
	if !ok {
		return JobState{}, false
	}
	return j.state(), true
}

// Jobs tells how all jobs stand, oldest first.
func (s *Server) Jobs() []JobState {
	s.pipeline.mu.Lock()
	defer s.pipeline.mu.Unlock()
	states := make([]JobState, len(s.pipeline.order))
	for i, j := range s.pipeline.order {
		states[i] = j.state()
	}
	return states
}

func (j *job) state() JobState {
	state := JobState{
		ID: j.id, Status: j.status, Successor: j.successor, Result: j.result,
		Pipeline: j.Pipeline, Configuration: j.Configuration, ContinuationToken: j.ContinuationToken,
		InputArtifacts: j.InputArtifacts, OutputArtifacts: j.OutputArtifacts,
	}
	if j.execution != nil {
		state.Execution = j.execution.state.ID
	}
	return state
}
