package pipeline

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/smithy-go"

	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

// Examination asks CodePipeline whether a worker can take jobs and report on them,
// without taking one.
type Examination struct {
	Config     aws.Config // its Region is where jobs are polled
	ActionType ActionType
	Caller     doctor.Caller // who asks
	ConfigFile string        // as it was given; empty: none
	Timeout    time.Duration // of one call; 0: 15 s
}

// Run asks one thing after the other.
func (e Examination) Run(ctx context.Context) []doctor.Result {
	if e.Config.Region == "" {
		return nil // a fault of its own, told where the Region is looked at
	}
	e.ActionType = e.ActionType.withDefaults()
	sheet := doctor.On("CodePipeline in " + e.Config.Region)
	client := codepipeline.NewFromConfig(e.Config)
	if !e.registered(ctx, sheet, client) {
		return sheet.Results()
	}
	e.poll(ctx, sheet, client)
	for _, call := range calls(client) {
		err := e.bounded(ctx, call.ask)
		e.permission(sheet, "codepipeline:"+call.name, "*", err, "JobNotFoundException", "InvalidNonceException", "InvalidJobStateException")
	}
	return sheet.Results()
}

// jobOfNobody is the id of no job: asked about it, CodePipeline says JobNotFound to
// whoever may ask, and nothing comes of it.
const jobOfNobody = "00000000-0000-0000-0000-000000000000"

type call struct {
	name string
	ask  func(context.Context) error
}

func calls(client *codepipeline.Client) []call {
	id := aws.String(jobOfNobody)
	return []call{
		{"AcknowledgeJob", func(ctx context.Context) error {
			_, err := client.AcknowledgeJob(ctx, &codepipeline.AcknowledgeJobInput{JobId: id, Nonce: aws.String("0")})
			return err
		}},
		{"PutJobSuccessResult", func(ctx context.Context) error {
			_, err := client.PutJobSuccessResult(ctx, &codepipeline.PutJobSuccessResultInput{JobId: id})
			return err
		}},
		{"PutJobFailureResult", func(ctx context.Context) error {
			_, err := client.PutJobFailureResult(ctx, &codepipeline.PutJobFailureResultInput{JobId: id, FailureDetails: &types.FailureDetails{
				Type: types.FailureTypeConfigurationError, Message: aws.String("ecr-gate doctor asks whether it may report"),
			}})
			return err
		}},
	}
}

// bounded keeps one call from hanging.
func (e Examination) bounded(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(e.Timeout, callTimeout))
	defer cancel()
	return ask(ctx)
}

// poll asks for jobs in a form that is refused three times over before one could be
// handed out: no job at all, by a property that is none of the action's, with a
// value of no property's form. Whether AWS looks at permissions before that is
// documented nowhere, so only a refusal tells something.
func (e Examination) poll(ctx context.Context, sheet *doctor.Sheet, client *codepipeline.Client) {
	const action = "codepipeline:PollForJobs"
	err := e.bounded(ctx, func(ctx context.Context) error {
		_, err := client.PollForJobs(ctx, &codepipeline.PollForJobsInput{
			ActionTypeId: e.ActionType.id(), MaxBatchSize: aws.Int32(0),
			QueryParam: map[string]string{"ecr-gate doctor": "takes no job"},
		})
		return err
	})
	resource := "arn:" + e.Caller.Partition() + ":codepipeline:" + e.Config.Region + ":" + e.Caller.Account + ":actiontype:" + e.typePath()
	switch code(err) {
	case "ValidationException", "ActionTypeNotFoundException":
		sheet.Warning(action, "AWS did not refuse it, as far as can be told without taking a job",
			"the worker's log tells after its first poll; it needs:\n"+doctor.Allow(resource, action))
	default:
		e.permission(sheet, action, resource, err)
	}
}

// typePath is how an action type's ARN ends.
func (e Examination) typePath() string {
	a := e.ActionType
	return strings.Join([]string{"Custom", a.Category, a.Provider, a.Version}, "/")
}

// permission notes whether an action is allowed: it is if AWS complains of something
// that it can know only after that, one of the codes in granted.
func (e Examination) permission(sheet *doctor.Sheet, action, resource string, err error, granted ...string) {
	switch c := code(err); {
	case err == nil, slices.Contains(granted, c):
		sheet.OK(action, "allowed")
	case strings.HasPrefix(c, "AccessDenied"):
		refusal := doctor.ReadRefusal(words(err))
		sheet.Fault(action, refusal.Found(), refusal.Mend(e.Caller.Principal(), doctor.Allow(resource, action)))
	default:
		e.unanswered(sheet, action, err)
	}
}

func (e Examination) unanswered(sheet *doctor.Sheet, check string, err error) {
	if code(err) == "" {
		sheet.Unknown(check, "CodePipeline gave no answer ("+innermost(err)+")",
			"let this place reach codepipeline."+e.Config.Region+" on 443 (NAT, or the VPC endpoint com.amazonaws."+e.Config.Region+".codepipeline), and see that there is CodePipeline in the Region")
		return
	}
	sheet.Unknown(check, "CodePipeline answered with "+code(err)+": "+words(err), "try again")
}

func words(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return ""
}

// innermost is the error at the bottom, which says most.
func innermost(err error) string {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err.Error()
}
