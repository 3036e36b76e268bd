package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// lambdaSite is an AWS with this binary as its Lambda function, a process of its
// own that talks to the runtime API.
type lambdaSite struct {
	*awslocal.Server
	t        *testing.T
	function *awslocal.Function
}

// shortTimeout makes the function hold unfinished jobs for a second and a half, not ten,
// and wait for who hangs for as long. On a busy machine anything shorter is too short for
// what does not hang.
const shortTimeout = 9 * time.Second

// openLambda is for tests in which nothing waits and nothing hangs.
func openLambda(t *testing.T, environment ...string) *lambdaSite {
	t.Helper()
	return openLambdaFor(t, 0, environment...)
}

// openLambdaFor gives the function so much time for each event; 0: what is usual.
func openLambdaFor(t *testing.T, timeout time.Duration, environment ...string) *lambdaSite {
	t.Helper()
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	f, err := aws.AddFunction(awslocal.FunctionOptions{Timeout: timeout, RetryPause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := startFunction(context.WithoutCancel(t.Context()), f, environment...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return &lambdaSite{aws, t, f}
}

// release runs a pipeline whose one stage calls the function.
func (s *lambdaSite) release(action awslocal.Action) awslocal.StageExecution {
	s.t.Helper()
	action.Category, action.Provider = "Invoke", "Lambda"
	if action.Configuration == nil {
		action.Configuration = map[string]string{}
	}
	action.Configuration["FunctionName"] = "ecr-gate"
	id := s.StartPipeline(awslocal.Pipeline{Name: "p", Stages: []awslocal.Stage{{Name: "Scan", Action: action}}})
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	e, err := s.WaitExecution(ctx, id)
	if err != nil {
		s.t.Fatalf("the pipeline hangs: %v: %+v", err, s.Execution(id))
	}
	return e.Stage("Scan")
}

func userParameters(text string) awslocal.Action {
	return awslocal.Action{Configuration: map[string]string{"UserParameters": text}}
}

func (s *lambdaSite) push(p product) (uri, digest string) {
	p.image.Repository, p.image.Tags = "shop/"+p.name, []string{"1.4"}
	digest = s.PutImage(p.image)
	return s.RegistryHost() + "/shop/" + p.name + ":1.4", digest
}

// The demo's pipelines end by the function as they do by the worker.
func TestDemoViaLambda(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ends := map[string]map[string]string{}
	for _, via := range []string{"worker", "lambda"} {
		var out, errs strings.Builder
		if code := run(ctx, []string{"demo", "--via", via}, streams{in: strings.NewReader(""), out: &out, err: &errs}); code != exitOK {
			t.Fatalf("%s: exit %d: %s", via, code, errs.String())
		}
		ends[via] = map[string]string{}
		for _, p := range company(time.Now()) {
			for line := range strings.Lines(out.String()) {
				if name, end, ok := strings.Cut(line, " "); ok && name == p.name && strings.Contains(line, "("+p.about+")") {
					ends[via][p.name] = strings.TrimSpace(end)
				}
			}
		}
	}
	if len(ends["lambda"]) != len(company(time.Now())) || fmt.Sprint(ends["lambda"]) != fmt.Sprint(ends["worker"]) {
		t.Errorf("by the worker %v, by the function %v", ends["worker"], ends["lambda"])
	}
}

func TestLambdaReadsUserParameters(t *testing.T) {
	s := openLambda(t)
	now := time.Now()
	clean, digest := s.push(company(now)[1])
	bad, _ := s.push(company(now)[0])
	detail := func(uri string) awslocal.Action {
		return awslocal.Action{InputArtifact: map[string][]byte{"imageDetail.json": fmt.Appendf(nil, `{"ImageURI":%q}`, uri)}, OutputArtifact: "Report"}
	}
	for name, c := range map[string]struct {
		action awslocal.Action
		kind   string // of the failure; empty: succeeds
		text   string
	}{
		"bare URI":            {userParameters(" " + clean + "\n"), "", "image allowed: " + clean},
		"bad image":           {userParameters(bad), "JobFailed", "image not allowed: "},
		"object":              {userParameters(`{"Repository": "shop/api", "ImageDigest": "` + digest + `", "MaxWait": 5}`), "", "image allowed: "},
		"warn":                {userParameters(`{"Image": "` + bad + `", "Mode": "warn"}`), "", "image not allowed: "},
		"artifact":            {detail(clean), "", "image allowed: "},
		"bad artifact":        {detail(bad), "JobFailed", "image not allowed: "},
		"nothing":             {awslocal.Action{}, "ConfigurationError", "could not check: the action names no image; set Image"},
		"empty object":        {userParameters("{}"), "ConfigurationError", "names no image"},
		"unknown key":         {userParameters(`{"image": "` + clean + `"}`), "ConfigurationError", `property "image" is not one of ecr-gate's; did you mean Image?`},
		"twice":               {userParameters(`{"Image": "` + bad + `", "Image": "` + clean + `"}`), "ConfigurationError", "Image is given twice"},
		"list":                {userParameters(`["` + clean + `"]`), "ConfigurationError", "neither an image URI nor a JSON object"},
		"text in quotes":      {userParameters(`"` + clean + `"`), "ConfigurationError", "neither an image URI nor a JSON object"},
		"half an object":      {userParameters(`{"Image": `), "ConfigurationError", "neither an image URI nor a JSON object"},
		"more than one":       {userParameters(`{"Image": "` + clean + `"} {}`), "ConfigurationError", "neither an image URI nor a JSON object"},
		"no text":             {userParameters(`{"Image": ["` + clean + `"]}`), "ConfigurationError", "Image is no text"},
		"not an image":        {userParameters(strings.Repeat("x", 900) + " y"), "ConfigurationError", "could not check"},
		"oversize":            {userParameters(strings.Repeat("x", 17<<10)), "ConfigurationError", "UserParameters has 17408 bytes; at most 16384 are read"},
		"unknown policy":      {userParameters(`{"Image": "` + clean + `", "Policy": "none-such"}`), "ConfigurationError", "none-such"},
		"not in the registry": {userParameters("docker.io/library/nginx:1"), "ConfigurationError", "could not check"},
	} {
		got := s.release(c.action)
		text := got.Summary + got.FailureMessage
		if got.FailureType != c.kind || !strings.Contains(text, c.text) {
			t.Errorf("%s: %s %q, want %s %q", name, got.FailureType, text, c.kind, c.text)
		}
	}
	for _, i := range s.function.Invocations() {
		if i.ErrorType != "" || i.Attempt != 1 {
			t.Errorf("Lambda is told of an error, and tries again: %s %s", i.ErrorType, i.ErrorMessage)
		}
	}
}

// A job whose scan is not finished goes on with a token, and is not handed back at
// once: how soon CodePipeline calls again is documented nowhere.
func TestLambdaWaitsForTheScan(t *testing.T) {
	s := openLambdaFor(t, shortTimeout)
	pending := awslocal.Scan{Status: "PENDING"}
	uri, _ := s.push(product{name: "slow", image: awslocal.Image{Scans: []awslocal.Scan{
		pending, pending, pending, enhanced(time.Now().Add(-time.Hour), curl),
	}}})
	began := time.Now()
	got := s.release(userParameters(uri))
	if got.Status != awslocal.Succeeded || len(got.Jobs) != 2 {
		t.Fatalf("%+v", got)
	}
	// Two jobs, two looks in each, and a second and a half between them, give or take.
	if n := len(s.function.Invocations()); n != 2 || time.Since(began) < 2*time.Second {
		t.Errorf("%d invocations in %s", n, time.Since(began))
	}
	if n := s.Calls()["codepipeline.PutJobSuccessResult"] + s.Calls()["codepipeline.PutJobFailureResult"]; n != 2 {
		t.Errorf("%d reports for two jobs", n)
	}
	never, _ := s.push(product{name: "never", image: awslocal.Image{Scans: []awslocal.Scan{pending}}})
	got = s.release(userParameters(`{"Image": "` + never + `", "MaxWait": "0"}`))
	if got.FailureType != "RevisionUnavailable" || !strings.HasPrefix(got.FailureMessage, "image not ready: ") {
		t.Errorf("%+v", got)
	}
}

// What a job was resolved to holds for all its calls: a tag that moves while the
// scan runs changes nothing.
func TestLambdaJudgesTheDigestItBeganWith(t *testing.T) {
	s := openLambdaFor(t, shortTimeout)
	pending, scanned := awslocal.Scan{Status: "PENDING"}, time.Now().Add(-time.Hour)
	uri, first := s.push(product{name: "moving", image: awslocal.Image{Scans: []awslocal.Scan{pending, pending, enhanced(scanned, openssl)}}})
	clean := s.PutImage(awslocal.Image{Repository: "shop/moving", Seed: "other", Tags: []string{"other"}, Scans: []awslocal.Scan{enhanced(scanned, curl)}})
	s.OnChange(func(e awslocal.Execution) {
		if len(e.Stage("Scan").Jobs) == 2 { // the first call has handed it back
			s.MoveTag("shop/moving", "1.4", clean)
		}
	})
	got := s.release(userParameters(uri))
	if got.FailureType != "JobFailed" || !strings.Contains(got.FailureMessage, first) {
		t.Errorf("%+v", got)
	}
}

// The report is stored as the artifact bucket is encrypted.
func TestLambdaStoresTheReport(t *testing.T) {
	s := openLambda(t)
	bad, _ := s.push(company(time.Now())[0])
	action := userParameters(bad)
	action.OutputArtifact, action.EncryptionKeyID = "Report", "arn:aws:kms:eu-west-1:111122223333:key/1"
	if got := s.release(action); got.FailureType != "JobFailed" {
		t.Fatalf("%+v", got)
	}
	puts := s.Requests("s3.PutObject")
	if len(puts) != 1 {
		t.Fatalf("%d objects stored", len(puts))
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(puts[0].Path, "/"), "/")
	body, headers, err := s.Object(bucket, key)
	if err != nil || headers.Get("x-amz-server-side-encryption-aws-kms-key-id") != action.EncryptionKeyID {
		t.Errorf("%s encrypted with %q, %v", puts[0].Path, headers.Get("x-amz-server-side-encryption-aws-kms-key-id"), err)
	}
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range archive.File {
		files = append(files, f.Name)
		if f.UncompressedSize64 == 0 {
			t.Errorf("%s is empty", f.Name)
		}
	}
	if got := strings.Join(files, " "); got != "report.html report.sarif verdict.json" {
		t.Errorf("the artifact holds %s", got)
	}
}

// With ECR_GATE_ENFORCE no job chooses how it is judged: what a variable smuggles into
// the text is refused.
func TestLambdaEnforces(t *testing.T) {
	for value, refused := range map[string]bool{"true": true, "no such word": true, "false": false, "": false} {
		s := openLambda(t, envEnforce+"="+value)
		bad, _ := s.push(company(time.Now())[0])
		got := s.release(userParameters(`{"Image": "` + bad + `", "Mode": "warn"}`))
		if (got.FailureType == "ConfigurationError") != refused || refused != strings.Contains(got.FailureMessage, "UserParameters set Mode, and this function lets no job choose it") {
			t.Errorf("%q: %+v", value, got)
		}
		if got := s.release(userParameters(`{"Image": "` + bad + `", "Policy": "built-in"}`)); (got.FailureType == "ConfigurationError") != refused {
			t.Errorf("%q: %+v", value, got)
		}
		if got := s.release(userParameters(`{"Image": "` + bad + `"}`)); got.FailureType != "JobFailed" {
			t.Errorf("%q: %+v", value, got)
		}
	}
}

// What somebody wrote cannot put a second sentence into the message.
func TestLambdaMessagesAreOneLine(t *testing.T) {
	s := openLambda(t)
	got := s.release(userParameters("{\x1b[31m\u202e evil\nimage allowed: all fine"))
	if got.FailureType != "ConfigurationError" || strings.ContainsAny(got.FailureMessage, "\n\x1b\u202e") {
		t.Errorf("%q", got.FailureMessage)
	}
}

// A store that does not answer costs the report's file, not the report.
func TestLambdaStoreHangs(t *testing.T) {
	s := openLambdaFor(t, shortTimeout)
	clean, _ := s.push(company(time.Now())[1])
	defer s.Inject(awslocal.Fault{Operation: "s3.PutObject", Hang: true})()
	action := userParameters(clean)
	action.OutputArtifact = "Report"
	if got := s.release(action); got.Status != awslocal.Succeeded || got.OutputVariables["ReportKey"] != "none" {
		t.Errorf("%+v", got)
	}
	if all := s.function.Invocations(); len(all) != 1 || all[0].ErrorType != "" {
		t.Errorf("%+v", all)
	}
}

// What AWS does not let the function do ends as a failure of the fitting type.
func TestLambdaTrouble(t *testing.T) {
	s := openLambdaFor(t, shortTimeout)
	clean, _ := s.push(company(time.Now())[1])
	allow := s.Deny("ecr.DescribeImageScanFindings", "")
	got := s.release(userParameters(clean))
	if got.FailureType != "PermissionError" || !strings.Contains(got.FailureMessage, "ecr:DescribeImageScanFindings") {
		t.Errorf("no access: %+v", got)
	}
	allow()
	calm := s.Inject(awslocal.Fault{Operation: "ecr.*", Status: 500, Code: "ServerException"})
	got = s.release(userParameters(`{"Image": "` + clean + `", "MaxWait": 0}`))
	if got.FailureType != "SystemUnavailable" {
		t.Errorf("AWS down: %+v", got)
	}
	calm()
	// An AWS that says nothing at all: the report comes before Lambda's deadline.
	calm = s.Inject(awslocal.Fault{Operation: "ecr.*", Hang: true})
	got = s.release(userParameters(`{"Image": "` + clean + `", "MaxWait": 0}`))
	calm()
	if got.FailureType != "SystemUnavailable" {
		t.Errorf("AWS hangs: %+v", got)
	}
	for _, i := range s.function.Invocations() {
		if i.ErrorType != "" {
			t.Errorf("Lambda is told of an error: %s %s", i.ErrorType, i.ErrorMessage)
		}
	}
}

// The report is the one thing that has to reach CodePipeline: Lambda tries again,
// twice and no more, and its error says what is missing.
func TestLambdaCannotReport(t *testing.T) {
	s := openLambda(t)
	clean, _ := s.push(company(time.Now())[1])
	defer s.Deny("codepipeline.PutJobSuccessResult", "")()
	s.StartPipeline(awslocal.Pipeline{Name: "p", Stages: []awslocal.Stage{{Name: "Scan", Action: awslocal.Action{
		Category: "Invoke", Provider: "Lambda", Configuration: map[string]string{"FunctionName": "ecr-gate", "UserParameters": clean},
	}}}})
	eventually(t, func() error {
		all := s.function.Invocations()
		if len(all) != 3 || all[2].Ended.IsZero() {
			return fmt.Errorf("%d attempts", len(all))
		}
		return nil
	})
	for _, i := range s.function.Invocations() {
		if !strings.Contains(i.ErrorMessage, "codepipeline:PutJobSuccessResult") {
			t.Errorf("got %q", i.ErrorMessage)
		}
	}
}

// An event of another service is an error with a sentence: nobody may take a
// silent end for a verdict.
func TestLambdaOtherEvents(t *testing.T) {
	s := openLambda(t)
	for event, want := range map[string]string{
		`{"source":"aws.s3","detail-type":"Object Created","detail":{}}`:    `"Object Created" of "aws.s3"`,
		`{"source":"aws.ecr","detail-type":"ECR Image Action","detail":{}}`: `"ECR Image Action" of "aws.ecr"`,
		`{"Records":[{"eventSource":"aws:sqs"}]}`:                           "a batch of records",
		`{}`:                            "neither a CodePipeline.job nor an EventBridge event",
		`[]`:                            "no JSON object",
		`{"CodePipeline.job":{}}`:       "no CodePipeline.job with an id",
		`{"CodePipeline.job":{"id":7}}`: "neither a CodePipeline.job",
		`{"source":"","detail-type":"","detail":{}}`: "neither a CodePipeline.job",
	} {
		i, err := s.function.Invoke(t.Context(), []byte(event))
		if err != nil || !strings.Contains(i.ErrorMessage, want) {
			t.Errorf("%s: %q, %v", event, i.ErrorMessage, err)
		}
	}
	// A job that can be named is failed, whatever its data are.
	for _, data := range []string{`null`, `7`, `{"inputArtifacts":"x"}`} {
		i, err := s.function.Invoke(t.Context(), fmt.Appendf(nil, `{"CodePipeline.job":{"id":"11111111-abcd-1111-abcd-111111abcdef","accountId":"1","data":%s}}`, data))
		if err != nil || i.ErrorType != "" {
			t.Errorf("data %s: %q, %v", data, i.ErrorMessage, err)
		}
	}
	requests := s.Requests("codepipeline.PutJobFailureResult")
	if len(requests) != 3 {
		t.Fatalf("%d reports", len(requests))
	}
	for _, r := range requests {
		var in struct {
			FailureDetails struct{ Type, Message string }
		}
		if err := json.Unmarshal(r.Raw, &in); err != nil || in.FailureDetails.Type != "ConfigurationError" ||
			!strings.Contains(in.FailureDetails.Message, "the job holds no data") {
			t.Errorf("%s %v", r.Raw, err)
		}
	}
}

// Where the configuration is, and what is wrong with it, is told in the console.
func TestLambdaConfiguration(t *testing.T) {
	now := time.Now()
	files := companyFiles(now)
	for name, c := range map[string]struct {
		where   string
		prepare func(s *lambdaSite) error
		kind    string
		text    string
	}{
		"S3": {"s3://gate/config/ecr-gate.yaml", func(s *lambdaSite) error {
			for name, text := range files {
				if err := s.PutObject("gate", "config/"+name, text); err != nil {
					return err
				}
			}
			return nil
		}, "", "within policy shop"},
		"SSM": {"ssm:/gate/ecr-gate.yaml", func(s *lambdaSite) error {
			for name, text := range files {
				s.PutParameter("/gate/"+name, string(text))
			}
			return nil
		}, "", "within policy shop"},
		"does not parse": {"ssm:gate", func(s *lambdaSite) error {
			s.PutParameter("gate", "apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\npolices: []\n")
			return nil
		}, "ConfigurationError", "policies"},
		"exceptions missing": {"s3://gate/ecr-gate.yaml", func(s *lambdaSite) error {
			return s.PutObject("gate", "ecr-gate.yaml", files["ecr-gate.yaml"])
		}, "ConfigurationError", "there is no s3://gate/exceptions.yaml"},
		"exceptions elsewhere": {"ssm:gate", func(s *lambdaSite) error {
			s.PutParameter("gate", strings.Replace(string(files["ecr-gate.yaml"]), "exceptions.yaml", "../exceptions.yaml", 1))
			return nil
		}, "ConfigurationError", "is not beside"},
		"far too large": {"s3://gate/ecr-gate.yaml", func(s *lambdaSite) error {
			return s.PutObject("gate", "ecr-gate.yaml", make([]byte, 5<<20))
		}, "ConfigurationError", "ecr-gate.yaml: is larger than 1 MiB, which is the most that is read"},
		"no parameter": {"ssm:none", nil, "ConfigurationError", "there is no SSM parameter none; see ECR_GATE_CONFIG"},
		"no file":      {"/nowhere/ecr-gate.yaml", nil, "ConfigurationError", "no such file"},
		"no key":       {"s3://gate", nil, "ConfigurationError", "write s3://BUCKET/KEY"},
		"no name":      {"ssm:", nil, "ConfigurationError", "write ssm:NAME"},
		"no access": {"ssm:gate", func(s *lambdaSite) error {
			s.Deny("ssm.GetParameter", "")
			return nil
		}, "PermissionError", "allow ssm:GetParameter"},
		"AWS down": {"s3://gate/ecr-gate.yaml", func(s *lambdaSite) error {
			s.Inject(awslocal.Fault{Operation: "s3.*", Status: 503, Code: "SlowDown"})
			return nil
		}, "SystemUnavailable", "the configuration cannot be read right now: s3://gate/ecr-gate.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openLambda(t, envConfig+"="+c.where)
			if c.prepare != nil {
				if err := c.prepare(s); err != nil {
					t.Fatal(err)
				}
			}
			clean, _ := s.push(company(now)[1])
			got := s.release(userParameters(`{"Image": "` + clean + `", "MaxWait": 0}`))
			text := got.Summary + got.FailureMessage
			if got.FailureType != c.kind || !strings.Contains(text, c.text) {
				t.Errorf("%s %q, want %s %q", got.FailureType, text, c.kind, c.text)
			}
		})
	}
}

// The configuration is read anew after a minute; one that is not good any more
// is refused, and the last good one stays in force.
func TestLambdaFollowsTheConfiguration(t *testing.T) {
	aws := localAWS(t)
	t.Setenv(envConfig, "ssm:gate")
	logs := &buffer{}
	f := newFunction(slog.New(slog.NewTextHandler(logs, nil)))
	f.env = aws.AWSConfig()
	write := func(policy string) {
		aws.PutParameter("gate", "apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\npolicies:\n- {name: "+policy+", maxFindings: {CRITICAL: 0}}\n")
	}
	named := func() string {
		if _, err := f.configure(t.Context()); err != nil {
			t.Fatal(err)
		}
		return strings.Join(f.gate.PolicyNames(), " ")
	}
	write("first")
	before := named()
	write("second")
	if now := named(); now != before || !strings.Contains(now, "first") {
		t.Errorf("read anew at once: %s, then %s", before, now)
	}
	f.read = f.read.Add(-configEvery)
	if now := named(); !strings.Contains(now, "second") {
		t.Errorf("not read anew: %s", now)
	}
	aws.PutParameter("gate", "kind: Confg")
	f.read = f.read.Add(-configEvery)
	if now := named(); !strings.Contains(now, "second") || !strings.Contains(logs.String(), "the last good one stays in force") {
		t.Errorf("%s\n%s", now, logs)
	}
}
