package announce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"github.com/ecr-gate/ecr-gate/gate"
)

// What an event of ours is called.
const (
	Source     = "ecr-gate"
	DetailType = "ECR Gate Verdict"
)

// maxMessage is what a person reads of a verdict; SNS takes 256 KiB.
const maxMessage = 5000

// Detail is an event of ours: the verdict without its findings, which could be more
// than an event holds (256 KiB).
type Detail struct {
	Image      string                `json:"image"`
	Digest     string                `json:"digest"`
	Outcome    gate.Outcome          `json:"outcome"`
	Cause      gate.Cause            `json:"cause"`
	Reason     string                `json:"reason"`
	Policy     string                `json:"policy"`
	Counts     map[gate.Severity]int `json:"counts"`
	Account    string                `json:"account"`
	Region     string                `json:"region"`
	Repository string                `json:"repository"`
}

// toBus tells machines: every verdict, so that a rule can also see one turn good.
func (a Announcer) toBus(ctx context.Context, s subject, v gate.Verdict) error {
	if a.EventBus == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	detail, err := json.Marshal(Detail{
		Image: v.Image, Digest: v.Digest, Outcome: v.Outcome, Cause: v.Cause, Reason: v.Reason, Policy: v.Policy,
		Counts: v.Counts, Account: s.account, Region: s.region, Repository: s.repository,
	})
	if err != nil {
		return err
	}
	out, err := eventbridge.NewFromConfig(a.Config).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
		EventBusName: aws.String(a.EventBus), Source: aws.String(Source), DetailType: aws.String(DetailType), Detail: aws.String(string(detail)),
	}}})
	if err == nil && out.FailedEntryCount > 0 && len(out.Entries) > 0 {
		err = fmt.Errorf("%s: %s", aws.ToString(out.Entries[0].ErrorCode), aws.ToString(out.Entries[0].ErrorMessage))
	}
	return unpublished("event bus "+a.EventBus, "events:PutEvents", err)
}

// toTopic tells people, of what is not allowed only.
func (a Announcer) toTopic(ctx context.Context, s subject, v gate.Verdict) error {
	if a.TopicARN == "" || v.Outcome == gate.Allowed {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := sns.NewFromConfig(a.Config).Publish(ctx, &sns.PublishInput{
		TopicArn: aws.String(a.TopicARN), Subject: aws.String(headline(s, v)), Message: aws.String(v.Detail(maxMessage)),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{
			"outcome": text(v.Outcome.String()), "policy": text(v.Policy), "repository": text(s.repository),
		},
	})
	return unpublished("SNS topic "+a.TopicARN, "sns:Publish", err)
}

func text(value string) snstypes.MessageAttributeValue {
	if value == "" {
		value = "none" // SNS takes no empty one
	}
	return snstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
}

// maxSubject is SNS's limit: below 100 characters, ASCII, no line break.
const maxSubject = 99

func headline(s subject, v gate.Verdict) string {
	verb, _, _ := strings.Cut(v.Reason, ":")
	line := fmt.Sprintf("%s: %s %s", verb, s.repository, strings.TrimPrefix(s.digest, "sha256:")[:12])
	return line[:min(len(line), maxSubject)]
}

func unpublished(where, action string, err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if errors.As(err, &api) && (strings.HasPrefix(api.ErrorCode(), "AccessDenied") || api.ErrorCode() == "AuthorizationError") {
		return fmt.Errorf("the verdict is not published to %s: allow %s on it to the function's role: %w", where, action, err)
	}
	return fmt.Errorf("the verdict is not published to %s: %w", where, err)
}
