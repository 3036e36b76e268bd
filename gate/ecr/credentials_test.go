package ecr_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

// A way to the credentials that is down is an outage, which the cache bridges and
// the pipeline waits out; a refusal and a role that nobody gave are not.
func TestCredentialsThatCannotBeFetched(t *testing.T) {
	const registry, role = "444455556666.dkr.ecr.eu-west-1.amazonaws.com", "arn:aws:iam::444455556666:role/read"
	img := gate.Image{Registry: registry, Repository: "shop/web", Tag: "1"}
	for name, c := range map[string]struct {
		fault   awslocal.Fault
		cause   gate.Cause
		passing bool
		words   string
	}{
		"dropped": {awslocal.Fault{Truncate: -1}, gate.NotReadable, true, "could not be fetched"},
		"broken":  {awslocal.Fault{Status: 503, Code: "ServiceUnavailable"}, gate.NotReadable, true, ""},
		"refused": {awslocal.Fault{Status: 403, Code: "AccessDenied",
			Message: "User: x is not authorized to perform sts:AssumeRole"}, gate.NoAccess, false, "sts:AssumeRole in the role's trust policy"},
	} {
		t.Run(name, func(t *testing.T) {
			local := awslocal.New(awslocal.Options{})
			if _, err := local.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(local.Close)
			c.fault.Operation = "sts.AssumeRole"
			local.Inject(c.fault)
			source := ecr.NewSource(local.AWSConfig(), []ecr.Registry{{Account: "444455556666", AssumeRoleARN: role}})
			wantTrouble(t, source, img, c.cause, c.passing, c.words)
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		source := ecr.NewSource(aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("", "", "")}, nil)
		wantTrouble(t, source, img, gate.NoAccess, false, "no AWS credentials")
	})
	t.Run("an endpoint that the SDK refuses", func(t *testing.T) {
		t.Setenv("AWS_USE_FIPS_ENDPOINT", "true")
		local := awslocal.New(awslocal.Options{})
		if _, err := local.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(local.Close)
		config := local.AWSConfig()
		config.ConfigSources = []any{fips{}}
		wantTrouble(t, ecr.NewSource(config, nil), img, gate.NotReadable, false, "endpoint")
	})
}

type fips struct{}

func (fips) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return aws.FIPSEndpointStateEnabled, true, nil
}

func wantTrouble(t *testing.T, source *ecr.Source, img gate.Image, cause gate.Cause, passing bool, words string) {
	t.Helper()
	_, err := source.Resolve(t.Context(), img)
	var trouble *gate.Trouble
	if !errors.As(err, &trouble) {
		t.Fatalf("got %v", err)
	}
	if trouble.Cause != cause || trouble.Passing != passing || !strings.Contains(trouble.Text+"; "+trouble.Mend, words) {
		t.Errorf("got %s, passing %t: %s; %s (%v)", trouble.Cause, trouble.Passing, trouble.Text, trouble.Mend, err)
	}
}
