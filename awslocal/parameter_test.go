package awslocal_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

func getParameter(t *testing.T, s *awslocal.Server, name string) (ssmtypes.Parameter, error) {
	t.Helper()
	out, err := ssm.NewFromConfig(impatient(s)).GetParameter(t.Context(), &ssm.GetParameterInput{
		Name: &name, WithDecryption: aws.Bool(true),
	})
	if err != nil {
		return ssmtypes.Parameter{}, err
	}
	return *out.Parameter, nil
}

func TestParameter(t *testing.T) {
	s := start(t, awslocal.Options{Now: func() time.Time { return noon }})
	s.PutParameter("/ecr-gate/config", "kind: Old")
	s.PutParameter("/ecr-gate/config", "kind: Config")
	s.PutParameter("plain", "1")
	const arn = "arn:aws:ssm:eu-west-1:111122223333:parameter/"
	tests := map[string]struct {
		value, arn string
		version    int64
	}{
		"/ecr-gate/config":         {"kind: Config", arn + "ecr-gate/config", 2},
		"/ecr-gate/config:1":       {"kind: Old", arn + "ecr-gate/config", 1},
		arn + "ecr-gate/config":    {"kind: Config", arn + "ecr-gate/config", 2},
		arn + "ecr-gate/config:01": {"kind: Old", arn + "ecr-gate/config", 1},
		"plain":                    {"1", arn + "plain", 1},
		arn + "plain":              {"1", arn + "plain", 1},
	}
	for name, want := range tests {
		got, err := getParameter(t, s, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if *got.Value != want.value || *got.ARN != want.arn || got.Version != want.version || !got.LastModifiedDate.Equal(noon) {
			t.Errorf("%s is %q, %s, version %d, of %s", name, *got.Value, *got.ARN, got.Version, got.LastModifiedDate)
		}
	}
	if n := s.Calls()["ssm.GetParameter"]; n != len(tests) {
		t.Errorf("%d calls in the journal, want %d", n, len(tests))
	}
}

func TestParameterThatIsNotThere(t *testing.T) {
	s := start(t, awslocal.Options{})
	s.PutParameter("/ecr-gate/config", "kind: Config")
	_, err := getParameter(t, s, "/ecr-gate/policy")
	wantError[*ssmtypes.ParameterNotFound](t, err)
	_, err = getParameter(t, s, "arn:aws:ssm:eu-west-1:444455556666:parameter/ecr-gate/config")
	wantError[*ssmtypes.ParameterNotFound](t, err)
	for _, version := range []string{"0", "2", "latest"} {
		_, err = getParameter(t, s, "/ecr-gate/config:"+version)
		wantError[*ssmtypes.ParameterVersionNotFound](t, err)
	}
	_, err = getParameter(t, s, "ecr-gate/config")
	wantCode(t, err, "ValidationException")
	_, err = getParameter(t, s, "")
	wantCode(t, err, "ValidationException")
}

func TestParameterDenied(t *testing.T) {
	s := start(t, awslocal.Options{})
	s.PutParameter("p", "v")
	allow := s.Deny("ssm.GetParameter", "")
	_, err := getParameter(t, s, "p")
	wantCode(t, err, "AccessDeniedException")
	allow()
	s.Inject(awslocal.Fault{Operation: "ssm.*", Times: 1, Code: "ThrottlingException"})
	_, err = getParameter(t, s, "p")
	wantCode(t, err, "ThrottlingException")
	if _, err := getParameter(t, s, "p"); err != nil {
		t.Error(err)
	}
}
