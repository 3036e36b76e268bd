package awslocal_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// TestMain runs the tests or, started as a Lambda function, handles events.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		lambda.Start(handleEvent) // does not return
	}
	goleak.VerifyTestMain(m)
}

// noon is a fixed time for what needs one.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func start(t *testing.T, opts awslocal.Options) *awslocal.Server {
	t.Helper()
	s := awslocal.New(opts)
	if _, err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// impatient is the server's configuration without SDK retries, so that an
// error is seen as it comes.
func impatient(s *awslocal.Server) aws.Config {
	cfg := s.AWSConfig()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

func ecrClient(s *awslocal.Server) *ecr.Client { return ecr.NewFromConfig(impatient(s)) }

func pipelineClient(s *awslocal.Server) *codepipeline.Client {
	return codepipeline.NewFromConfig(impatient(s))
}

func s3Client(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

func signedWith(cfg aws.Config, key, secret, token string) aws.Config {
	cfg.Credentials = credentials.NewStaticCredentialsProvider(key, secret, token)
	return cfg
}

func describe(repository, digest string) *ecr.DescribeImageScanFindingsInput {
	return &ecr.DescribeImageScanFindingsInput{
		RepositoryName: &repository,
		ImageId:        &ecrtypes.ImageIdentifier{ImageDigest: &digest},
	}
}

// wantError checks for a modelled error type and returns it.
func wantError[E error](t *testing.T, err error) E {
	t.Helper()
	got, ok := errors.AsType[E](err)
	if !ok {
		t.Fatalf("error is %v, want a %T", err, got)
	}
	return got
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if got := wantError[smithy.APIError](t, err); got.ErrorCode() != code {
		t.Fatalf("error code is %s (%v), want %s", got.ErrorCode(), err, code)
	}
}

func basicFindings(n int) []awslocal.Finding {
	findings := make([]awslocal.Finding, n)
	for i := range findings {
		findings[i] = awslocal.Finding{Name: fmt.Sprintf("CVE-2026-%04d", i), Severity: "HIGH"}
	}
	return findings
}

func enhancedFindings(n int) []awslocal.EnhancedFinding {
	findings := make([]awslocal.EnhancedFinding, n)
	for i := range findings {
		findings[i] = awslocal.EnhancedFinding{
			ID: fmt.Sprintf("CVE-2026-%04d", i), Severity: "CRITICAL",
			Packages: []awslocal.Package{{Name: "openssl", Version: "3.0.1"}},
		}
	}
	return findings
}

// sign adds a credential scope good enough for a request made by hand.
func sign(r *http.Request, service string) {
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260301/eu-west-1/"+
		service+"/aws4_request, SignedHeaders=host, Signature=0")
}
