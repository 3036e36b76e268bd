package awslocal

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
)

// call is a request whose signer is known.
type call struct {
	*incoming
	caller identity
	region string
}

// operation answers one AWS operation: a value to be sent as JSON, a raw
// body, or an error, a *failure if AWS would know it.
type operation func(call) (any, error)

// answer writes the answer to a request.
type answer func(http.ResponseWriter, *incoming)

// raw is a body to be answered as it is.
type raw []byte

// ServeHTTP answers one AWS request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.attend(w, r, (*incoming).name, s.perform)
}

// attend writes a request into the journal and has it answered, or lets it
// suffer a fault, with the hooks around it.
func (s *Server) attend(w http.ResponseWriter, r *http.Request, name func(*incoming), answer answer) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.handling.Done()
	in, err := receive(r)
	if err != nil {
		panic(http.ErrAbortHandler) // the client went away halfway
	}
	name(in)
	before, after := s.hooks.of(in.operation)
	request := in.request(s.opts.Now())
	if !before.goOn(request) {
		panic(http.ErrAbortHandler)
	}
	s.journal.record(request)
	hold(w, request, after, func(w http.ResponseWriter) {
		if f, ok := s.faults.strikes(request); ok {
			s.suffer(w, in, f, answer)
			return
		}
		answer(w, in)
	})
}

// perform answers as AWS would.
func (s *Server) perform(w http.ResponseWriter, in *incoming) {
	caller, err := s.keys.authenticate(in)
	if err != nil {
		in.refuse(w, asFailure(err))
		return
	}
	c := call{in, caller, in.signer.region}
	switch in.service {
	case "s3":
		s.store.serve(w, c)
	case "sts":
		performQuery(w, c, s.sts.perform)
	case "sns":
		performQuery(w, c, s.topics.perform)
	default:
		s.performJSON(w, c)
	}
}

func (s *Server) performJSON(w http.ResponseWriter, c call) {
	do, ok := s.operations[c.operation]
	if !ok {
		c.refuse(w, &failure{Code: "UnknownOperationException"})
		return
	}
	answer, err := do(c)
	if err != nil {
		c.refuse(w, asFailure(err))
		return
	}
	body, ok := answer.(raw)
	if !ok {
		body, err = json.Marshal(answer)
	}
	if err != nil {
		c.refuse(w, asFailure(err))
		return
	}
	writeBody(w, "application/x-amz-json-1.1", http.StatusOK, body)
}

// performQuery answers in AWS's query protocol: a value to be sent as XML.
func performQuery(w http.ResponseWriter, c call, do operation) {
	answer, err := do(c)
	if err != nil {
		c.refuse(w, asFailure(err))
		return
	}
	body, err := xml.Marshal(answer)
	if err != nil {
		c.refuse(w, asFailure(err))
		return
	}
	writeBody(w, "text/xml", http.StatusOK, body)
}

func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return &failure{Status: http.StatusInternalServerError, Code: "ServerException", Message: err.Error()}
}

// handle makes an operation of a function that takes the decoded request.
func handle[In any](do func(call, In) (any, error)) operation {
	return func(c call) (any, error) {
		var in In
		if err := c.decode(&in); err != nil {
			return nil, err
		}
		return do(c, in)
	}
}

// operationTable is everything spoken in AWS's JSON protocol.
func (s *Server) operationTable() map[string]operation {
	e, p := s.ecr, s.pipeline
	return map[string]operation{
		"ecr.DescribeImageScanFindings":               handle(e.describeFindings),
		"ecr.StartImageScan":                          handle(e.startScan),
		"ecr.BatchGetImage":                           handle(e.batchGetImage),
		"ecr.DescribeImages":                          handle(e.describeImages),
		"ecr.GetRegistryScanningConfiguration":        handle(e.registryScanning),
		"ecr.BatchGetRepositoryScanningConfiguration": handle(e.repositoryScanning),

		"codepipeline.CreateCustomActionType": handle(p.createActionType),
		"codepipeline.DeleteCustomActionType": handle(p.deleteActionType),
		"codepipeline.ListActionTypes":        handle(p.listActionTypes),
		"codepipeline.PollForJobs":            handle(p.poll),
		"codepipeline.AcknowledgeJob":         handle(p.acknowledge),
		"codepipeline.GetJobDetails":          handle(p.jobDetails),
		"codepipeline.PutJobSuccessResult":    handle(p.succeed),
		"codepipeline.PutJobFailureResult":    handle(p.fail),

		"ssm.GetParameter": handle(s.parameters.get),
		"events.PutEvents": handle(s.buses.put),

		"inspector2.ListCoverage": handle(e.listCoverage),
		"inspector2.ListFindings": handle(e.listFindings),
	}
}
