package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// object reads an S3 object in blocks, as a zip archive wants: its directory at
// the end, then one file. However large the artifact, memory stays small.
type object struct {
	ctx         context.Context
	client      *s3.Client
	bucket, key *string

	size    int64
	block   []byte // the last block read
	at      int64  // where it begins
	fetched int64
	failed  error // what S3 said, since the zip reader does not pass errors on
}

const (
	blockSize = 1 << 20
	// maxFetched bounds what one artifact may cost: a directory of 32 MiB lists
	// some 300,000 files.
	maxFetched = 32 << 20
)

// open reads the object's last block, which tells its size too.
func (o *object) open() error {
	body, from, err := o.get(fmt.Sprintf("bytes=-%d", blockSize))
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return mistakef("an input artifact is empty; see what the build uploads")
	}
	o.block, o.at = body, from
	o.size = from + int64(len(body))
	return nil
}

// ReadAt implements [io.ReaderAt].
func (o *object) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= o.size {
			return n, io.EOF
		}
		if at < o.at || at >= o.at+int64(len(o.block)) {
			if err := o.fetch(at); err != nil {
				o.failed = err
				return n, err
			}
		}
		n += copy(p[n:], o.block[at-o.at:])
	}
	return n, nil
}

func (o *object) fetch(at int64) error {
	if o.fetched > maxFetched {
		return mistakef("an input artifact has too many files to search; put imageDetail.json into an artifact of its own")
	}
	end := min(at+blockSize, o.size) - 1
	body, from, err := o.get(fmt.Sprintf("bytes=%d-%d", at, end))
	if err != nil {
		return err
	}
	if from != at || len(body) == 0 {
		return errors.New("S3 answered with another part of the object")
	}
	o.block, o.at = body, at
	return nil
}

// get reads a byte range and returns where it begins.
func (o *object) get(byteRange string) (body []byte, from int64, err error) {
	ctx, cancel := context.WithTimeout(o.ctx, callTimeout)
	defer cancel()
	out, err := o.client.GetObject(ctx, &s3.GetObjectInput{Bucket: o.bucket, Key: o.key, Range: aws.String(byteRange)})
	if code(err) == "InvalidRange" {
		return nil, 0, mistakef("an input artifact is empty; see what the build uploads")
	}
	if err != nil {
		return nil, 0, err
	}
	defer out.Body.Close() //nolint:errcheck // read only
	if aws.ToInt64(out.ContentLength) > blockSize {
		return nil, 0, errors.New("S3 answered with more than the range asked for")
	}
	body, err = io.ReadAll(out.Body)
	o.fetched += int64(len(body))
	return body, rangeStart(aws.ToString(out.ContentRange)), err
}

// rangeStart reads "bytes 100-199/5000"; an answer without it is the whole of a
// small object.
func rangeStart(contentRange string) int64 {
	text, _, _ := strings.Cut(strings.TrimPrefix(contentRange, "bytes "), "-")
	from, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return from
}
