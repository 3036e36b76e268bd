package awslocal

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options says which AWS this is. The zero value is usable.
type Options struct {
	Account string           // default 111122223333
	Region  string           // default eu-west-1
	Now     func() time.Time // default time.Now

	// ContinuationPause is how long CodePipeline lets pass before it invokes a
	// function again for a job that was continued; default 200 ms. How long AWS
	// takes is documented nowhere.
	ContinuationPause time.Duration
}

// Server is an AWS on this machine: ECR scanning, CodePipeline jobs, S3, STS and
// others behind one HTTP endpoint. It is an http.Handler too. All its methods
// may be called at any time and from several goroutines.
type Server struct {
	opts Options

	keys       *keyring
	ecr        *ecrService
	pipeline   *pipelineService
	store      *objectStore
	sts        *tokenService
	parameters *parameterService
	topics     *topicService
	buses      *busService

	operations map[string]operation
	journal    journal
	faults     faultList
	hooks      hookList
	transport  *http.Transport

	mu        sync.Mutex // guards the fields below
	url       string
	listeners []*http.Server // the endpoint's and the functions'
	functions map[string]*Function
	closed    bool
	closing   chan struct{}
	serving   sync.WaitGroup // the accept loops
	handling  sync.WaitGroup // requests in hand, and what is to be done in a while
}

// New returns a server that does not listen yet.
func New(opts Options) *Server {
	opts = opts.withDefaults()
	s := &Server{
		opts:      opts,
		keys:      newKeyring(opts.Account),
		transport: &http.Transport{MaxIdleConnsPerHost: 64},
		functions: map[string]*Function{},
		closing:   make(chan struct{}),
	}
	s.store = newObjectStore()
	s.ecr = newECRService(opts)
	s.pipeline = newPipelineService(opts, s.keys, s.store)
	s.pipeline.function, s.pipeline.after = s.function, s.after
	s.sts = newTokenService(s.keys)
	s.parameters = newParameterService(opts)
	s.topics = newTopicService(opts)
	s.buses = newBusService(opts)
	s.operations = s.operationTable()
	return s
}

func (o Options) withDefaults() Options {
	if o.Account == "" {
		o.Account = "111122223333"
	}
	if o.Region == "" {
		o.Region = "eu-west-1"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ContinuationPause == 0 {
		o.ContinuationPause = 200 * time.Millisecond
	}
	return o
}

// Start listens on a free port of this machine.
func (s *Server) Start() (url string, err error) {
	return s.StartAt("127.0.0.1:0")
}

// StartAt listens on the given address, plain HTTP.
func (s *Server) StartAt(addr string) (url string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.url != "" {
		return "", fmt.Errorf("awslocal: already started or closed")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("awslocal: %w", err)
	}
	s.url = "http://" + l.Addr().String()
	listener := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.listeners = append(s.listeners, listener)
	s.serving.Go(func() { _ = listener.Serve(l) })
	return s.url, nil
}

// Close drops all connections, releases hanging requests and returns when no
// request is in hand any more. A closed server stays closed.
func (s *Server) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	listeners, functions := s.listeners, s.functions
	s.mu.Unlock()
	if first {
		// Connections go before the hanging requests are let go, so that none
		// of those looks like an answer.
		for _, listener := range listeners {
			_ = listener.Close()
		}
		close(s.closing)
	}
	s.handling.Wait()
	s.serving.Wait()
	for _, f := range functions {
		f.close()
	}
	s.transport.CloseIdleConnections()
}

// URL is the endpoint. Before Start it names no host that exists, so that a
// client made too early cannot reach the real AWS.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.url == "" {
		return "http://awslocal.invalid"
	}
	return s.url
}

// enter reports false when the server is closed. Every true is to be followed
// by handling.Done.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.handling.Add(1)
	}
	return !s.closed
}

// after does something in a while, unless the server is closed before.
func (s *Server) after(d time.Duration, do func()) {
	if !s.enter() {
		return
	}
	go func() {
		defer s.handling.Done()
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			do()
		case <-s.closing:
		}
	}()
}
