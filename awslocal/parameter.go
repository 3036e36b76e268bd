package awslocal

import (
	"strconv"
	"strings"
	"sync"
	"time"
)

// parameterService is SSM's parameter store.
type parameterService struct {
	opts Options

	mu     sync.Mutex
	byName map[string][]parameterVersion // oldest first
}

type parameterVersion struct {
	value string
	put   time.Time
}

func newParameterService(opts Options) *parameterService {
	return &parameterService{opts: opts, byName: map[string][]parameterVersion{}}
}

// PutParameter puts an SSM parameter; one that is there gets a new version.
func (s *Server) PutParameter(name, value string) {
	p := s.parameters
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byName[name] = append(p.byName[name], parameterVersion{value, p.opts.Now()})
}

type parameterRequest struct {
	Name *string
	// WithDecryption changes nothing: what is kept here is not encrypted.
	WithDecryption bool
}

type parameterBody struct {
	ARN              string
	DataType         string
	LastModifiedDate epoch
	Name             string
	Selector         string `json:",omitempty"`
	Type             string
	Value            string
	Version          int
}

var parameterNames = constraint{min: 1, max: 2048}

// get takes a name or an ARN, either with a version behind a colon.
func (p *parameterService) get(_ call, in parameterRequest) (any, error) {
	var v violations
	v.required("name", in.Name, parameterNames)
	if err := v.failure("ValidationException"); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	name, selector := p.named(*in.Name)
	if strings.Contains(name, "/") && !strings.HasPrefix(name, "/") {
		return nil, refuse("ValidationException", "Parameter name must be a fully qualified name.")
	}
	versions := p.byName[name]
	if len(versions) == 0 {
		return nil, refuse("ParameterNotFound", "")
	}
	version := len(versions)
	if selector != "" {
		n, err := strconv.Atoi(selector)
		if err != nil || n < 1 || n > len(versions) {
			return nil, refuse("ParameterVersionNotFound", "Systems Manager could not find version %s of %s.", selector, name)
		}
		version, selector = n, ":"+selector
	}
	found := versions[version-1]
	return map[string]any{"Parameter": parameterBody{
		ARN: p.arn(name), DataType: "text", LastModifiedDate: epoch{found.put}, Name: name,
		Selector: selector, Type: "String", Value: found.value, Version: version,
	}}, nil
}

// named takes a name apart. An ARN does not tell whether the name in it begins
// with a slash.
func (p *parameterService) named(text string) (name, selector string) {
	text, isARN := strings.CutPrefix(text, p.arn(""))
	name, selector, _ = strings.Cut(text, ":")
	if isARN && p.byName[name] == nil {
		name = "/" + name
	}
	return name, selector
}

func (p *parameterService) arn(name string) string {
	return "arn:aws:ssm:" + p.opts.Region + ":" + p.opts.Account + ":parameter/" + strings.TrimPrefix(name, "/")
}
