package awslocal

import (
	"net/http"
)

// grants is what a job's short-lived key opens, by "bucket/key": its input
// artifacts to read (false), its output artifacts to write as well (true).
type grants map[string]bool

// artifactDenied is why a request may not touch the object, or empty. Objects
// that are no artifacts are open to every key but a job's.
func (o *objectStore) artifactDenied(c call) string {
	object := objectPath(c.http)
	mine := c.caller.artifacts
	if mine == nil {
		if o.isArtifact(object) {
			return "Access Denied: an artifact is opened with its job's credentials"
		}
		return ""
	}
	writable, ok := mine[object]
	reading := c.http.Method == http.MethodGet || c.http.Method == http.MethodHead
	switch {
	case !ok, !reading && !writable:
		return "Access Denied"
	case c.operation == "s3.PutObject" && c.http.Header.Get("X-Amz-Server-Side-Encryption") != "aws:kms":
		// CodePipeline's own bucket policy (DenyUnEncryptedObjectUploads).
		return "Access Denied: the artifact bucket takes objects encrypted with aws:kms only"
	}
	return ""
}

func (o *objectStore) isArtifact(object string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.artifacts[object]
}

// addArtifact closes an object to all keys but those that are granted it.
func (o *objectStore) addArtifact(object string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.artifacts[object] = true
}
