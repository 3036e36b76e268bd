package awslocal

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// FunctionOptions says which Lambda function this is. The zero value is usable.
type FunctionOptions struct {
	Name       string        // default ecr-gate
	Timeout    time.Duration // the deadline each attempt is given; default 60 s
	RetryPause time.Duration // between the attempts of an asynchronous invocation; default 200 ms
}

func (o FunctionOptions) withDefaults() FunctionOptions {
	o.Name = cmp.Or(o.Name, "ecr-gate")
	o.Timeout = cmp.Or(o.Timeout, time.Minute)
	o.RetryPause = cmp.Or(o.RetryPause, 200*time.Millisecond)
	return o
}

// Function is a Lambda function as its process sees it: the runtime API, at an
// address of its own. The process is the caller's to start, with Environment.
// Several may ask for events; each gets one at a time, as Lambda's do.
//
// A process that ends in the middle of an event is not noticed: the attempt is
// over at its deadline.
type Function struct {
	options FunctionOptions
	server  *Server
	address string // host:port of the runtime API
	started chan struct{}

	mu       sync.Mutex
	running  bool                // a process has asked for an event
	issued   int                 // request ids given out
	waiting  []*attempt          // for a process to ask, oldest first
	arrived  chan struct{}       // closed, and replaced, when one more is waiting
	current  map[string]*attempt // handed out and not answered, by request id
	attempts []*attempt          // that were handed out, oldest first
}

// AddFunction makes a function whose runtime API listens on a free port of
// this machine until the server is closed.
func (s *Server) AddFunction(options FunctionOptions) (*Function, error) {
	options = options.withDefaults()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("awslocal: no function %s: the server is closed", options.Name)
	}
	if s.functions[options.Name] != nil {
		return nil, fmt.Errorf("awslocal: there is a function %s already", options.Name)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("awslocal: %w", err)
	}
	f := &Function{
		options: options, server: s, address: l.Addr().String(), started: make(chan struct{}),
		arrived: make(chan struct{}), current: map[string]*attempt{},
	}
	s.functions[options.Name] = f
	listener := &http.Server{Handler: http.HandlerFunc(f.serve), ReadHeaderTimeout: time.Minute}
	s.listeners = append(s.listeners, listener)
	s.serving.Go(func() { _ = listener.Serve(l) })
	return f, nil
}

// function returns the function of this name, or nil.
func (s *Server) function(name string) *Function {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.functions[name]
}

// Environment is what the function's process needs in its environment: the
// server's, and what Lambda sets for a runtime of the user's own; sorted.
func (f *Function) Environment() []string {
	environment := append(f.server.Environment(),
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_FUNCTION_NAME="+f.options.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_RUNTIME_API="+f.address,
		"_HANDLER=bootstrap",
	)
	slices.Sort(environment)
	return environment
}

// Started is closed once a process has asked for an event: its start is over.
func (f *Function) Started() <-chan struct{} { return f.started }

func (f *Function) arn() string {
	return "arn:aws:lambda:" + f.server.opts.Region + ":" + f.server.opts.Account + ":function:" + f.options.Name
}

// close stops the clocks of the attempts that are not answered.
func (f *Function) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.current {
		a.clock.Stop()
	}
}
