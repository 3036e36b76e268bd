package ecr

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ecr-gate/ecr-gate/gate"
)

// answered is how the SDK hands on an answer of this HTTP status.
func answered(status int, err error) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err,
	}}
}

// notSent is how it hands on a request that never got an answer.
func notSent(err error) error { return answered(0, &smithyhttp.RequestSendError{Err: err}) }

func coded(code string) error { return &smithy.GenericAPIError{Code: code, Message: "no"} }

func during(service string, err error) error {
	return &smithy.OperationError{ServiceID: service, OperationName: "Op", Err: err}
}

// What has no code of its own goes by its HTTP status, and what has no status by
// what became of the request. Only trouble that may pass is waited out.
func TestErrorsWithoutAKnownCode(t *testing.T) {
	boom := errors.New("boom")
	credentials := func(err error) error { return during("ECR", fmt.Errorf("get identity: get credentials: %w", err)) }
	tests := []struct {
		name    string
		err     error
		cause   gate.Cause
		passing bool
		says    string
	}{
		{"200", answered(200, boom), gate.NotReadable, true, "could not be read"},
		{"299", answered(299, boom), gate.NotReadable, true, "could not be read"},
		{"300", answered(300, boom), gate.NotReadable, false, "refused the request"},
		{"400", answered(400, boom), gate.NotReadable, false, "refused the request"},
		{"401", answered(401, boom), gate.NoAccess, false, "refused access"},
		{"402", answered(402, boom), gate.NotReadable, false, "refused the request"},
		{"403", answered(403, boom), gate.NoAccess, false, "refused access"},
		{"404", answered(404, boom), gate.NotReadable, false, "refused the request"},
		{"429", answered(429, boom), gate.NotReadable, true, "throttling"},
		{"499", answered(499, boom), gate.NotReadable, false, "refused the request"},
		{"500", answered(500, boom), gate.NotReadable, true, "error of its own"},
		{"503", answered(503, boom), gate.NotReadable, true, "error of its own"},

		{"a new code, 400", answered(400, coded("New")), gate.NotReadable, false, "refused the request (New)"},
		{"a new code, 403", answered(403, coded("New")), gate.NoAccess, false, "refused access"},
		{"a new code, 500", answered(500, coded("New")), gate.NotReadable, true, "error of its own"},
		{"a new code, no answer", coded("New"), gate.NotReadable, false, "refused the request (New)"},
		{"a known code, whatever the status", answered(500, coded("RepositoryNotFoundException")), gate.NoRepository, false, "no such repository"},
		{"a late known code", fmt.Errorf("%w: %w", context.DeadlineExceeded, coded("ImageNotFoundException")), gate.NotFound, true, "no such image"},

		{"deadline", during("ECR", context.DeadlineExceeded), gate.NotReadable, true, "in time"},
		{"cancelled", during("ECR", context.Canceled), gate.NotReadable, true, "in time"},
		{"a new code, too late", fmt.Errorf("%w: %w", context.DeadlineExceeded, answered(400, coded("New"))), gate.NotReadable, true, "in time"},
		{"an answer that is none", answered(200, &smithy.DeserializationError{Err: boom}), gate.NotReadable, true, "could not be read"},
		{"an error that is none", answered(400, &smithy.DeserializationError{Err: boom}), gate.NotReadable, true, "could not be read"},
		{"not sent", during("ECR", notSent(boom)), gate.NotReadable, true, "could not be reached"},
		{"something else", boom, gate.NotReadable, true, "could not be reached"},
		{"an endpoint of no rule", during("ECR", errors.New("endpoint rule error, no")), gate.NotReadable, false, "configured"},

		{"no credentials", credentials(boom), gate.NoAccess, false, "no AWS credentials"},
		{"no credentials from the machine", credentials(during("ec2imds", notSent(boom))), gate.NoAccess, false, "no AWS credentials"},
		{"credentials not sent for", credentials(during("STS", &smithyhttp.RequestSendError{Err: boom})), gate.NotReadable, true, "could not be fetched"},
		{"credentials' host not found", credentials(during("STS", &net.DNSError{Err: "no such host"})), gate.NotReadable, true, "could not be fetched"},
		{"credentials unanswered", credentials(during("STS", notSent(boom))), gate.NotReadable, true, "could not be fetched"},
		{"credentials broken", credentials(during("STS", answered(500, boom))), gate.NotReadable, true, "could not be fetched"},
		{"credentials throttled", credentials(during("STS", answered(429, boom))), gate.NotReadable, true, "could not be fetched"},
		{"credentials refused", credentials(during("STS", answered(499, boom))), gate.NoAccess, false, "no AWS credentials"},
		{"credentials refused, as text", credentials(during("STS", answered(400, boom))), gate.NoAccess, false, "no AWS credentials"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := trouble(test.err)
			if got.Cause != test.cause || got.Passing != test.passing || !strings.Contains(got.Text, test.says) || got.Mend == "" {
				t.Errorf("got %s, passing %t: %s; %s", got.Cause, got.Passing, got.Text, got.Mend)
			}
			if !errors.Is(got, test.err) {
				t.Error("what lies beneath is lost to the log")
			}
		})
	}
}

// A refusal that names the action names it in the mend; only refusals do.
func TestMissingActionIsNamed(t *testing.T) {
	of := func(code, action string) *gate.Trouble {
		return trouble(&smithy.GenericAPIError{Code: code, Message: "User: x is not authorized to perform: " + action + " on resource: y"})
	}
	for _, test := range []struct{ code, action, text, mend string }{
		{"AccessDeniedException", "ecr:BatchGetImage", "AWS refused access to ecr:BatchGetImage", "allow ecr:BatchGetImage to the role ecr-gate uses"},
		{"AccessDenied", "sts:AssumeRole", "AWS refused access to sts:AssumeRole", "allow sts:AssumeRole in the role's trust policy"},
		{"AccessDenied", "", noAccess.Text, noAccess.Mend},
		{"ThrottlingException", "ecr:BatchGetImage", throttled.Text, throttled.Mend},
		{"RepositoryNotFoundException", "ecr:BatchGetImage", "ECR knows no such repository", "check account, Region and repository in the image's name"},
	} {
		if got := of(test.code, test.action); got.Text != test.text || got.Mend != test.mend {
			t.Errorf("%s %s: %s; %s", test.code, test.action, got.Text, got.Mend)
		}
	}
}

// An enhanced registry starts its scans by itself: an old result cannot be renewed.
func TestWhyNoScanWasStarted(t *testing.T) {
	for code, want := range map[string]gate.Trouble{
		"ValidationException":           {Cause: gate.TooOld, Text: "the registry uses enhanced scanning, which starts its scans by itself", Mend: "push it again, or drop startScan"},
		"LimitExceededException":        byCode["LimitExceededException"],
		"UnsupportedImageTypeException": byCode["UnsupportedImageTypeException"],
		"ThrottlingException":           throttled,
	} {
		err := answered(400, coded(code))
		got := startTrouble(err)
		if got.Cause != want.Cause || got.Passing != want.Passing || got.Text != want.Text || got.Mend != want.Mend || !errors.Is(got, err) {
			t.Errorf("%s: %+v", code, got)
		}
	}
}

// The call that failed in the end is the innermost: the one for credentials, not the
// one they were for.
func TestInnermostOperation(t *testing.T) {
	for want, err := range map[string]error{
		" ":      errors.New("boom"),
		"ECR Op": during("ECR", errors.New("boom")),
		"STS Op": during("ECR", fmt.Errorf("get credentials: %w", during("STS", errors.New("boom")))),
	} {
		service, operation := InnermostOperation(err)
		if got := service + " " + operation; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if IsCredentialError(nil) || IsCredentialError(errors.New("boom")) || !IsCredentialError(errors.New("failed to refresh cached credentials, no")) {
		t.Error("a credential error is not told from others")
	}
}
