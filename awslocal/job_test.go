package awslocal_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	cptypes "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

var gateType = cptypes.ActionTypeId{
	Category: "Test", Owner: "Custom", Provider: aws.String("EcrGate"), Version: aws.String("1"),
}

func register(t *testing.T, s *awslocal.Server, properties ...cptypes.ActionConfigurationProperty) {
	t.Helper()
	_, err := pipelineClient(s).CreateCustomActionType(t.Context(), gateTypeInput(properties...))
	if err != nil {
		t.Fatal(err)
	}
}

func gateTypeInput(properties ...cptypes.ActionConfigurationProperty) *codepipeline.CreateCustomActionTypeInput {
	return &codepipeline.CreateCustomActionTypeInput{
		Category: gateType.Category, Provider: gateType.Provider, Version: gateType.Version,
		InputArtifactDetails:    &cptypes.ArtifactDetails{MinimumCount: 0, MaximumCount: 5},
		OutputArtifactDetails:   &cptypes.ArtifactDetails{MinimumCount: 0, MaximumCount: 1},
		ConfigurationProperties: properties,
	}
}

func poll(t *testing.T, s *awslocal.Server) []cptypes.Job {
	t.Helper()
	out, err := pipelineClient(s).PollForJobs(t.Context(), &codepipeline.PollForJobsInput{
		ActionTypeId: &gateType, MaxBatchSize: aws.Int32(10),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Jobs
}

func acknowledge(t *testing.T, s *awslocal.Server, id, nonce *string) (cptypes.JobStatus, error) {
	t.Helper()
	out, err := pipelineClient(s).AcknowledgeJob(t.Context(), &codepipeline.AcknowledgeJobInput{JobId: id, Nonce: nonce})
	if err != nil {
		return "", err
	}
	return out.Status, nil
}

// take polls for the one job there is and acknowledges it.
func take(t *testing.T, s *awslocal.Server) cptypes.Job {
	t.Helper()
	jobs := poll(t, s)
	if len(jobs) != 1 {
		t.Fatalf("%d jobs, want 1", len(jobs))
	}
	status, err := acknowledge(t, s, jobs[0].Id, jobs[0].Nonce)
	if err != nil || status != cptypes.JobStatusInProgress {
		t.Fatalf("acknowledged: %s, %v", status, err)
	}
	return jobs[0]
}

// inHand starts a server with one acknowledged bare job.
func inHand(t *testing.T) (*awslocal.Server, cptypes.Job) {
	t.Helper()
	s := start(t, awslocal.Options{})
	register(t, s)
	s.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "shop/api:v1"}})
	return s, take(t, s)
}

func succeed(t *testing.T, s *awslocal.Server, in *codepipeline.PutJobSuccessResultInput) error {
	t.Helper()
	_, err := pipelineClient(s).PutJobSuccessResult(t.Context(), in)
	return err
}

func fail(t *testing.T, s *awslocal.Server, id *string, message string) error {
	t.Helper()
	_, err := pipelineClient(s).PutJobFailureResult(t.Context(), &codepipeline.PutJobFailureResultInput{
		JobId: id, FailureDetails: &cptypes.FailureDetails{Type: "JobFailed", Message: &message},
	})
	return err
}

func TestPollNeedsTheActionType(t *testing.T) {
	s := start(t, awslocal.Options{})
	in := &codepipeline.PollForJobsInput{ActionTypeId: &gateType}
	_, err := pipelineClient(s).PollForJobs(t.Context(), in)
	wantError[*cptypes.ActionTypeNotFoundException](t, err)
	register(t, s)
	if jobs := poll(t, s); len(jobs) != 0 {
		t.Errorf("%d jobs of an empty queue", len(jobs))
	}
}

func TestPollHandsOutWhatIsAskedFor(t *testing.T) {
	s := start(t, awslocal.Options{})
	register(t, s)
	for range 3 {
		s.AddJob(awslocal.Job{})
	}
	s.AddJob(awslocal.Job{Provider: "Other"})
	out, err := pipelineClient(s).PollForJobs(t.Context(), &codepipeline.PollForJobsInput{
		ActionTypeId: &gateType, MaxBatchSize: aws.Int32(2),
	})
	if err != nil || len(out.Jobs) != 2 {
		t.Fatalf("%+v, %v; want 2 jobs", out, err)
	}
	if rest := poll(t, s); len(rest) != 1 {
		t.Errorf("then %d jobs, want 1", len(rest))
	}
}

func TestQueryableProperty(t *testing.T) {
	s := start(t, awslocal.Options{})
	register(t, s, cptypes.ActionConfigurationProperty{
		Name: aws.String("Team"), Required: true, Key: true, Queryable: true,
	})
	s.AddJob(awslocal.Job{Configuration: map[string]string{"Team": "shop"}})
	in := &codepipeline.PollForJobsInput{ActionTypeId: &gateType}
	_, err := pipelineClient(s).PollForJobs(t.Context(), in)
	wantError[*cptypes.ValidationException](t, err)
	for _, team := range []string{"bank", "shop"} {
		in.QueryParam = map[string]string{"Team": team}
		out, err := pipelineClient(s).PollForJobs(t.Context(), in)
		if err != nil || len(out.Jobs) != map[string]int{"bank": 0, "shop": 1}[team] {
			t.Errorf("team %s: %+v, %v", team, out, err)
		}
	}
}

func TestAcknowledgeOnce(t *testing.T) {
	s := start(t, awslocal.Options{})
	register(t, s)
	s.AddJob(awslocal.Job{Deliveries: 2})
	first, second := poll(t, s)[0], poll(t, s)[0]
	if *first.Id != *second.Id {
		t.Fatal("the second poll handed out another job")
	}
	_, err := acknowledge(t, s, first.Id, aws.String("wrong"))
	wantError[*cptypes.InvalidNonceException](t, err)
	if status, err := acknowledge(t, s, first.Id, first.Nonce); err != nil || status != cptypes.JobStatusInProgress {
		t.Errorf("got %s, %v; want InProgress", status, err)
	}
	_, err = acknowledge(t, s, second.Id, second.Nonce)
	wantError[*cptypes.InvalidNonceException](t, err)
}

func TestResultNeedsAnAcknowledgedJob(t *testing.T) {
	s := start(t, awslocal.Options{})
	register(t, s)
	s.AddJob(awslocal.Job{})
	j := poll(t, s)[0]
	wantError[*cptypes.InvalidJobStateException](t, succeed(t, s, &codepipeline.PutJobSuccessResultInput{JobId: j.Id}))
	wantError[*cptypes.InvalidJobStateException](t, fail(t, s, j.Id, "no"))
	unknown := aws.String("ffffffff-0000-4000-8000-000000000000")
	wantError[*cptypes.JobNotFoundException](t, fail(t, s, unknown, "no"))
	wantError[*cptypes.ValidationException](t, fail(t, s, aws.String("job-1"), "no"))
}

func TestOneResultOnly(t *testing.T) {
	s, j := inHand(t)
	if err := fail(t, s, j.Id, "over policy"); err != nil {
		t.Fatal(err)
	}
	wantError[*cptypes.InvalidJobStateException](t, succeed(t, s, &codepipeline.PutJobSuccessResultInput{JobId: j.Id}))
	wantError[*cptypes.InvalidJobStateException](t, fail(t, s, j.Id, "again"))
	state, _ := s.JobState(*j.Id)
	if state.Status != awslocal.Failed || state.Result.FailureType != "JobFailed" || state.Result.FailureMessage != "over policy" {
		t.Errorf("state is %+v", state)
	}
}

func TestContinuation(t *testing.T) {
	s, j := inHand(t)
	err := succeed(t, s, &codepipeline.PutJobSuccessResultInput{JobId: j.Id, ContinuationToken: aws.String("where I was")})
	if err != nil {
		t.Fatal(err)
	}
	next := take(t, s)
	if *next.Id == *j.Id || *next.Data.ContinuationToken != "where I was" {
		t.Errorf("next job is %s with token %v", *next.Id, next.Data.ContinuationToken)
	}
	if diff := cmp.Diff(j.Data.ActionConfiguration.Configuration, next.Data.ActionConfiguration.Configuration); diff != "" {
		t.Error(diff)
	}
	if state, _ := s.JobState(*j.Id); state.Successor != *next.Id {
		t.Errorf("successor is %q, want %s", state.Successor, *next.Id)
	}
	wantError[*cptypes.InvalidJobStateException](t, fail(t, s, j.Id, "late"))
	if got := len(s.Jobs()); got != 2 {
		t.Errorf("%d jobs, want 2", got)
	}
}

func TestResultLimits(t *testing.T) {
	text := func(n int) *string { return aws.String(strings.Repeat("é", n)) } // two bytes a character
	details := func(d cptypes.ExecutionDetails) *codepipeline.PutJobSuccessResultInput {
		return &codepipeline.PutJobSuccessResultInput{ExecutionDetails: &d}
	}
	variables := func(name string, size int) *codepipeline.PutJobSuccessResultInput {
		return &codepipeline.PutJobSuccessResultInput{OutputVariables: map[string]string{name: strings.Repeat("x", size)}}
	}
	both := variables("Verdict", 1)
	both.ContinuationToken = aws.String("t")
	tests := map[string]struct {
		in   *codepipeline.PutJobSuccessResultInput
		code string
	}{
		"summary at the limit":     {details(cptypes.ExecutionDetails{Summary: text(2048)}), ""},
		"summary too long":         {details(cptypes.ExecutionDetails{Summary: text(2049)}), "ValidationException"},
		"summary empty":            {details(cptypes.ExecutionDetails{Summary: text(0)}), "ValidationException"},
		"external id at the limit": {details(cptypes.ExecutionDetails{ExternalExecutionId: text(1500)}), ""},
		"external id too long":     {details(cptypes.ExecutionDetails{ExternalExecutionId: text(1501)}), "ValidationException"},
		"100 percent":              {details(cptypes.ExecutionDetails{PercentComplete: aws.Int32(100)}), ""},
		"101 percent":              {details(cptypes.ExecutionDetails{PercentComplete: aws.Int32(101)}), "ValidationException"},
		"token at the limit":       {&codepipeline.PutJobSuccessResultInput{ContinuationToken: text(2048)}, ""},
		"token too long":           {&codepipeline.PutJobSuccessResultInput{ContinuationToken: text(2049)}, "ValidationException"},
		"token empty":              {&codepipeline.PutJobSuccessResultInput{ContinuationToken: text(0)}, "ValidationException"},
		"token and variables":      {both, "ValidationException"},
		"variable with a space":    {variables("High Ones", 1), "ValidationException"},
		"variables at the limit":   {variables("abc", 122_880-3), ""},
		"variables too large":      {variables("abc", 122_880-2), "OutputVariablesSizeExceededException"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, j := inHand(t)
			test.in.JobId = j.Id
			err := succeed(t, s, test.in)
			if test.code != "" {
				wantCode(t, err, test.code)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFailureMessageLimits(t *testing.T) {
	for length, ok := range map[int]bool{0: false, 1: true, 5000: true, 5001: false} {
		s, j := inHand(t)
		err := fail(t, s, j.Id, strings.Repeat("✗", length))
		if ok && err != nil {
			t.Errorf("%d characters: %v", length, err)
		}
		if !ok {
			wantError[*cptypes.ValidationException](t, err)
		}
	}
}

func TestJobDetailsTellNoNonce(t *testing.T) {
	s, j := inHand(t)
	out, err := pipelineClient(s).GetJobDetails(t.Context(), &codepipeline.GetJobDetailsInput{JobId: j.Id})
	if err != nil {
		t.Fatal(err)
	}
	if *out.JobDetails.AccountId != "111122223333" || out.JobDetails.Data.ArtifactCredentials != nil {
		t.Errorf("details are %+v", out.JobDetails)
	}
}

func TestActionTypes(t *testing.T) {
	s := start(t, awslocal.Options{})
	client := pipelineClient(s)
	list := func() int {
		out, err := client.ListActionTypes(t.Context(), &codepipeline.ListActionTypesInput{ActionOwnerFilter: "Custom"})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.ActionTypes)
	}
	register(t, s)
	_, err := client.CreateCustomActionType(t.Context(), gateTypeInput())
	wantError[*cptypes.ValidationException](t, err)
	if list() != 1 {
		t.Errorf("%d types, want 1", list())
	}
	_, err = client.DeleteCustomActionType(t.Context(), &codepipeline.DeleteCustomActionTypeInput{
		Category: gateType.Category, Provider: gateType.Provider, Version: gateType.Version,
	})
	if err != nil || list() != 0 {
		t.Errorf("after deletion %d types, %v", list(), err)
	}
	changed := gateTypeInput(cptypes.ActionConfigurationProperty{Name: aws.String("Image")})
	_, err = client.CreateCustomActionType(t.Context(), changed)
	wantError[*cptypes.ValidationException](t, err)
	register(t, s) // unchanged it may come back
}

func TestActionTypeIsValidated(t *testing.T) {
	tests := map[string]func(*codepipeline.CreateCustomActionTypeInput){
		"approval":          func(in *codepipeline.CreateCustomActionTypeInput) { in.Category = "Approval" },
		"six artifacts":     func(in *codepipeline.CreateCustomActionTypeInput) { in.InputArtifactDetails.MaximumCount = 6 },
		"version too long":  func(in *codepipeline.CreateCustomActionTypeInput) { in.Version = aws.String("1234567890") },
		"provider by a dot": func(in *codepipeline.CreateCustomActionTypeInput) { in.Provider = aws.String("ecr.gate") },
		"eleven properties": func(in *codepipeline.CreateCustomActionTypeInput) {
			for range 11 {
				in.ConfigurationProperties = append(in.ConfigurationProperties, cptypes.ActionConfigurationProperty{Name: aws.String("P")})
			}
		},
		"queryable but optional": func(in *codepipeline.CreateCustomActionTypeInput) {
			in.ConfigurationProperties = []cptypes.ActionConfigurationProperty{{Name: aws.String("P"), Queryable: true}}
		},
		"long description": func(in *codepipeline.CreateCustomActionTypeInput) {
			in.ConfigurationProperties = []cptypes.ActionConfigurationProperty{{Name: aws.String("P"), Description: aws.String(strings.Repeat("d", 161))}}
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, awslocal.Options{})
			in := gateTypeInput()
			spoil(in)
			_, err := pipelineClient(s).CreateCustomActionType(t.Context(), in)
			wantError[*cptypes.ValidationException](t, err)
		})
	}
}
