package awslocal

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// The documentation's example key: obviously no secret.
const (
	rootAccessKey = "AKIAIOSFODNN7EXAMPLE"
	rootSecretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// Environment is what a process needs in its environment for its AWS SDK to
// talk to this server; sorted.
func (s *Server) Environment() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + rootAccessKey,
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=" + s.URL(),
		"AWS_REGION=" + s.opts.Region,
		"AWS_SECRET_ACCESS_KEY=" + rootSecretKey,
	}
}

// AWSConfig is the same as Environment for SDK clients of this process. Its
// connections are closed by Close. S3 clients need UsePathStyle.
func (s *Server) AWSConfig() aws.Config {
	return aws.Config{
		Region:       s.opts.Region,
		BaseEndpoint: aws.String(s.URL()),
		Credentials:  credentials.NewStaticCredentialsProvider(rootAccessKey, rootSecretKey, ""),
		HTTPClient:   &http.Client{Transport: wholeBody{s.transport}},
	}
}

// RegistryHost is the host name images of the server's own account and Region
// are called by.
func (s *Server) RegistryHost() string {
	return s.opts.Account + ".dkr.ecr." + s.opts.Region + ".amazonaws.com"
}

// wholeBody sends each request from a copy of its body. The SDK closes the body as
// soon as an answer begins (smithy-go, transport/http/client.go). A server as near
// as this one answers before net/http has seen the body's end; net/http then takes
// the close for a failed write and drops the connection in the middle of the answer.
type wholeBody struct{ next http.RoundTripper }

func (w wholeBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return w.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if closed := r.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	copied := r.Clone(r.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	return w.next.RoundTrip(copied)
}
