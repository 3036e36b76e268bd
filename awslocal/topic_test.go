package awslocal_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

func publish(t *testing.T, cfg aws.Config, in *sns.PublishInput) error {
	t.Helper()
	out, err := sns.NewFromConfig(cfg).Publish(t.Context(), in)
	if err == nil && aws.ToString(out.MessageId) == "" {
		t.Error("no message id")
	}
	return err
}

func TestPublish(t *testing.T) {
	s := start(t, awslocal.Options{})
	arn := s.AddTopic("verdicts")
	err := publish(t, impatient(s), &sns.PublishInput{
		TopicArn: &arn, Subject: aws.String("image not allowed: shop/api"), Message: aws.String("<b>1 CRITICAL & more ✗</b>\n"),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{
			"outcome":    {DataType: aws.String("String"), StringValue: aws.String("Denied")},
			"repository": {DataType: aws.String("String"), StringValue: aws.String("shop/api")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := publish(t, impatient(s), &sns.PublishInput{TopicArn: &arn, Message: aws.String("no subject")}); err != nil {
		t.Fatal(err)
	}
	want := []awslocal.Publication{
		{TopicARN: "arn:aws:sns:eu-west-1:111122223333:verdicts", Subject: "image not allowed: shop/api",
			Message:    "<b>1 CRITICAL & more ✗</b>\n",
			Attributes: map[string]string{"outcome": "Denied", "repository": "shop/api"}},
		{TopicARN: arn, Message: "no subject"},
	}
	if diff := cmp.Diff(want, s.Publications()); diff != "" {
		t.Error(diff)
	}
	if n := s.Calls()["sns.Publish"]; n != 2 {
		t.Errorf("calls are %v", s.Calls())
	}
}

func TestPublicationsThatAreRefused(t *testing.T) {
	s := start(t, awslocal.Options{})
	arn := s.AddTopic("verdicts")
	subject := func(text string) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) { in.Subject = &text }
	}
	message := func(text string) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) { in.Message = &text }
	}
	topic := func(arn string) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) { in.TopicArn = &arn }
	}
	attribute := func(name, value string) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) {
			in.MessageAttributes = map[string]snstypes.MessageAttributeValue{name: {DataType: aws.String("String"), StringValue: &value}}
		}
	}
	tests := map[string]struct {
		spoil func(*sns.PublishInput)
		code  string
	}{
		"as it should be":        {func(*sns.PublishInput) {}, ""},
		"subject at the limit":   {subject(strings.Repeat("s", 99)), ""},
		"subject too long":       {subject(strings.Repeat("s", 100)), "InvalidParameter"},
		"subject empty":          {subject(""), "InvalidParameter"},
		"subject of two lines":   {subject("a\nb"), "InvalidParameter"},
		"subject not in ASCII":   {subject("Größe"), "InvalidParameter"},
		"subject with a space":   {subject(" a"), "InvalidParameter"},
		"message at the limit":   {message(strings.Repeat("é", 128<<10)), ""},
		"message too long":       {message(strings.Repeat("é", 128<<10) + "e"), "InvalidParameter"},
		"message empty":          {message(""), "InvalidParameter"},
		"attributes count":       {func(in *sns.PublishInput) { message(strings.Repeat("m", 256<<10))(in); attribute("a", "b")(in) }, "InvalidParameter"},
		"attribute empty":        {attribute("outcome", ""), "ParameterValueInvalid"},
		"topic nobody made":      {topic(arn + "-other"), "NotFound"},
		"topic of another place": {topic("arn:aws:sns:us-east-1:111122223333:verdicts"), "InvalidParameter"},
		"no ARN":                 {topic("verdicts"), "InvalidParameter"},
		"no topic":               {func(in *sns.PublishInput) { in.TopicArn = nil }, "InvalidParameter"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := &sns.PublishInput{TopicArn: &arn, Message: aws.String("m")}
			test.spoil(in)
			before := len(s.Publications())
			err := publish(t, impatient(s), in)
			if test.code == "" {
				if err != nil || len(s.Publications()) != before+1 {
					t.Errorf("%v, %d more publications", err, len(s.Publications())-before)
				}
				return
			}
			wantCode(t, err, test.code)
			if len(s.Publications()) != before {
				t.Error("it was published")
			}
		})
	}
}

func TestPublishingIsDenied(t *testing.T) {
	s := start(t, awslocal.Options{})
	in := &sns.PublishInput{TopicArn: aws.String(s.AddTopic("verdicts")), Message: aws.String("m")}
	allow := s.Deny("sns.Publish", "")
	wantError[*snstypes.AuthorizationErrorException](t, publish(t, impatient(s), in))
	allow()
	stranger := signedWith(impatient(s), "AKIASTRANGER", "secret", "")
	wantCode(t, publish(t, stranger, in), "InvalidClientTokenId")
	_, err := sns.NewFromConfig(impatient(s)).ListTopics(t.Context(), &sns.ListTopicsInput{})
	wantCode(t, err, "InvalidAction")
	if err := publish(t, assuming(s, role), in); err != nil {
		t.Error(err)
	}
}
