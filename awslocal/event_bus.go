package awslocal

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// mostOfEvents is the size of all entries of one PutEvents, in bytes.
const mostOfEvents = 1 << 20

// BusEvent is an event an event bus has taken.
type BusEvent struct {
	Bus        string // its name
	Source     string
	DetailType string
	Detail     []byte // a JSON object
	Resources  []string
}

// busService is EventBridge.
type busService struct {
	opts Options

	mu    sync.Mutex
	names []string
	taken []BusEvent
}

func newBusService(opts Options) *busService {
	return &busService{opts: opts, names: []string{"default"}}
}

// AddEventBus makes an event bus beside the default one.
func (s *Server) AddEventBus(name string) (arn string) {
	b := s.buses
	b.mu.Lock()
	defer b.mu.Unlock()
	b.names = append(b.names, name)
	return b.arn(name)
}

// Events returns what was put on the event buses so far, oldest first.
func (s *Server) Events() []BusEvent {
	s.buses.mu.Lock()
	defer s.buses.mu.Unlock()
	return slices.Clone(s.buses.taken)
}

func (b *busService) arn(name string) string {
	return "arn:aws:events:" + b.opts.Region + ":" + b.opts.Account + ":event-bus/" + name
}

type putEventsRequest struct {
	Entries []eventEntry
}

type eventEntry struct {
	Bus        string `json:"EventBusName"` // a name or an ARN
	Source     string
	DetailType string
	Detail     string
	Resources  []string
	Time       *float64
}

type eventResult struct {
	ID           string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func (r putEventsRequest) check() error {
	var v violations
	v.size("entries", len(r.Entries), 1, 10)
	if err := v.failure("ValidationException"); err != nil {
		return err
	}
	size := 0
	for _, e := range r.Entries {
		size += e.size()
	}
	if size > mostOfEvents {
		return refuse("ValidationException", "Total size of the entries in the request is over the limit.")
	}
	return nil
}

// put answers 200 even if it takes none of the entries.
func (b *busService) put(_ call, in putEventsRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range in.Entries {
		if err := b.find(&in.Entries[i]); err != nil {
			return nil, err
		}
	}
	failed, results := 0, make([]eventResult, len(in.Entries))
	for i, e := range in.Entries {
		if results[i] = e.refusal(); results[i].ErrorCode != "" {
			failed++
			continue
		}
		b.taken = append(b.taken, BusEvent{e.Bus, e.Source, e.DetailType, []byte(e.Detail), e.Resources})
		n := len(b.taken)
		results[i].ID = fmt.Sprintf("%08x-0000-4000-b000-%012x", n, n)
	}
	return map[string]any{"FailedEntryCount": failed, "Entries": results}, nil
}

// find makes sure that the bus exists and calls it by its name. Nobody should
// rely on being told: the service has been reported to take events for a bus
// that does not exist and lose them (github.com/aws/aws-sdk/issues/186).
func (b *busService) find(e *eventEntry) error {
	e.Bus = strings.TrimPrefix(e.Bus, b.arn(""))
	if e.Bus == "" {
		e.Bus = "default"
	}
	if !slices.Contains(b.names, e.Bus) {
		return refuse("ResourceNotFoundException", "Event bus %s does not exist.", e.Bus)
	}
	return nil
}

// size is counted as the user guide says ("Calculating PutEvents event entry
// size").
func (e eventEntry) size() int {
	size := len(e.Source) + len(e.DetailType) + len(e.Detail)
	for _, r := range e.Resources {
		size += len(r)
	}
	if e.Time != nil {
		size += 14
	}
	return size
}

// refusal is why the entry is not taken, or the zero result.
func (e eventEntry) refusal() eventResult {
	var object map[string]json.RawMessage
	switch {
	case e.Source == "":
		return invalidArgument("Source", "Source is a required argument")
	case strings.HasPrefix(e.Source, "aws."):
		return eventResult{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	case e.DetailType == "":
		return invalidArgument("DetailType", "DetailType is a required argument")
	case len(e.DetailType) > 128:
		return invalidArgument("DetailType", "DetailType is longer than 128 characters")
	case e.Detail == "":
		return invalidArgument("Detail", "Detail is a required argument")
	case json.Unmarshal([]byte(e.Detail), &object) != nil || object == nil:
		return eventResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	return eventResult{}
}

func invalidArgument(name, reason string) eventResult {
	return eventResult{ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %s.", name, reason)}
}
