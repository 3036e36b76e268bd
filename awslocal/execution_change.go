package awslocal

import "slices"

// changeList holds changes until they are told. They are told without the
// service's lock, so that a watcher may ask the server, and in order, by one
// goroutine at a time.
type changeList struct {
	watchers []func(Execution)
	pending  []change
	telling  bool
}

type change struct {
	Execution
	done chan struct{} // closed once the change was told; nil: not the last
}

// OnChange calls the function with every change of an execution, in order and
// never twice at once. It must not wait for an execution.
func (s *Server) OnChange(watch func(Execution)) {
	s.pipeline.mu.Lock()
	defer s.pipeline.mu.Unlock()
	s.pipeline.changes.watchers = append(s.pipeline.changes.watchers, watch)
}

// changed notes a change, to be told by announce.
func (p *pipelineService) changed(x *execution) {
	c := change{Execution: x.snapshot()}
	if c.Status != InProgress {
		c.done = x.done
	}
	p.changes.pending = append(p.changes.pending, c)
}

// announce tells what is pending, unless somebody is at it.
func (p *pipelineService) announce() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changes.telling {
		return
	}
	p.changes.telling = true
	defer func() { p.changes.telling = false }()
	for len(p.changes.pending) > 0 {
		next := p.changes.pending[0]
		p.changes.pending = p.changes.pending[1:]
		p.tell(next, slices.Clone(p.changes.watchers))
	}
}

// tell is called with the lock held and gives it up while it tells.
func (p *pipelineService) tell(c change, watchers []func(Execution)) {
	p.mu.Unlock()
	defer p.mu.Lock()
	for _, watch := range watchers {
		watch(c.Execution)
	}
	if c.done != nil {
		close(c.done)
	}
}
