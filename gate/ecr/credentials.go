package ecr

import (
	"errors"
	"net"
	"net/http"
	"regexp"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ecr-gate/ecr-gate/gate"
)

// IsCredentialError reports whether a call failed for want of credentials, before
// the service was asked. The SDK wraps that case in no type of its own.
func IsCredentialError(err error) bool {
	return err != nil && credentialText.MatchString(err.Error())
}

// credentialTrouble tells a role that nobody gave from one that could not be
// fetched. Where none is configured the SDK asks the machine's own metadata last.
func credentialTrouble(err error) gate.Trouble {
	if service, _ := InnermostOperation(err); service != "ec2imds" && lostOnTheWay(err) {
		return credentialsLost
	}
	return noCredentials
}

// lostOnTheWay reports whether there was no answer, or one that says nothing.
func lostOnTheWay(err error) bool {
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() != 0 {
		return response.HTTPStatusCode() >= http.StatusInternalServerError || response.HTTPStatusCode() == http.StatusTooManyRequests
	}
	return errors.As(err, new(*smithyhttp.RequestSendError)) || errors.As(err, new(net.Error))
}

// InnermostOperation is the call that failed in the end: that of the service, or one
// made to get credentials for it. Empty where no call was made.
func InnermostOperation(err error) (service, operation string) {
	for {
		var call *smithy.OperationError
		if !errors.As(err, &call) {
			return service, operation
		}
		service, operation, err = call.Service(), call.Operation(), call.Err
	}
}

var credentialText = regexp.MustCompile(`(?i)get credentials|failed to refresh cached credentials|get identity`)
