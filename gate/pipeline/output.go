package pipeline

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Files write the files of an action's output artifact, by name.
type Files map[string]func(io.Writer, []gate.Verdict) error

// verdictOnly is what the artifact holds if nothing else is asked for.
var verdictOnly = Files{"verdict.json": verdictJSON}

// store writes the output artifact, if the action has one, and returns its key. Its
// files are for reading: a failure to store them changes no verdict.
func (d *desk) store(ctx context.Context, data *types.JobData, verdicts []gate.Verdict, log *slog.Logger) string {
	if len(data.OutputArtifacts) == 0 || data.OutputArtifacts[0].Location == nil || data.OutputArtifacts[0].Location.S3Location == nil {
		return ""
	}
	at := data.OutputArtifacts[0].Location.S3Location
	body, err := d.archive(ctx, verdicts, log)
	if err == nil {
		err = d.upload(ctx, data, at, body)
	}
	if err != nil {
		log.Error("cannot store the report", "bucket", aws.ToString(at.BucketName), "key", aws.ToString(at.ObjectKey), "error", err)
		return ""
	}
	return aws.ToString(at.ObjectKey)
}

// archive writes one job's files at a time: those of many findings take tens of MiB, and
// writing is nothing that goes faster side by side.
func (d *desk) archive(ctx context.Context, verdicts []gate.Verdict, log *slog.Logger) ([]byte, error) {
	select {
	case d.writing <- struct{}{}:
		defer func() { <-d.writing }()
		return d.files.archive(verdicts, log)
	case <-ctx.Done():
		return nil, fmt.Errorf("the reports of other jobs are being written: %w", ctx.Err())
	}
}

// withoutArtifact says below the verdict why a person, or the next action, finds no
// report.
func withoutArtifact(summary string) string {
	verdict, rest, _ := strings.Cut(summary, "\n")
	return strings.TrimSuffix(verdict+"\nthe report could not be stored in the output artifact: see ecr-gate's log\n"+rest, "\n")
}

// archive holds every file that can be written; one that cannot costs only itself.
func (f Files) archive(verdicts []gate.Verdict, log *slog.Logger) ([]byte, error) {
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		var text bytes.Buffer
		if err := f.write(name, &text, verdicts); err != nil {
			log.Error("cannot write a report", "file", name, "error", err)
			continue
		}
		file, err := archive.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := file.Write(text.Bytes()); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return b.Bytes(), err
}

// write contains a panic: the job is judged, and must be reported.
func (f Files) write(name string, w io.Writer, verdicts []gate.Verdict) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f[name](w, verdicts)
}

func verdictJSON(w io.Writer, verdicts []gate.Verdict) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(gate.List(verdicts))
}

// upload encrypts as the pipeline does: with its key if it has one, else with the
// account's own KMS key for S3.
func (d *desk) upload(ctx context.Context, data *types.JobData, at *types.S3ArtifactLocation, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in := &s3.PutObjectInput{
		Bucket: at.BucketName, Key: at.ObjectKey, Body: bytes.NewReader(body),
		ServerSideEncryption: s3types.ServerSideEncryptionAwsKms,
	}
	if data.EncryptionKey != nil {
		in.SSEKMSKeyId = data.EncryptionKey.Id
	}
	_, err := d.artifactStore(data).PutObject(ctx, in)
	return err
}
