package ecr

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/ecr-gate/ecr-gate/gate"
)

const euWest = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"

// A listed registry is asked in its Regions, and in every one where none is named.
func TestRegistryIncludes(t *testing.T) {
	for _, test := range []struct {
		registry Registry
		host     host
		want     bool
	}{
		{Registry{Account: "111122223333"}, host{"111122223333", "eu-west-1"}, true},
		{Registry{Account: "111122223333", Regions: []string{"us-east-1", "eu-west-1"}}, host{"111122223333", "eu-west-1"}, true},
		{Registry{Account: "111122223333", Regions: []string{"us-east-1"}}, host{"111122223333", "eu-west-1"}, false},
		{Registry{Account: "444455556666"}, host{"111122223333", "eu-west-1"}, false},
		{Registry{}, host{"111122223333", "eu-west-1"}, false},
	} {
		if got := test.registry.includes(test.host); got != test.want {
			t.Errorf("%+v includes %+v: %t", test.registry, test.host, got)
		}
	}
}

// What is refused before anything is sent.
func TestWhoIsNotAsked(t *testing.T) {
	s := NewSource(aws.Config{}, []Registry{{Account: "444455556666"}, {Account: "111122223333", Regions: []string{"eu-west-1"}, AssumeRoleARN: "role"}})
	for registry, cause := range map[string]gate.Cause{
		"docker.io":        gate.NotECR,
		"example.com:5000": gate.NotECR,
		euWest + ":5000":   gate.BadReference,
		euWest + ":0":      gate.BadReference,
		"111122223333.dkr.ecr.us-east-1.amazonaws.com": gate.NotListed,
		"777788889999.dkr.ecr.eu-west-1.amazonaws.com": gate.NotListed,
	} {
		client, _, err := s.client(gate.Image{Registry: registry})
		wantTrouble(t, registry, err, cause, false)
		if client != nil {
			t.Errorf("%s: there is a client beside the error", registry)
		}
	}
	client, h, err := s.client(gate.Image{Registry: euWest})
	if err != nil || h != (host{"111122223333", "eu-west-1"}) {
		t.Fatal(h, err)
	}
	if region := client.Options().Region; region != "eu-west-1" {
		t.Errorf("asked in %s", region)
	}
	if _, ok := s.clients[clientKey{"111122223333", "eu-west-1", "role"}]; !ok || len(s.clients) != 1 {
		t.Errorf("asked as another than the role that is listed: %v", s.clients)
	}
	if again, _, _ := s.client(gate.Image{Registry: euWest}); again != client {
		t.Error("a client of its own for each question")
	}
}

// Image names choose account and Region, so there is an end to the clients kept.
func TestClientsAreBounded(t *testing.T) {
	s := NewSource(aws.Config{}, nil)
	for i := range 2 * maxClients {
		name := fmt.Sprintf("%012d.dkr.ecr.eu-west-1.amazonaws.com", i)
		if _, _, err := s.client(gate.Image{Registry: name}); err != nil {
			t.Fatal(err)
		}
		if want := min(i+1, maxClients); len(s.clients) != want {
			t.Fatalf("after %d registries %d clients are kept, want %d", i+1, len(s.clients), want)
		}
		if _, ok := s.clients[clientKey{account: name[:12], region: "eu-west-1"}]; !ok {
			t.Fatal("the client just made is not kept")
		}
	}
}

// One call has the time that was given, by default five seconds.
func TestCallTimeout(t *testing.T) {
	for want, s := range map[time.Duration]*Source{
		DefaultCallTimeout: NewSource(aws.Config{}, nil),
		time.Hour:          NewSource(aws.Config{}, nil, CallTimeout(time.Hour)),
	} {
		ctx, cancel := s.call(t.Context())
		deadline, ok := ctx.Deadline()
		cancel()
		if left := time.Until(deadline); !ok || left > want || left < want-time.Minute {
			t.Errorf("a call has %s, want %s", left, want)
		}
	}
}

// A used-up quota is final, and nothing else that the SDK would try again.
func TestRetries(t *testing.T) {
	r := newRetryer()
	for code, want := range map[string]bool{
		"LimitExceededException": false, "ThrottlingException": true, "RequestLimitExceeded": true, "AccessDeniedException": false,
	} {
		if got := r.IsErrorRetryable(&smithy.GenericAPIError{Code: code}); got != want {
			t.Errorf("%s is tried again: %t", code, got)
		}
	}
	if r.IsErrorRetryable(errors.New("boom")) {
		t.Error("an error that nobody knows is tried again")
	}
	if r.MaxAttempts() != retry.DefaultMaxAttempts {
		t.Errorf("%d attempts", r.MaxAttempts())
	}
}
