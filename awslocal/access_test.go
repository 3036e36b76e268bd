package awslocal_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

const (
	otherAccount = "444455556666"
	role         = "arn:aws:iam::444455556666:role/ecr-gate-read"
)

func assuming(s *awslocal.Server, arn string) aws.Config {
	cfg := impatient(s)
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(impatient(s)), arn)
	cfg.Credentials = aws.NewCredentialsCache(provider)
	return cfg
}

func TestAssumedRoleIsOfItsAccount(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Account: otherAccount, Repository: "shop/api", Scans: []awslocal.Scan{{Status: "ACTIVE"}}})
	s.SetScanType(otherAccount, "ENHANCED")
	in := describe("shop/api", digest)

	_, err := ecrClient(s).DescribeImageScanFindings(t.Context(), in)
	wantError[*ecrtypes.RepositoryNotFoundException](t, err)

	in.RegistryId = aws.String(otherAccount)
	_, err = ecrClient(s).DescribeImageScanFindings(t.Context(), in)
	wantError[*ecrtypes.ScanNotFoundException](t, err)

	out, err := ecr.NewFromConfig(assuming(s, role)).DescribeImageScanFindings(t.Context(), in)
	if err != nil || *out.RegistryId != otherAccount {
		t.Fatalf("with the role: %+v, %v", out, err)
	}
	requests := s.Requests("ecr.DescribeImageScanFindings")
	if keys := []string{requests[0].AccessKey, requests[2].AccessKey}; keys[0] == keys[1] {
		t.Errorf("both requests were signed with %s", keys[0])
	}
}

func TestBasicScanOfAnotherAccountIsShown(t *testing.T) {
	s := start(t, awslocal.Options{})
	digest := s.PutImage(awslocal.Image{Account: otherAccount, Repository: "shop/api", Scans: []awslocal.Scan{{Status: "COMPLETE"}}})
	in := describe("shop/api", digest)
	in.RegistryId = aws.String(otherAccount)
	if _, err := ecrClient(s).DescribeImageScanFindings(t.Context(), in); err != nil {
		t.Error(err)
	}
}

func TestRolesThatAreNotAllowed(t *testing.T) {
	s := start(t, awslocal.Options{})
	s.AllowRole(role)
	if _, err := assuming(s, role).Credentials.Retrieve(t.Context()); err != nil {
		t.Error(err)
	}
	_, err := assuming(s, role+"-other").Credentials.Retrieve(t.Context())
	wantCode(t, err, "AccessDenied")
}

func TestCallerIdentity(t *testing.T) {
	s := start(t, awslocal.Options{})
	out, err := sts.NewFromConfig(assuming(s, role)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *out.Account != otherAccount {
		t.Errorf("got %+v, %v; want account %s", out, err, otherAccount)
	}
}

func TestKeysNobodyKnows(t *testing.T) {
	s := start(t, awslocal.Options{})
	in := &ecr.GetRegistryScanningConfigurationInput{}
	stranger := signedWith(impatient(s), "AKIASTRANGER", "secret", "")
	_, err := ecr.NewFromConfig(stranger).GetRegistryScanningConfiguration(t.Context(), in)
	wantCode(t, err, "UnrecognizedClientException")

	nobody := impatient(s)
	nobody.Credentials = aws.AnonymousCredentials{}
	_, err = ecr.NewFromConfig(nobody).GetRegistryScanningConfiguration(t.Context(), in)
	wantCode(t, err, "MissingAuthenticationTokenException")

	s.AddKey("AKIASTRANGER", otherAccount)
	out, err := ecr.NewFromConfig(stranger).GetRegistryScanningConfiguration(t.Context(), in)
	if err != nil || *out.RegistryId != otherAccount {
		t.Errorf("got %+v, %v; want account %s", out, err, otherAccount)
	}
}

func TestSessionKeyNeedsItsToken(t *testing.T) {
	s := start(t, awslocal.Options{})
	got, err := assuming(s, role).Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := ecr.NewFromConfig(signedWith(impatient(s), got.AccessKeyID, got.SecretAccessKey, ""))
	_, err = client.GetRegistryScanningConfiguration(t.Context(), &ecr.GetRegistryScanningConfigurationInput{})
	wantCode(t, err, "UnrecognizedClientException")
}

func TestDeny(t *testing.T) {
	s := start(t, awslocal.Options{})
	allow := s.Deny("ecr.GetRegistryScanningConfiguration", "")
	in := &ecr.GetRegistryScanningConfigurationInput{}
	_, err := ecrClient(s).GetRegistryScanningConfiguration(t.Context(), in)
	wantCode(t, err, "AccessDeniedException")
	allow()
	if _, err := ecrClient(s).GetRegistryScanningConfiguration(t.Context(), in); err != nil {
		t.Error(err)
	}
}
