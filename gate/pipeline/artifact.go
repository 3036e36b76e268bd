package pipeline

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

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
// properties name some too, an artifact without any of the usual files adds none;
// otherwise each has to hold one: nobody else says what image it was given for.
func (d *desk) artifactImages(ctx context.Context, data *types.JobData, file string, optional bool) ([]string, error) {
	files := usualFiles
	if file != "" {
		files, optional = []string{strings.TrimPrefix(path.Clean(file), "/")}, false
	}
	client := d.artifactStore(data)
	var images []string
	var without []string
	for _, artifact := range data.InputArtifacts {
		some, holds, err := readArtifact(ctx, client, artifact, files)
		if err != nil {
			return nil, err
		}
		if images = append(images, some...); !holds {
			without = append(without, aws.ToString(artifact.Name))
		}
	}
	if len(without) > 0 && !optional {
		return nil, mistakef("input artifact %s holds no %s; see that the build writes it by that name, set File, or take the artifact out of the action's inputs",
			strings.Join(without, ", "), strings.Join(files, " and no "))
	}
	return images, nil
}

// artifactStore is S3 with the job's own short-lived credentials, never ours.
func (d *desk) artifactStore(data *types.JobData) *s3.Client {
	config := d.config.Copy()
	if c := data.ArtifactCredentials; c != nil {
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
	if aws.ToString(at.BucketName) == "" || aws.ToString(at.ObjectKey) == "" {
		return nil, false, mistakef("input artifact %s is not in S3", name)
	}
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
