package pipeline

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// The files of the actions before ours (CodePipeline user guide, file-reference).
var usualFiles = []string{"imageDetail.json", "imagedefinitions.json"}

// maxFile is how much of a file is unpacked; CodePipeline itself allows 100 kB.
const maxFile = 1 << 20

// artifactTrouble is why S3 did not hand out an artifact.
func artifactTrouble(name string, denied bool, err error) error {
	if denied {
		return &gate.Trouble{
			Cause: gate.NoAccess, Text: fmt.Sprintf("S3 refused access to input artifact %s", name),
			Mend: "allow the pipeline's role to read its artifact bucket and key", Err: err,
		}
	}
	return &gate.Trouble{
		Cause: gate.NotReadable, Text: fmt.Sprintf("input artifact %s cannot be read from S3 right now", name), Passing: true, Err: err,
	}
}

// artifactImages reads the images that the input artifacts name. Where the
// properties name some too, an artifact without any of the usual files adds none.
func (d *desk) artifactImages(ctx context.Context, job *types.JobData, file string, optional bool) ([]string, error) {
	files := usualFiles
	if file != "" {
		files, optional = []string{strings.TrimPrefix(path.Clean(file), "/")}, false
	}
	client := d.artifactStore(job)
	var images []string
	var names []string
	found := false
	for _, artifact := range job.InputArtifacts {
		name := aws.ToString(artifact.Name)
		names = append(names, name)
		some, holds, err := readArtifact(ctx, client, artifact, files)
		if err != nil {
			return nil, err
		}
		images, found = append(images, some...), found || holds
	}
	if !found && !optional {
		return nil, mistakef("input artifact %s holds no %s; see that the build writes it, or set File", strings.Join(names, ", "), strings.Join(files, " and no "))
	}
	return images, nil
}

// artifactStore is S3 with the job's own short-lived credentials, never ours.
func (d *desk) artifactStore(job *types.JobData) *s3.Client {
	config := d.config.Copy()
	if c := job.ArtifactCredentials; c != nil {
		config.Credentials = credentials.NewStaticCredentialsProvider(
			aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken))
	} else {
		config.Credentials = aws.AnonymousCredentials{}
	}
	return s3.NewFromConfig(config, func(o *s3.Options) {
		// A store elsewhere than AWS has no host per bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
	})
}

// readArtifact reads the images in every one of the files that the artifact holds:
// a deploy action may go by either, so both are judged.
func readArtifact(ctx context.Context, client *s3.Client, artifact types.Artifact, files []string) (images []string, found bool, err error) {
	name := aws.ToString(artifact.Name)
	if artifact.Location == nil || artifact.Location.S3Location == nil {
		return nil, false, mistakef("input artifact %s is not in S3", name)
	}
	at := artifact.Location.S3Location
	object := &object{ctx: ctx, client: client, bucket: at.BucketName, key: at.ObjectKey}
	if err := object.open(); err != nil {
		return nil, false, artifactFault(name, err)
	}
	archive, err := zip.NewReader(object, object.size)
	if err != nil {
		return nil, false, brokenArchive(name, object, err)
	}
	for _, want := range files {
		entry, err := find(archive, want, name)
		if err != nil {
			return nil, false, err
		}
		if entry == nil {
			continue
		}
		some, err := entryImages(entry, name, object)
		if err != nil {
			return nil, false, err
		}
		images, found = append(images, some...), true
	}
	return images, found, nil
}

func entryImages(entry *zip.File, artifact string, o *object) ([]string, error) {
	raw, err := unpackFile(entry)
	if errors.Is(err, errTooLarge) {
		return nil, mistakef("%s in input artifact %s is larger than 1 MiB unpacked", entry.Name, artifact)
	}
	if err != nil {
		return nil, brokenArchive(artifact, o, err)
	}
	return imagesIn(raw, fmt.Sprintf("%s in input artifact %s", entry.Name, artifact))
}

func brokenArchive(name string, o *object, err error) error {
	if o.failed != nil {
		return artifactFault(name, o.failed)
	}
	return mistakef("input artifact %s is not a readable zip archive (%s); see what the build uploads", name, short(err.Error()))
}

func artifactFault(name string, err error) error {
	var response *awshttp.ResponseError
	switch {
	case errors.As(err, new(mistake)):
		return err
	case code(err) == "NoSuchKey", code(err) == "NoSuchBucket", code(err) == "NotFound":
		return mistakef("input artifact %s is gone from S3; release the change again", name)
	case errors.As(err, &response) && response.HTTPStatusCode() == http.StatusForbidden:
		return artifactTrouble(name, true, err)
	default:
		return artifactTrouble(name, false, err)
	}
}

// find looks for one file. An archive with two of that name could show us one and
// the deploy action the other.
func find(archive *zip.Reader, want, artifact string) (*zip.File, error) {
	var found *zip.File
	for _, f := range archive.File {
		if path.Clean(strings.ReplaceAll(f.Name, `\`, "/")) != want {
			continue
		}
		if found != nil {
			return nil, mistakef("input artifact %s holds %s twice", artifact, want)
		}
		found = f
	}
	return found, nil
}

var errTooLarge = errors.New("too large")

func unpackFile(f *zip.File) ([]byte, error) {
	if f.UncompressedSize64 > maxFile {
		return nil, errTooLarge
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // read only
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(raw) > maxFile {
		err = errTooLarge
	}
	return raw, err
}

// store writes the reports into the output artifact, if the action has one, and
// returns its key. They are for reading: a failure to store them changes no verdict.
func (d *desk) store(ctx context.Context, job *types.JobData, verdicts []gate.Verdict, log *slog.Logger) string {
	if len(job.OutputArtifacts) == 0 || job.OutputArtifacts[0].Location == nil || job.OutputArtifacts[0].Location.S3Location == nil {
		return ""
	}
	at := job.OutputArtifacts[0].Location.S3Location
	body, err := d.archiveOf(verdicts, log)
	if err == nil {
		err = d.upload(ctx, job, at, body)
	}
	if err != nil {
		log.Error("cannot store the report", "bucket", aws.ToString(at.BucketName), "key", aws.ToString(at.ObjectKey), "error", err)
		return ""
	}
	return aws.ToString(at.ObjectKey)
}

// archiveOf holds every report that can be written; one that cannot costs only
// itself.
func (d *desk) archiveOf(verdicts []gate.Verdict, log *slog.Logger) ([]byte, error) {
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(d.reports)) {
		var text bytes.Buffer
		if err := d.render(name, &text, verdicts); err != nil {
			log.Error("cannot write a report", "file", name, "error", err)
			continue
		}
		f, err := archive.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(text.Bytes()); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return b.Bytes(), err
}

// render contains a panic: the job is judged, and must be reported.
func (d *desk) render(name string, w io.Writer, verdicts []gate.Verdict) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return d.reports[name](w, verdicts)
}

func verdictJSON(w io.Writer, verdicts []gate.Verdict) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(gate.List(verdicts))
}

// upload encrypts as the pipeline does: with its key if it has one, else with the
// account's own KMS key for S3.
func (d *desk) upload(ctx context.Context, job *types.JobData, at *types.S3ArtifactLocation, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in := &s3.PutObjectInput{
		Bucket: at.BucketName, Key: at.ObjectKey, Body: bytes.NewReader(body),
		ServerSideEncryption: s3types.ServerSideEncryptionAwsKms,
	}
	if job.EncryptionKey != nil {
		in.SSEKMSKeyId = job.EncryptionKey.Id
	}
	_, err := d.artifactStore(job).PutObject(ctx, in)
	return err
}
