package awslocal

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"
)

// Request is a request that reached the server, whatever became of it.
type Request struct {
	Operation string // "ecr.BatchGetImage"
	AccessKey string // who signed it; empty: nobody
	Region    string // for which Region it was signed
	Path      string
	Raw       []byte         // the body of a JSON or form request
	Body      map[string]any // Raw decoded, if it is JSON
	Time      time.Time      // by Options.Now
}

// keptRequests bounds the log, so that a benchmark does not measure it.
const keptRequests = 10_000

// journal remembers what came in.
type journal struct {
	mu       sync.Mutex
	calls    map[string]int
	requests []Request
}

// request is what of a request is kept.
func (in *incoming) request(now time.Time) Request {
	r := Request{
		Operation: in.operation,
		AccessKey: in.signer.accessKey,
		Region:    in.signer.region,
		Path:      in.http.URL.Path,
		Time:      now,
	}
	if in.service != "s3" {
		r.Raw = in.body
	}
	return r
}

func (j *journal) record(r Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.calls == nil {
		j.calls = map[string]int{}
	}
	j.calls[r.Operation]++
	if len(j.requests) >= keptRequests {
		j.requests = slices.Delete(j.requests, 0, keptRequests/2)
	}
	j.requests = append(j.requests, r)
}

// Calls counts the requests by operation, such as "ecr.BatchGetImage".
func (s *Server) Calls() map[string]int {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	calls := maps.Clone(s.journal.calls)
	if calls == nil {
		calls = map[string]int{}
	}
	return calls
}

// ResetCalls forgets all requests so far.
func (s *Server) ResetCalls() {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	s.journal.calls, s.journal.requests = nil, nil
}

// Requests returns the last requests of an operation, oldest first; of all
// operations if it is empty. At least the last 5,000 are kept.
func (s *Server) Requests(operation string) []Request {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	var found []Request
	for _, r := range s.journal.requests {
		if operation == "" || r.Operation == operation {
			_ = json.Unmarshal(r.Raw, &r.Body) // not every body is JSON
			found = append(found, r)
		}
	}
	return found
}
