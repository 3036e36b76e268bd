package ecr

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"

	"github.com/ecr-gate/ecr-gate/gate"
)

// code is the AWS error code, empty where AWS did not answer with one. Most that
// matter are not modelled (AccessDenied, Throttling), so types do not help.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return ""
}

// byCode is every error code with a meaning of its own, with its mend. What is
// not here goes by HTTP status.
var byCode = map[string]gate.Trouble{
	"ScanNotFoundException": {Cause: gate.NoScan, Passing: true, Text: "ECR knows of no scan"},
	"ImageNotFoundException": {Cause: gate.NotFound, Passing: true, Text: "ECR knows no such image",
		Mend: "see that it was pushed, and that a lifecycle policy did not delete it"},
	"RepositoryNotFoundException": {Cause: gate.NoRepository, Text: "ECR knows no such repository",
		Mend: "check account, Region and repository in the image's name"},
	"InvalidParameterException": {Cause: gate.BadReference, Text: "ECR refuses the reference",
		Mend: "check repository, tag and digest"},
	"ImageArchivedException": {Cause: gate.Archived, Text: "it is archived in ECR and has no scan",
		Mend: "restore it, or push it again"},
	"LimitExceededException": {Cause: gate.TooOld, Text: "ECR scans an image once in 24 hours, and did",
		Mend: "wait a day, or push it again", ScannedLately: true},
	"UnsupportedImageTypeException": {Cause: gate.BadImage, Text: "ECR cannot scan this kind of artifact",
		Mend: "use an image built for one platform"},

	"AccessDeniedException":               noAccess,
	"AccessDenied":                        noAccess,
	"UnauthorizedOperation":               noAccess,
	"UnrecognizedClientException":         badCredentials,
	"InvalidClientTokenId":                badCredentials,
	"InvalidSignatureException":           badCredentials,
	"SignatureDoesNotMatch":               badCredentials,
	"MissingAuthenticationToken":          badCredentials,
	"MissingAuthenticationTokenException": badCredentials,
	"ExpiredToken":                        badCredentials,
	"ExpiredTokenException":               badCredentials,
	"OptInRequired":                       badCredentials,
	"ThrottlingException":                 throttled,
	"Throttling":                          throttled,
	"TooManyRequestsException":            throttled,
	"RequestLimitExceeded":                throttled,
	"RequestThrottled":                    throttled,
	"ServerException":                     broken,
	"InternalFailure":                     broken,
	"ServiceUnavailable":                  broken,
}

var (
	noAccess = gate.Trouble{Cause: gate.NoAccess, Text: "AWS refused access",
		Mend: "grant ecr:BatchGetImage and ecr:DescribeImageScanFindings, and for enhanced scanning inspector2:ListFindings and inspector2:ListCoverage"}
	badCredentials = gate.Trouble{Cause: gate.NoAccess, Text: "AWS does not accept our credentials",
		Mend: "check the role or keys ecr-gate runs with"}
	throttled = gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "ECR is throttling our requests", Mend: "try again"}
	broken    = gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "ECR answered with an error of its own", Mend: "try again"}
	silent    = gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "ECR did not answer in time", Mend: "try again"}
	unreached = gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "ECR could not be reached",
		Mend: "try again; if it stays so, check the network and the VPC endpoint"}
	noCredentials = gate.Trouble{Cause: gate.NoAccess, Text: "there are no AWS credentials",
		Mend: "give ecr-gate a role or a profile"}
	// A role that cannot be fetched is an outage like any other, and not a refusal.
	credentialsLost = gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "the AWS credentials could not be fetched",
		Mend: "try again; if it stays so, check DNS, STS or the Pod Identity agent"}
	misconfigured = gate.Trouble{Cause: gate.NotReadable, Text: "the AWS endpoint is configured in a way that the AWS SDK refuses",
		Mend: "see the log of ecr-gate; FIPS and dual-stack do not go with AWS_ENDPOINT_URL"}
	unreadable = gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "ECR's answer could not be read", Mend: "try again"}
)

// trouble classifies an error of an AWS call. Nothing it does not know is ever
// taken for "no findings".
func trouble(err error) *gate.Trouble {
	t := classify(err)
	t.Err = err
	return &t
}

func classify(err error) gate.Trouble {
	if t, ok := byCode[code(err)]; ok {
		return explained(t, err)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return silent
	case code(err) != "":
		return byHTTPStatus(err)
	case IsCredentialError(err):
		return credentialTrouble(err)
	case strings.Contains(err.Error(), "endpoint rule error"): // it has no type of its own
		return misconfigured
	case errors.As(err, new(*smithy.DeserializationError)):
		return unreadable
	case errors.As(err, new(*awshttp.ResponseError)):
		return byHTTPStatus(err)
	default:
		return unreached
	}
}

// missingAction is how AWS names what a role may not do.
var missingAction = regexp.MustCompile(`perform:? ([a-z0-9-]+:[A-Za-z]+)`)

// explained adds what only this error knows.
func explained(t gate.Trouble, err error) gate.Trouble {
	if t.Cause == gate.NoAccess {
		if m := missingAction.FindStringSubmatch(message(err)); m != nil {
			t.Text = "AWS refused access to " + m[1]
			t.Mend = "allow " + m[1] + " to the role ecr-gate uses"
			if strings.HasPrefix(m[1], "sts:") { // it is the role itself that is out of reach
				t.Mend = "allow " + m[1] + " in the role's trust policy"
			}
		}
	}
	return t
}

func byHTTPStatus(err error) gate.Trouble {
	var response *awshttp.ResponseError
	if !errors.As(err, &response) {
		return refused(err)
	}
	switch status := response.HTTPStatusCode(); {
	case status == 0: // there was no response: the SDK wraps even a refused connection
		return unreached
	case status >= http.StatusInternalServerError:
		return broken
	case status == http.StatusTooManyRequests:
		return throttled
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return noAccess
	case status < http.StatusMultipleChoices:
		return unreadable
	default:
		return refused(err)
	}
}

func refused(err error) gate.Trouble {
	return gate.Trouble{Cause: gate.NotReadable, Text: "ECR refused the request (" + code(err) + ")", Mend: "see the log of ecr-gate"}
}

// byFailure reads a BatchGetImage failure, which comes with HTTP 200.
func byFailure(f types.ImageFailure) *gate.Trouble {
	var t gate.Trouble
	switch f.FailureCode {
	case types.ImageFailureCodeImageNotFound:
		t = byCode["ImageNotFoundException"]
	case types.ImageFailureCodeImageTagDoesNotMatchDigest, types.ImageFailureCodeInvalidImageDigest,
		types.ImageFailureCodeInvalidImageTag, types.ImageFailureCodeMissingDigestAndTag:
		t = byCode["InvalidParameterException"]
	case types.ImageFailureCodeKmsError:
		t = gate.Trouble{Cause: gate.NoAccess, Text: "ECR cannot decrypt it (KmsError)", Mend: "check the repository's KMS key"}
	case types.ImageFailureCodeUpstreamAccessDenied:
		t = gate.Trouble{Cause: gate.NoAccess, Text: "the upstream registry refused ECR's pull-through cache", Mend: "check the pull-through cache rule's credentials"}
	case types.ImageFailureCodeUpstreamTooManyRequests:
		t = throttled
	case types.ImageFailureCodeUpstreamUnavailable:
		t = broken
	default:
		t = gate.Trouble{Cause: gate.NotReadable, Text: "ECR cannot hand it out (" + string(f.FailureCode) + ")", Mend: "push it again"}
	}
	return &t
}
