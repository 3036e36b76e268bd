package pipeline

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"

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

// open asks for the object's size.
func (o *object) open() error {
	ctx, cancel := context.WithTimeout(o.ctx, callTimeout)
	defer cancel()
	head, err := o.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: o.bucket, Key: o.key})
	if err != nil {
		return err
	}
	if o.size = aws.ToInt64(head.ContentLength); o.size <= 0 {
		return mistakef("an input artifact is empty; see what the build uploads")
	}
	return nil
}

// ReadAt implements [io.ReaderAt].
func (o *object) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, zip.ErrFormat // archive/zip asks for what the archive's directory says
	}
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
	// Whole blocks, so that reading backwards from the end does not fetch twice.
	from := at - at%blockSize
	body, err := o.get(from, min(from+blockSize, o.size)-1)
	if err != nil {
		return err
	}
	if at >= from+int64(len(body)) {
		return errors.New("S3 answered with less than the range asked for")
	}
	o.block, o.at = body, from
	return nil
}

// get reads a byte range, both ends included.
func (o *object) get(from, to int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(o.ctx, callTimeout)
	defer cancel()
	out, err := o.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: o.bucket, Key: o.key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", from, to)),
	})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close() //nolint:errcheck // read only
	// An answer need not say how long it is, nor keep to the range.
	body, err := io.ReadAll(io.LimitReader(out.Body, blockSize+1))
	if len(body) > blockSize {
		return nil, errors.New("S3 answered with more than the range asked for")
	}
	o.fetched += int64(len(body))
	return body, err
}
