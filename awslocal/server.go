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
}

// Server is an AWS on this machine: ECR scanning, CodePipeline jobs, S3 and
// STS behind one HTTP endpoint. It is an http.Handler too. All its methods
// may be called at any time and from several goroutines.
type Server struct {
	opts Options

	keys     *keyring
	ecr      *ecrService
	pipeline *pipelineService
	store    *objectStore
	sts      *tokenService

	operations map[string]operation
	journal    journal
	faults     faultList
	transport  *http.Transport

	mu       sync.Mutex // guards the fields below
	url      string
	listener *http.Server
	closed   bool
	closing  chan struct{}
	serving  sync.WaitGroup // the accept loop
	handling sync.WaitGroup // requests in hand
}

// New returns a server that does not listen yet.
func New(opts Options) *Server {
	opts = opts.withDefaults()
	s := &Server{
		opts:      opts,
		keys:      newKeyring(opts.Account),
		transport: &http.Transport{MaxIdleConnsPerHost: 64},
		closing:   make(chan struct{}),
	}
	s.store = newObjectStore()
	s.ecr = newECRService(opts)
	s.pipeline = newPipelineService(opts, s.keys, s.store)
	s.sts = newTokenService(s.keys)
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
	if s.closed || s.listener != nil {
		return "", fmt.Errorf("awslocal: already started or closed")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("awslocal: %w", err)
	}
	s.url = "http://" + l.Addr().String()
	s.listener = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.serving.Go(func() { _ = s.listener.Serve(l) })
	return s.url, nil
}

// Close drops all connections, releases hanging requests and returns when no
// request is in hand any more. A closed server stays closed.
func (s *Server) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	listener := s.listener
	s.mu.Unlock()
	if first {
		// Connections go before the hanging requests are let go, so that none
		// of those looks like an answer.
		if listener != nil {
			_ = listener.Close()
		}
		close(s.closing)
	}
	s.handling.Wait()
	s.serving.Wait()
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
