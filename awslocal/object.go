package awslocal

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// objectStore is S3, path-style; gofakes3 does the work.
type objectStore struct {
	backend *s3mem.Backend
	handler http.Handler

	mu        sync.Mutex
	artifacts map[string]bool        // objects that belong to jobs, by "bucket/key"
	sent      map[string]http.Header // x-amz-* headers of the last PutObject
}

func newObjectStore() *objectStore {
	backend := s3mem.New()
	return &objectStore{
		backend: backend,
		// No skew limit: the test's clock need not be the client's.
		handler:   gofakes3.New(backend, gofakes3.WithTimeSkewLimit(0)).Server(),
		artifacts: map[string]bool{},
		sent:      map[string]http.Header{},
	}
}

func (o *objectStore) serve(w http.ResponseWriter, c call) {
	if why := o.artifactDenied(c); why != "" {
		c.refuse(w, &failure{Status: http.StatusForbidden, Code: "AccessDenied", Message: why})
		return
	}
	if c.operation == "s3.PutObject" {
		o.remember(objectPath(c.http), c.http.Header)
	}
	o.handler.ServeHTTP(w, c.replay())
}

func (o *objectStore) remember(object string, header http.Header) {
	kept := http.Header{}
	for key, values := range header {
		if strings.HasPrefix(key, "X-Amz-") || key == "Content-Type" {
			kept[key] = values
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent[object] = kept
}

// objectPath is "bucket/key".
func objectPath(r *http.Request) string {
	return strings.TrimPrefix(r.URL.Path, "/")
}

// makeBucket makes a bucket unless it is there.
func (o *objectStore) makeBucket(name string) error {
	err := gofakes3.ValidateBucketName(name)
	if err == nil {
		err = o.backend.CreateBucket(name)
	}
	if err != nil && !gofakes3.HasErrorCode(err, gofakes3.ErrBucketAlreadyExists) {
		return fmt.Errorf("bucket %s: %w", name, err)
	}
	return nil
}

func (o *objectStore) put(bucket, key string, body []byte) error {
	if err := o.makeBucket(bucket); err != nil {
		return err
	}
	_, err := o.backend.PutObject(bucket, key, map[string]string{}, bytes.NewReader(body), int64(len(body)), nil)
	return err
}

func (o *objectStore) get(bucket, key string) ([]byte, error) {
	object, err := o.backend.GetObject(bucket, key, nil)
	if err != nil {
		return nil, fmt.Errorf("object %s/%s: %w", bucket, key, err)
	}
	defer func() { _ = object.Contents.Close() }()
	return io.ReadAll(object.Contents)
}

// PutObject puts an object and, if need be, its bucket.
func (s *Server) PutObject(bucket, key string, body []byte) error {
	return s.store.put(bucket, key, body)
}

// Object returns an object, whoever it belongs to, with the x-amz-* headers it
// was put with: X-Amz-Server-Side-Encryption and the KMS key id among them.
func (s *Server) Object(bucket, key string) ([]byte, http.Header, error) {
	body, err := s.store.get(bucket, key)
	if err != nil {
		return nil, nil, err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return body, s.store.sent[bucket+"/"+key].Clone(), nil
}
