package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// invokeEvent is what CodePipeline hands to a Lambda function (CodePipeline user
// guide, action-reference-Lambda). The event of aws-lambda-go has no encryptionKey.
type invokeEvent struct {
	Job *struct {
		ID        string          `json:"id"`
		AccountID string          `json:"accountId"`
		Data      json.RawMessage `json:"data"`
	} `json:"CodePipeline.job"`
}

type invokeData struct {
	ActionConfiguration struct {
		Configuration map[string]json.RawMessage `json:"configuration"`
	} `json:"actionConfiguration"`
	InputArtifacts    []invokeArtifact `json:"inputArtifacts"`
	OutputArtifacts   []invokeArtifact `json:"outputArtifacts"`
	ContinuationToken string           `json:"continuationToken"`
	Credentials       *struct {
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
		SessionToken    string `json:"sessionToken"`
	} `json:"artifactCredentials"`
	EncryptionKey *struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"encryptionKey"`
}

type invokeArtifact struct {
	Name     string `json:"name"`
	Location struct {
		S3 *struct {
			Bucket string `json:"bucketName"`
			Key    string `json:"objectKey"`
		} `json:"s3Location"`
	} `json:"location"`
}

// IsJob reports whether an event is one of CodePipeline's.
func IsJob(event []byte) bool {
	var e invokeEvent
	return json.Unmarshal(event, &e) == nil && e.Job != nil
}

// readEvent makes a job of an event. What is wrong with its data is left for the
// report: an error here means that there is nothing to report on.
func readEvent(event []byte) (types.Job, error) {
	var e invokeEvent
	if err := json.Unmarshal(event, &e); err != nil {
		return types.Job{}, fmt.Errorf("the event is no job of CodePipeline (%s)", short(err.Error()))
	}
	if e.Job == nil || e.Job.ID == "" {
		return types.Job{}, errors.New("the event is no job of CodePipeline: it has no CodePipeline.job with an id")
	}
	job := types.Job{Id: aws.String(e.Job.ID), AccountId: aws.String(e.Job.AccountID)}
	var data *invokeData
	if json.Unmarshal(e.Job.Data, &data) == nil && data != nil {
		job.Data = data.job()
	}
	return job, nil
}

// userParameters are the properties of a Lambda action's job.
func userParameters(data *types.JobData) (map[string]string, error) {
	return parameters(configuration(data)["UserParameters"])
}

func (d invokeData) job() *types.JobData {
	job := &types.JobData{
		ActionConfiguration: &types.ActionConfiguration{Configuration: map[string]string{}},
		InputArtifacts:      artifacts(d.InputArtifacts), OutputArtifacts: artifacts(d.OutputArtifacts),
	}
	for key, value := range d.ActionConfiguration.Configuration {
		var text string
		if json.Unmarshal(value, &text) == nil {
			job.ActionConfiguration.Configuration[key] = text
		}
	}
	if d.ContinuationToken != "" {
		job.ContinuationToken = aws.String(d.ContinuationToken)
	}
	if c := d.Credentials; c != nil {
		job.ArtifactCredentials = &types.AWSSessionCredentials{
			AccessKeyId: aws.String(c.AccessKeyID), SecretAccessKey: aws.String(c.SecretAccessKey), SessionToken: aws.String(c.SessionToken),
		}
	}
	if k := d.EncryptionKey; k != nil {
		job.EncryptionKey = &types.EncryptionKey{Id: aws.String(k.ID), Type: types.EncryptionKeyType(k.Type)}
	}
	return job
}

func artifacts(list []invokeArtifact) []types.Artifact {
	out := make([]types.Artifact, len(list))
	for i, a := range list {
		out[i].Name = aws.String(a.Name)
		if at := a.Location.S3; at != nil {
			out[i].Location = &types.ArtifactLocation{
				S3Location: &types.S3ArtifactLocation{BucketName: aws.String(at.Bucket), ObjectKey: aws.String(at.Key)},
			}
		}
	}
	return out
}

// maxParameters is far more than a console takes (1,000 characters); pipeline
// variables are put in later and may be longer.
const maxParameters = 16 << 10

// parameters reads UserParameters: an object of the action's properties, or a bare
// image URI.
func parameters(text string) (map[string]string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return nil, nil
	case len(text) > maxParameters:
		return nil, mistakef("UserParameters has %d bytes; at most %d are read", len(text), maxParameters)
	case text[0] != '{' && text[0] != '[' && text[0] != '"':
		return map[string]string{"Image": text}, nil
	}
	var all map[string]any
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&all); err != nil || decoder.Decode(new(any)) != io.EOF {
		return nil, mistakef("UserParameters (%s) is neither an image URI nor a JSON object such as {\"Image\": \"...\"}", short(text))
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	if err := unambiguous([]byte(text), names); err != nil {
		return nil, mistakef("UserParameters: %s", err)
	}
	given := map[string]string{}
	for name, value := range all {
		switch v := value.(type) {
		case string:
			given[name] = v
		case json.Number: // of MaxWait
			given[name] = v.String()
		default:
			return nil, mistakef("UserParameters: %s is no text; write it in quotation marks", short(name))
		}
	}
	return given, nil
}
