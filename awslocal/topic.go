package awslocal

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// topicVersion is the version of SNS's API; the SDK speaks the query protocol.
const topicVersion = "2010-03-31"

// mostOfMessage is the size of a message with its attributes, in bytes. A topic
// can be set to take more.
const mostOfMessage = 256 << 10

// Publication is a message a topic has taken.
type Publication struct {
	TopicARN   string
	Subject    string
	Message    string
	Attributes map[string]string
}

// topicService is SNS.
type topicService struct {
	opts Options

	mu        sync.Mutex
	topics    []string // ARNs
	published []Publication
}

func newTopicService(opts Options) *topicService { return &topicService{opts: opts} }

// AddTopic makes an SNS topic.
func (s *Server) AddTopic(name string) (arn string) {
	t := s.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	arn = "arn:aws:sns:" + t.opts.Region + ":" + t.opts.Account + ":" + name
	t.topics = append(t.topics, arn)
	return arn
}

// Publications returns what was published so far, oldest first.
func (s *Server) Publications() []Publication {
	s.topics.mu.Lock()
	defer s.topics.mu.Unlock()
	all := slices.Clone(s.topics.published)
	for i := range all {
		all[i].Attributes = maps.Clone(all[i].Attributes)
	}
	return all
}

func (t *topicService) perform(c call) (any, error) {
	if c.operation == "sns.Publish" {
		return t.publish(c)
	}
	return nil, refuse("InvalidAction", "Could not find operation %s", c.form.Get("Action"))
}

type publishAnswer struct {
	XMLName   xml.Name `xml:"http://sns.amazonaws.com/doc/2010-03-31/ PublishResponse"`
	MessageID string   `xml:"PublishResult>MessageId"`
}

func (t *topicService) publish(c call) (any, error) {
	p, err := readPublication(c)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.topics, p.TopicARN) {
		return nil, &failure{http.StatusNotFound, "NotFound", "Topic does not exist"}
	}
	t.published = append(t.published, p)
	n := len(t.published)
	return publishAnswer{MessageID: fmt.Sprintf("%08x-0000-4000-a000-%012x", n, n)}, nil
}

func invalidParameter(which string) error {
	return refuse("InvalidParameter", "Invalid parameter: %s", which)
}

func readPublication(c call) (Publication, error) {
	p := Publication{TopicARN: c.form.Get("TopicArn"), Subject: c.form.Get("Subject"), Message: c.form.Get("Message")}
	parts := strings.Split(p.TopicARN, ":")
	switch {
	case p.TopicARN == "":
		return p, invalidParameter("TopicArn or TargetArn Reason: no value for required parameter")
	case len(parts) != 6 || parts[2] != "sns" || parts[3] != c.region: // a topic is published to in its own Region
		return p, invalidParameter("TopicArn")
	case c.form.Has("Subject") && !isSubject(p.Subject):
		return p, invalidParameter("Subject")
	case p.Message == "":
		return p, invalidParameter("Empty message")
	}
	attributes, size, err := readAttributes(c)
	if err == nil && size+len(p.Message) > mostOfMessage {
		err = invalidParameter("Message too long")
	}
	p.Attributes = attributes
	return p, err
}

// isSubject holds what all editions of the API reference allow: "less than 100
// characters", which some take for 100, and ASCII, though the latest knows UTF-8.
func isSubject(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && s[0] != ' ' && len(s) < 100
}

// readAttributes returns the attributes with their size in bytes.
func readAttributes(c call) (attributes map[string]string, size int, err error) {
	for i := 1; ; i++ {
		entry := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		if !c.form.Has(entry + "Name") {
			return attributes, size, nil
		}
		name, kind := c.form.Get(entry+"Name"), c.form.Get(entry+"Value.DataType")
		value := c.form.Get(entry+"Value.StringValue") + c.form.Get(entry+"Value.BinaryValue")
		if name == "" || kind == "" || value == "" {
			return nil, 0, refuse("ParameterValueInvalid", "The message attribute '%s' must contain a non-empty name, type and value.", name)
		}
		if attributes == nil {
			attributes = map[string]string{}
		}
		attributes[name] = value
		size += len(name) + len(kind) + len(value)
	}
}
