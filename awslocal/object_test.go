package awslocal_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	cptypes "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// withArtifacts starts a pipeline whose gate has artifacts and takes its job.
func withArtifacts(t *testing.T, action awslocal.Action) (*awslocal.Server, cptypes.Job) {
	t.Helper()
	s := start(t, awslocal.Options{})
	register(t, s)
	action.Provider = "EcrGate"
	s.StartPipeline(awslocal.Pipeline{Name: "shop", Stages: []awslocal.Stage{{Name: "Gate", Action: action}}})
	return s, take(t, s)
}

var imageDetail = awslocal.Action{
	InputArtifact:  map[string][]byte{"imageDetail.json": []byte(`{"ImageURI":"shop/api:v1"}`)},
	OutputArtifact: "Verdict",
}

// asJob signs with the job's own credentials.
func asJob(s *awslocal.Server, j cptypes.Job) *s3.Client {
	c := j.Data.ArtifactCredentials
	return s3Client(signedWith(impatient(s), *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))
}

func get(t *testing.T, client *s3.Client, a cptypes.Artifact) ([]byte, error) {
	t.Helper()
	at := a.Location.S3Location
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: at.BucketName, Key: at.ObjectKey})
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Body.Close() }()
	return io.ReadAll(out.Body)
}

func put(t *testing.T, client *s3.Client, a cptypes.Artifact, keyID *string) error {
	t.Helper()
	at := a.Location.S3Location
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: at.BucketName, Key: at.ObjectKey, Body: bytes.NewReader([]byte("PK report")),
		ServerSideEncryption: s3types.ServerSideEncryptionAwsKms, SSEKMSKeyId: keyID,
	})
	return err
}

func TestInputArtifactIsAZip(t *testing.T) {
	s, j := withArtifacts(t, imageDetail)
	body, err := get(t, asJob(s, j), j.Data.InputArtifacts[0])
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := archive.Open("imageDetail.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(file); string(got) != `{"ImageURI":"shop/api:v1"}` {
		t.Errorf("file is %s", got)
	}
}

func TestArtifactsOpenToTheirJobOnly(t *testing.T) {
	s, j := withArtifacts(t, imageDetail)
	input, output := j.Data.InputArtifacts[0], j.Data.OutputArtifacts[0]
	root := s3Client(impatient(s))
	_, err := get(t, root, input)
	wantCode(t, err, "AccessDenied")
	wantCode(t, put(t, root, output, nil), "AccessDenied")

	s.AddJob(awslocal.Job{InputArtifacts: []awslocal.Artifact{{Raw: []byte("other")}}})
	other := take(t, s)
	_, err = get(t, asJob(s, other), input)
	wantCode(t, err, "AccessDenied")
	wantCode(t, put(t, asJob(s, j), input, nil), "AccessDenied")

	c := j.Data.ArtifactCredentials
	client := ecr.NewFromConfig(signedWith(impatient(s), *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))
	_, err = client.GetRegistryScanningConfiguration(t.Context(), &ecr.GetRegistryScanningConfigurationInput{})
	wantCode(t, err, "AccessDeniedException")
}

func TestOutputArtifact(t *testing.T) {
	action := imageDetail
	action.EncryptionKeyID = "arn:aws:kms:eu-west-1:111122223333:key/1"
	s, j := withArtifacts(t, action)
	if got := *j.Data.EncryptionKey.Id; got != action.EncryptionKeyID {
		t.Errorf("encryption key is %s", got)
	}
	output := j.Data.OutputArtifacts[0]
	if err := put(t, asJob(s, j), output, j.Data.EncryptionKey.Id); err != nil {
		t.Fatal(err)
	}
	state, _ := s.JobState(*j.Id)
	body, header, err := s.Object(state.OutputArtifacts[0].Bucket, state.OutputArtifacts[0].Key)
	if err != nil || string(body) != "PK report" {
		t.Fatalf("object is %q, %v", body, err)
	}
	if header.Get("X-Amz-Server-Side-Encryption") != "aws:kms" ||
		header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") != action.EncryptionKeyID {
		t.Errorf("sent with %v", header)
	}
}

func TestOutputArtifactHasToBeEncrypted(t *testing.T) {
	s, j := withArtifacts(t, imageDetail)
	at := j.Data.OutputArtifacts[0].Location.S3Location
	_, err := asJob(s, j).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: at.BucketName, Key: at.ObjectKey, Body: bytes.NewReader([]byte("plain")),
	})
	wantCode(t, err, "AccessDenied")
}

func TestArtifactWithoutObject(t *testing.T) {
	s, j := withArtifacts(t, awslocal.Action{NoSuchObject: true})
	_, err := get(t, asJob(s, j), j.Data.InputArtifacts[0])
	wantError[*s3types.NoSuchKey](t, err)
}

func TestJobDetailsRenewTheCredentials(t *testing.T) {
	s, j := withArtifacts(t, imageDetail)
	out, err := pipelineClient(s).GetJobDetails(t.Context(), &codepipeline.GetJobDetailsInput{JobId: j.Id})
	if err != nil {
		t.Fatal(err)
	}
	renewed := cptypes.Job{Data: out.JobDetails.Data}
	if *renewed.Data.ArtifactCredentials.AccessKeyId == *j.Data.ArtifactCredentials.AccessKeyId {
		t.Error("the access key is the same")
	}
	if _, err := get(t, asJob(s, renewed), j.Data.InputArtifacts[0]); err != nil {
		t.Error(err)
	}
}

func TestObjectsThatAreNoArtifacts(t *testing.T) {
	s := start(t, awslocal.Options{})
	if err := s.PutObject("config", "ecr-gate/config.yaml", []byte("kind: Config")); err != nil {
		t.Fatal(err)
	}
	out, err := s3Client(impatient(s)).GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String("config"), Key: aws.String("ecr-gate/config.yaml"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	if body, _ := io.ReadAll(out.Body); string(body) != "kind: Config" {
		t.Errorf("object is %q", body)
	}
	if s.Calls()["s3.GetObject"] != 1 {
		t.Errorf("calls are %v", s.Calls())
	}
	if err := s.PutObject("No Bucket", "k", nil); err == nil {
		t.Error("a bad bucket name passed")
	}
}

func TestObjectThatHasNotChanged(t *testing.T) {
	s := start(t, awslocal.Options{})
	if err := s.PutObject("config", "config.yaml", []byte("kind: Config")); err != nil {
		t.Fatal(err)
	}
	client := s3Client(impatient(s))
	read := func(key string, known *string) (*s3.GetObjectOutput, error) {
		out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("config"), Key: &key, IfNoneMatch: known})
		if err == nil {
			_ = out.Body.Close()
		}
		return out, err
	}
	first, err := read("config.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = read("config.yaml", first.ETag)
	if status := wantError[*smithyhttp.ResponseError](t, err).HTTPStatusCode(); status != http.StatusNotModified {
		t.Errorf("unchanged: %d, want 304", status)
	}
	if err := s.PutObject("config", "config.yaml", []byte("kind: Changed")); err != nil {
		t.Fatal(err)
	}
	second, err := read("config.yaml", first.ETag)
	if err != nil || *second.ETag == *first.ETag {
		t.Errorf("changed: %+v, %v", second, err)
	}
	_, err = read("policy.yaml", nil)
	wantError[*s3types.NoSuchKey](t, err)
}

func TestObjectFaults(t *testing.T) {
	s, j := withArtifacts(t, imageDetail)
	s.Inject(awslocal.Fault{Operation: "s3.GetObject", Times: 1, Status: http.StatusServiceUnavailable, Code: "SlowDown"})
	s.Inject(awslocal.Fault{Operation: "s3.GetObject", Truncate: 10})
	_, err := get(t, asJob(s, j), j.Data.InputArtifacts[0])
	wantCode(t, err, "SlowDown")
	if _, err = get(t, asJob(s, j), j.Data.InputArtifacts[0]); err == nil {
		t.Error("a truncated object was read without an error")
	}
}
