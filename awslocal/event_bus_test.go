package awslocal_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

func putEvents(t *testing.T, s *awslocal.Server, entries ...ebtypes.PutEventsRequestEntry) (*eventbridge.PutEventsOutput, error) {
	t.Helper()
	return eventbridge.NewFromConfig(impatient(s)).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
}

func verdictEvent(detail string) ebtypes.PutEventsRequestEntry {
	return ebtypes.PutEventsRequestEntry{
		Source: aws.String("ecr-gate"), DetailType: aws.String("Image Verdict"), Detail: &detail,
	}
}

func TestPutEvents(t *testing.T) {
	s := start(t, awslocal.Options{})
	arn := s.AddEventBus("security")
	onDefault, byName, byARN := verdictEvent(`{"n":1}`), verdictEvent(`{"n":2}`), verdictEvent(`{"n":3}`)
	onDefault.Resources = []string{"arn:aws:ecr:eu-west-1:111122223333:repository/shop/api"}
	byName.EventBusName, byARN.EventBusName = aws.String("security"), &arn
	out, err := putEvents(t, s, onDefault, byName, byARN)
	if err != nil {
		t.Fatal(err)
	}
	if out.FailedEntryCount != 0 || len(out.Entries) != 3 || aws.ToString(out.Entries[0].EventId) == aws.ToString(out.Entries[1].EventId) {
		t.Errorf("answer is %+v", out)
	}
	want := []awslocal.BusEvent{
		{Bus: "default", Source: "ecr-gate", DetailType: "Image Verdict", Detail: []byte(`{"n":1}`), Resources: onDefault.Resources},
		{Bus: "security", Source: "ecr-gate", DetailType: "Image Verdict", Detail: []byte(`{"n":2}`)},
		{Bus: "security", Source: "ecr-gate", DetailType: "Image Verdict", Detail: []byte(`{"n":3}`)},
	}
	if diff := cmp.Diff(want, s.Events()); diff != "" {
		t.Error(diff)
	}
	if n := s.Calls()["events.PutEvents"]; n != 1 {
		t.Errorf("calls are %v", s.Calls())
	}
}

func TestEntriesThatAreNotTaken(t *testing.T) {
	tests := map[string]struct {
		spoil func(*ebtypes.PutEventsRequestEntry)
		code  string
	}{
		"no source":             {func(e *ebtypes.PutEventsRequestEntry) { e.Source = nil }, "InvalidArgument"},
		"source of AWS":         {func(e *ebtypes.PutEventsRequestEntry) { e.Source = aws.String("aws.ecr") }, "NotAuthorizedForSourceException"},
		"no detail type":        {func(e *ebtypes.PutEventsRequestEntry) { e.DetailType = nil }, "InvalidArgument"},
		"detail type too long":  {func(e *ebtypes.PutEventsRequestEntry) { e.DetailType = aws.String(strings.Repeat("t", 129)) }, "InvalidArgument"},
		"no detail":             {func(e *ebtypes.PutEventsRequestEntry) { e.Detail = nil }, "InvalidArgument"},
		"detail is no JSON":     {func(e *ebtypes.PutEventsRequestEntry) { e.Detail = aws.String("{") }, "MalformedDetail"},
		"detail is a list":      {func(e *ebtypes.PutEventsRequestEntry) { e.Detail = aws.String("[]") }, "MalformedDetail"},
		"detail is null":        {func(e *ebtypes.PutEventsRequestEntry) { e.Detail = aws.String("null") }, "MalformedDetail"},
		"detail with a remnant": {func(e *ebtypes.PutEventsRequestEntry) { e.Detail = aws.String("{} {}") }, "MalformedDetail"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, awslocal.Options{})
			bad := verdictEvent("{}")
			test.spoil(&bad)
			out, err := putEvents(t, s, verdictEvent(`{"n":1}`), bad)
			if err != nil {
				t.Fatal(err)
			}
			if out.FailedEntryCount != 1 || out.Entries[0].ErrorCode != nil || aws.ToString(out.Entries[1].ErrorCode) != test.code || out.Entries[1].EventId != nil {
				t.Errorf("answer is %+v, want %s", out.Entries, test.code)
			}
			if len(s.Events()) != 1 {
				t.Errorf("%d events taken, want 1", len(s.Events()))
			}
		})
	}
}

// filled makes an event of so many bytes.
func filled(size int) ebtypes.PutEventsRequestEntry {
	e := verdictEvent("")
	size -= len(*e.Source) + len(*e.DetailType) + len(`{"x":""}`)
	e.Detail = aws.String(`{"x":"` + strings.Repeat("x", size) + `"}`)
	return e
}

func TestPutEventsIsRefusedAsAWhole(t *testing.T) {
	s := start(t, awslocal.Options{})
	stray := verdictEvent("{}")
	stray.EventBusName = aws.String("security")
	_, err := putEvents(t, s, verdictEvent("{}"), stray)
	wantCode(t, err, "ResourceNotFoundException")

	_, err = putEvents(t, s, filled(1<<19), filled(1<<19+1))
	wantCode(t, err, "ValidationException")
	_, err = putEvents(t, s, []ebtypes.PutEventsRequestEntry{}...)
	wantCode(t, err, "ValidationException")
	eleven := make([]ebtypes.PutEventsRequestEntry, 11)
	for i := range eleven {
		eleven[i] = verdictEvent("{}")
	}
	_, err = putEvents(t, s, eleven...)
	wantCode(t, err, "ValidationException")
	s.Deny("events.PutEvents", "")
	_, err = putEvents(t, s, verdictEvent("{}"))
	wantCode(t, err, "AccessDeniedException")
	if len(s.Events()) != 0 {
		t.Errorf("%d events taken, want none", len(s.Events()))
	}
}

func TestEventsUpToTheLimitAreTaken(t *testing.T) {
	s := start(t, awslocal.Options{})
	if _, err := putEvents(t, s, filled(1<<19), filled(1<<19)); err != nil || len(s.Events()) != 2 {
		t.Errorf("%d events taken, %v", len(s.Events()), err)
	}
}
