package awslocal

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// incoming is a request as it came in, with its body read: net/http notices a
// client that goes away only once the body is consumed.
type incoming struct {
	http      *http.Request
	service   string // as SigV4 calls it: ecr, codepipeline, s3, ...; or unknown
	operation string // "ecr.BatchGetImage"
	body      []byte
	form      url.Values // of an STS or SNS request
	signer    signer
}

// targets are the services of AWS's JSON protocol by their X-Amz-Target.
var targets = map[string]string{
	"AmazonEC2ContainerRegistry_V20150921": "ecr",
	"CodePipeline_20150709":                "codepipeline",
	"AWSEvents":                            "events",
	"AmazonSSM":                            "ssm",
}

func receive(r *http.Request) (*incoming, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return &incoming{http: r, body: body, signer: readSigner(r)}, nil
}

// name tells what the request to AWS is for.
func (in *incoming) name() {
	target := in.http.Header.Get("X-Amz-Target")
	switch {
	case target != "":
		in.nameTarget(target)
	case strings.HasPrefix(in.http.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		in.nameForm()
	case in.signer.service == "inspector2":
		in.service = "inspector2"
		in.operation = "inspector2." + inspectorOperations[in.http.URL.Path]
	default:
		in.service = "s3"
		in.operation = "s3." + s3Operation(in.http)
	}
}

// nameForm tells the services of AWS's query protocol apart by the version of
// their API.
func (in *incoming) nameForm() {
	in.form, _ = url.ParseQuery(string(in.body))
	in.service = "sts"
	if in.form.Get("Version") == topicVersion {
		in.service = "sns"
	}
	in.operation = in.service + "." + in.form.Get("Action")
}

func (in *incoming) nameTarget(target string) {
	prefix, name, _ := strings.Cut(target, ".")
	service, ok := targets[prefix]
	if !ok {
		service, name = "unknown", target
	}
	in.service, in.operation = service, service+"."+name
}

// replay gives the body back to a handler that wants to read it itself.
func (in *incoming) replay() *http.Request {
	r := in.http.Clone(in.http.Context())
	r.Body = io.NopCloser(bytes.NewReader(in.body))
	return r
}

// decode reads a JSON request body; an empty one is an empty object.
func (in *incoming) decode(to any) error {
	if len(bytes.TrimSpace(in.body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(in.body, to); err != nil {
		return refuse("SerializationException", "the request body cannot be read: %v", err)
	}
	return nil
}
