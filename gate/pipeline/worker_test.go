package pipeline_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"go.uber.org/goleak"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is an AWS of one test's own, with the worker at work in it.
type site struct {
	*awslocal.Server
	t    *testing.T
	stop func() // stops the worker and waits for it
}

type change func(*pipeline.Worker)

func open(t *testing.T, changes ...change) *site {
	t.Helper()
	return found(t).open(t, changes...)
}

// ground is an AWS with the action type, and no worker yet.
type ground struct{ *awslocal.Server }

func found(t *testing.T) ground {
	t.Helper()
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	if _, err := codepipeline.NewFromConfig(aws.AWSConfig()).CreateCustomActionType(t.Context(), pipeline.ActionType{}.Definition()); err != nil {
		t.Fatal(err)
	}
	return ground{aws}
}

func (g ground) open(t *testing.T, changes ...change) *site {
	t.Helper()
	aws, config := g.Server, g.AWSConfig()
	worker := pipeline.Worker{
		Config:       config,
		Gate:         &gate.Gate{Source: ecr.NewSource(config, nil, ecr.CallTimeout(20*time.Second))}, // it never hangs, but machines are slow
		RegistryHost: ecr.RegistryHost,
		PollInterval: 2 * time.Millisecond,
	}
	for _, c := range changes {
		c(&worker)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := worker.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop := sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return &site{aws, t, stop}
}

var settledAt = time.Now().Add(-time.Hour)

func scanned(severities ...string) awslocal.Scan {
	findings := []awslocal.EnhancedFinding{}
	for i, s := range severities {
		findings = append(findings, awslocal.EnhancedFinding{
			ID: fmt.Sprintf("CVE-2026-%d", i), Severity: s,
			Packages: []awslocal.Package{{Name: "openssl", Version: "3.0.7", Manager: "OS", FixedIn: "3.0.15"}},
		})
	}
	return awslocal.Scan{Status: "ACTIVE", CompletedAt: settledAt, EnhancedFindings: findings}
}

func (s *site) push(repository string, scans ...awslocal.Scan) (uri, digest string) {
	digest = s.PutImage(awslocal.Image{Repository: repository, Tags: []string{"1"}, Scans: scans})
	return s.RegistryHost() + "/" + repository + ":1", digest
}

// release runs a pipeline with one Scan stage and returns how the stage ended.
func (s *site) release(action awslocal.Action) awslocal.StageExecution {
	s.t.Helper()
	action.Provider = "EcrGate"
	id := s.StartPipeline(awslocal.Pipeline{Name: "p", Stages: []awslocal.Stage{{Name: "Scan", Action: action}}})
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	e, err := s.WaitExecution(ctx, id)
	if err != nil {
		s.t.Fatalf("the pipeline hangs: %v: %+v", err, s.Execution(id))
	}
	return e.Stage("Scan")
}

func properties(pairs ...string) awslocal.Action {
	configuration := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		configuration[pairs[i]] = pairs[i+1]
	}
	return awslocal.Action{Configuration: configuration}
}

func TestCleanImagePasses(t *testing.T) {
	s := open(t)
	untriaged, _ := s.push("shop/web", scanned("MEDIUM", "UNTRIAGED", "LOW"))
	got := s.release(properties("Image", untriaged, "Policy", "built-in"))
	// UNTRIAGED counts as HIGH, which the built-in policy does not tolerate.
	if got.FailureType != "JobFailed" {
		t.Fatalf("%+v", got)
	}
	uri, digest := s.push("shop/web2", scanned("MEDIUM", "LOW"))
	got = s.release(properties("Image", uri))
	if got.Status != awslocal.Succeeded || !strings.HasPrefix(got.Summary, "image allowed: ") {
		t.Fatalf("%+v", got)
	}
	want := map[string]string{
		"Verdict": "Allowed", "Image": uri, "ImageDigest": digest, "Critical": "0", "High": "0", "Medium": "1",
		"Low": "1", "Untriaged": "0", "Excepted": "0", "ReportKey": "none",
	}
	for name, value := range want {
		if got.OutputVariables[name] != value {
			t.Errorf("variable %s is %q, want %q", name, got.OutputVariables[name], value)
		}
	}
}

func TestVulnerableImageFailsThePipeline(t *testing.T) {
	s := open(t)
	uri, _ := s.push("shop/web", scanned("CRITICAL", "LOW"))
	got := s.release(properties("Image", uri))
	if got.Status != awslocal.Failed || got.FailureType != "JobFailed" {
		t.Fatalf("%+v", got)
	}
	if !strings.HasPrefix(got.ExternalExecutionID, "private/111122223333/shop/web/_/image/sha256:") {
		t.Errorf("the console's link leads to %q", got.ExternalExecutionID)
	}
	for _, want := range []string{"image not allowed: " + uri, "1 CRITICAL (0 allowed)", "upgrade openssl to 3.0.15", "CVE-2026-0 openssl 3.0.7 -> 3.0.15"} {
		if !strings.Contains(got.FailureMessage, want) {
			t.Errorf("the message does not say %q:\n%s", want, got.FailureMessage)
		}
	}
}

func TestEveryImageIsJudged(t *testing.T) {
	s := open(t)
	good, _ := s.push("shop/good", scanned())
	bad, _ := s.push("shop/bad", scanned("CRITICAL"))
	definitions := fmt.Sprintf(`[{"name":"a","imageUri":%q},{"name":"b","imageUri":%q}]`, good, bad)
	for name, action := range map[string]awslocal.Action{
		"imagedefinitions.json":  {InputArtifact: map[string][]byte{"imagedefinitions.json": []byte(definitions)}},
		"property beside a file": {Configuration: map[string]string{"Image": good}, InputArtifact: map[string][]byte{"imageDetail.json": fmt.Appendf(nil, `{"ImageURI":%q}`, bad)}},
		"a file of another name": {Configuration: map[string]string{"File": "out/images.json"}, InputArtifact: map[string][]byte{"out/images.json": []byte(definitions)}},
		"both usual files": {InputArtifact: map[string][]byte{
			"imageDetail.json": fmt.Appendf(nil, `{"ImageURI":%q}`, good), "imagedefinitions.json": []byte(definitions),
		}},
		"image and repository": properties("Image", good, "Repository", "shop/bad", "ImageTag", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			got := s.release(action)
			if got.FailureType != "JobFailed" || !strings.HasPrefix(got.FailureMessage, "image not allowed: "+bad) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// The bad inputs of a job: each a ConfigurationError with one clear sentence.
func TestBadInput(t *testing.T) {
	s := open(t)
	detail := func(body string) awslocal.Action {
		return awslocal.Action{InputArtifact: map[string][]byte{"imageDetail.json": []byte(body)}}
	}
	for name, tc := range map[string]struct {
		action awslocal.Action
		says   string
	}{
		"nothing":            {awslocal.Action{}, "names no image"},
		"unknown policy":     {properties("Image", s.RegistryHost()+"/shop/web:1", "Policy", "nope"), `no policy named "nope"`},
		"no reference":       {properties("Image", "not a reference"), "not an image reference"},
		"not ECR":            {properties("Image", "redis:7"), "not in a private Amazon ECR registry"},
		"repository alone":   {properties("Repository", "shop/web"), "ImageDigest or ImageTag"},
		"unknown repository": {properties("Repository", "shop/none", "ImageTag", "1"), "no such repository"},
		"not a zip":          {awslocal.Action{InputArtifactRaw: []byte("hello")}, "not a readable zip archive"},
		"an empty object":    {awslocal.Action{InputArtifactRaw: []byte{}}, "empty"},
		"a truncated zip":    {awslocal.Action{InputArtifactRaw: zipped(t, "imageDetail.json", 5000)[:100]}, "not a readable zip archive"},
		"a zip bomb":         {awslocal.Action{InputArtifactRaw: zipped(t, "imageDetail.json", 8<<20)}, "larger than 1 MiB unpacked"},
		"the file twice":     {awslocal.Action{InputArtifactRaw: zippedTwice(t)}, "twice"},
		"no such file":       {awslocal.Action{InputArtifact: map[string][]byte{"README": nil}}, "holds no imageDetail.json and no imagedefinitions.json"},
		"no such object":     {awslocal.Action{NoSuchObject: true}, "gone from S3"},
		"not JSON":           {detail("<html>"), "not the JSON expected"},
		"no images":          {detail("[]"), "lists no image"},
		"File, no artifact":  {properties("File", "x.json"), "no input artifact"},
		"File, not in there": {awslocal.Action{Configuration: map[string]string{"File": "x.json"}, InputArtifact: map[string][]byte{"imageDetail.json": []byte("{}")}}, "holds no x.json"},
		"too many images":    {detail(manyImages(26)), "at most 25"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.release(tc.action)
			if got.FailureType != "ConfigurationError" || !strings.Contains(got.FailureMessage, tc.says) {
				t.Errorf("%s: %q, want one that says %q", got.FailureType, got.FailureMessage, tc.says)
			}
			if strings.Contains(got.FailureMessage, "\n\t") || strings.Contains(got.FailureMessage, "goroutine") {
				t.Errorf("a stack trace: %s", got.FailureMessage)
			}
		})
	}
}

// Of several input artifacts each holds a file that names images, unless properties
// name some: a misspelt file would otherwise go unread, and its image unjudged.
func TestEveryInputArtifactNamesAnImage(t *testing.T) {
	results := make(chan pipeline.Result, 1)
	s := open(t, counted(results))
	uri, _ := s.push("shop/web", scanned())
	named := func(file string) map[string][]byte {
		return map[string][]byte{file: fmt.Appendf(nil, `{"ImageURI":%q}`, uri)}
	}
	for name, tc := range map[string]struct {
		configuration map[string]string
		files         []string // of the artifacts A, B and C
		lacks         string   // what the message begins with; empty: the job succeeds
	}{
		"all hold one":         {nil, []string{"imageDetail.json", "imageDetail.json"}, ""},
		"one is misspelt":      {nil, []string{"imageDetail.json", "imageDetails.json"}, "input artifact B holds no imageDetail.json and no imagedefinitions.json; "},
		"the first one":        {nil, []string{"README", "imageDetail.json", "README"}, "input artifact A, C holds no imageDetail.json"},
		"not where File says":  {map[string]string{"File": "x.json", "Image": uri}, []string{"x.json", "imageDetail.json"}, "input artifact B holds no x.json; "},
		"but there is Image":   {map[string]string{"Image": uri}, []string{"imageDetail.json", "README"}, ""},
		"there is Image alone": {map[string]string{"Image": uri}, []string{"README"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var inputs []awslocal.Artifact
			for i, file := range tc.files {
				inputs = append(inputs, awslocal.Artifact{Name: string(rune('A' + i)), Files: named(file)})
			}
			id := s.AddJob(awslocal.Job{Configuration: tc.configuration, InputArtifacts: inputs})
			<-results
			got, _ := s.JobState(id)
			said := got.Result.FailureMessage
			if tc.lacks == "" && got.Status != "Succeeded" {
				t.Errorf("%s: %s", got.Status, said)
			}
			if tc.lacks != "" && (got.Result.FailureType != "ConfigurationError" || !strings.HasPrefix(said, "could not check: "+tc.lacks)) {
				t.Errorf("%s: %s, want one that begins with %q", got.Status, said, tc.lacks)
			}
		})
	}
}

func manyImages(n int) string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"name":"a","imageUri":"x/y:%d"}`, i)
	}
	return "[" + strings.Join(entries, ",") + "]"
}

func zipped(t *testing.T, name string, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(bytes.Repeat([]byte(" "), size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zippedTwice(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"imageDetail.json", "./imageDetail.json"} {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A large artifact is read by its directory, not downloaded.
func TestLargeArtifact(t *testing.T) {
	s := open(t)
	uri, _ := s.push("shop/web", scanned())
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	big, _ := w.CreateHeader(&zip.FileHeader{Name: "big", Method: zip.Store})
	_, _ = big.Write(make([]byte, 9<<20))
	detail, _ := w.Create("imageDetail.json")
	_, _ = fmt.Fprintf(detail, `{"ImageURI":%q}`, uri)
	for i := range 20000 {
		_, _ = w.Create(fmt.Sprintf("node_modules/a/rather/long/path/to/a/small/file/%d", i))
	}
	_ = w.Close()
	if got := s.release(awslocal.Action{InputArtifactRaw: b.Bytes()}); got.Status != awslocal.Succeeded {
		t.Errorf("%+v", got)
	}
}

// A store that does not keep to the range asked for is not believed, and nothing more
// than the range is read of it.
func TestStoreThatAnswersOtherwise(t *testing.T) {
	for name, size := range map[string]int{"too much": 3 << 20, "too little": 0} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.Inject(awslocal.Fault{Operation: "s3.GetObject", Garbage: make([]byte, size)})
			got := s.release(awslocal.Action{
				Configuration: map[string]string{"MaxWait": "0"}, InputArtifact: map[string][]byte{"imageDetail.json": []byte("{}")},
			})
			if got.FailureType != "SystemUnavailable" || !strings.Contains(got.FailureMessage, "cannot be read from S3 right now") {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A scan that is not finished is handed back with a token, judged later by the
// digest of the first look, wherever the tag went.
func TestWaitsByContinuationToken(t *testing.T) {
	s := open(t)
	running := awslocal.Scan{Status: "PENDING"}
	uri, digest := s.push("shop/web", awslocal.Scan{Error: "ScanNotFoundException"}, running, running, scanned("CRITICAL"))
	s.OnChange(func(e awslocal.Execution) {
		if jobs := e.Stage("Scan").Jobs; len(jobs) == 2 {
			other := s.PutImage(awslocal.Image{Repository: "shop/web", Seed: "clean", Scans: []awslocal.Scan{scanned()}})
			s.MoveTag("shop/web", "1", other)
		}
	})
	got := s.release(properties("Image", uri))
	if got.FailureType != "JobFailed" || len(got.Jobs) != 4 {
		t.Fatalf("%d jobs: %+v", len(got.Jobs), got)
	}
	if short := gate.ShortDigest(digest); !strings.Contains(got.FailureMessage, short) {
		t.Errorf("judged another digest than %s: %s", short, got.FailureMessage)
	}
	for _, id := range got.Jobs {
		if state, _ := s.JobState(id); strings.Contains(state.ContinuationToken, "ecr") || utf8.RuneCountInString(state.ContinuationToken) > 2048 {
			t.Errorf("token %q", state.ContinuationToken)
		}
	}
}

func TestDeadline(t *testing.T) {
	for name, tc := range map[string]struct {
		scan awslocal.Scan
		want string
	}{
		"never finished": {awslocal.Scan{Status: "IN_PROGRESS"}, "RevisionUnavailable"},
		"never started":  {awslocal.Scan{Error: "ScanNotFoundException"}, "RevisionUnavailable"},
		"throttled":      {awslocal.Scan{Error: "ThrottlingException"}, "SystemUnavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			uri, _ := s.push("shop/web", tc.scan)
			got := s.release(properties("Image", uri, "MaxWait", "0"))
			if got.FailureType != tc.want || !strings.Contains(got.FailureMessage, "waited 0s") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAccessDeniedIsFinal(t *testing.T) {
	s := open(t)
	uri, _ := s.push("shop/web", scanned())
	s.Deny("ecr.DescribeImageScanFindings", "User: arn:aws:iam::111122223333:role/x is not authorized to perform: inspector2:ListFindings on resource: *")
	got := s.release(properties("Image", uri))
	if got.FailureType != "PermissionError" || len(got.Jobs) != 1 || !strings.Contains(got.FailureMessage, "inspector2:ListFindings") {
		t.Errorf("%+v", got)
	}
}

func TestModeWarn(t *testing.T) {
	s := open(t)
	uri, _ := s.push("shop/web", scanned("CRITICAL"))
	got := s.release(properties("Image", uri, "Mode", "warn"))
	if got.Status != awslocal.Succeeded || got.OutputVariables["Verdict"] != "Denied" || !strings.Contains(got.Summary, "mode warn") {
		t.Errorf("%+v", got)
	}
}

type checker func(context.Context, gate.Request) gate.Verdict

func (c checker) Check(ctx context.Context, r gate.Request) gate.Verdict { return c(ctx, r) }

func judgedBy(c checker) change { return func(w *pipeline.Worker) { w.Gate = c } }

// A panic anywhere on the way is reported: the job must not hang.
func TestPanicIsReported(t *testing.T) {
	for name, tc := range map[string]struct {
		breaks change
		action awslocal.Action
	}{
		"in the gate": {judgedBy(func(context.Context, gate.Request) gate.Verdict { panic("boom") }), properties("Image", "x/y:1")},
		"before it": {
			func(w *pipeline.Worker) { w.RegistryHost = func(string, string) (string, bool) { panic("boom") } },
			properties("Repository", "shop/web", "ImageTag", "1"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := open(t, tc.breaks).release(tc.action)
			if got.FailureType != "SystemUnavailable" || strings.Contains(got.FailureMessage, "goroutine") {
				t.Errorf("%+v", got)
			}
		})
	}
}

// SIGTERM hands back what is in hand; another worker takes it up.
func TestStopHandsBack(t *testing.T) {
	judging := make(chan struct{})
	s := open(t, judgedBy(func(ctx context.Context, r gate.Request) gate.Verdict {
		close(judging)
		<-ctx.Done()
		return gate.Unjudged("p", gate.Image{Written: r.Image}, &gate.Trouble{Cause: gate.NotReadable, Passing: true, Text: "stopped"})
	}))
	id := s.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "x/y:1"}})
	<-judging
	s.stop()
	state, _ := s.JobState(id)
	if state.Status != "Succeeded" || state.Successor == "" || state.Result.ContinuationToken == "" {
		t.Errorf("not handed back: %+v", state)
	}
}

// A job that was stopped while it was judged is settled: one report, no retry.
func TestStoppedJobIsLeftAlone(t *testing.T) {
	results := make(chan pipeline.Result, 1)
	var execution string
	judging := make(chan struct{})
	var s *site
	s = open(t, judgedBy(func(_ context.Context, r gate.Request) gate.Verdict {
		<-judging
		s.StopExecution(execution)
		return gate.Verdict{Image: r.Image, Reason: "denied"}
	}), counted(results))
	execution = s.StartPipeline(awslocal.Pipeline{Name: "p", Stages: []awslocal.Stage{{Name: "Scan", Action: awslocal.Action{
		Provider: "EcrGate", Configuration: map[string]string{"Image": "x/y:1"},
	}}}})
	close(judging)
	if got := <-results; got != pipeline.NotOurs {
		t.Errorf("result %s", got)
	}
	if n := s.Calls()["codepipeline.PutJobFailureResult"]; n != 1 {
		t.Errorf("%d reports", n)
	}
}

// Another worker was faster: the job is not judged and not reported. Nor is one whose
// acknowledgement AWS does not take; but that one may be nobody's, and is counted as such.
func TestJobOfAnotherWorkerIsLeftAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		fault awslocal.Fault
		want  pipeline.Result
	}{
		"its nonce is used up": {awslocal.Fault{Code: "InvalidNonceException"}, pipeline.NotOurs},
		"it is over":           {awslocal.Fault{Garbage: []byte(`{"status":"TimedOut"}`)}, pipeline.NotOurs},
		"it was stopped":       {awslocal.Fault{Code: "InvalidJobStateException"}, pipeline.NotOurs},
		"no status":            {awslocal.Fault{Garbage: []byte(`{}`)}, pipeline.NotOurs},
		"AWS refuses":          {awslocal.Fault{Code: "AccessDeniedException"}, pipeline.Unacknowledged},
		"AWS throttles":        {awslocal.Fault{Code: "ThrottlingException"}, pipeline.Unacknowledged},
	} {
		t.Run(name, func(t *testing.T) {
			results := make(chan pipeline.Result, 1)
			s := open(t, judgedBy(func(context.Context, gate.Request) gate.Verdict {
				t.Error("judged a job that is not ours")
				return gate.Verdict{}
			}), counted(results))
			tc.fault.Operation = "codepipeline.AcknowledgeJob"
			s.Inject(tc.fault)
			s.AddJob(awslocal.Job{Configuration: map[string]string{"Image": "x/y:1"}})
			if got := <-results; got != tc.want {
				t.Errorf("result %s, want %s", got, tc.want)
			}
			s.stop()
			if calls := s.Calls(); calls["codepipeline.PutJobFailureResult"]+calls["codepipeline.PutJobSuccessResult"] != 0 {
				t.Errorf("reported: %v", calls)
			}
		})
	}
}

// More jobs than were asked for are left to whoever asks next.
func TestMoreJobsThanSlots(t *testing.T) {
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	aws.Inject(awslocal.Fault{
		Operation: "codepipeline.PollForJobs", Times: 1, Garbage: []byte(`{"jobs": [{"id": "1", "nonce": "1"}, {"id": "2", "nonce": "2"}]}`),
	})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	worker := pipeline.Worker{
		Config: aws.AWSConfig(), Gate: checker(nil), RegistryHost: ecr.RegistryHost, Concurrency: 1, PollInterval: time.Millisecond,
		Counts: func(pipeline.Result) { stop() },
	}
	if err := worker.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if n := aws.Calls()["codepipeline.AcknowledgeJob"]; n != 1 {
		t.Errorf("%d jobs were taken", n)
	}
}

func counted(results chan pipeline.Result) change {
	return func(w *pipeline.Worker) { w.Counts = func(r pipeline.Result) { results <- r } }
}

// A job that waits is looked at again and again, which is one job: its verdicts are
// counted when they are the last, and the log says once whose it is.
func TestWaitingJobCountsOnce(t *testing.T) {
	const looks = 4
	var looked atomic.Int32
	var log bytes.Buffer // read after the worker has ended
	counted := make(chan gate.Verdict, looks)
	s := open(t, judgedBy(func(_ context.Context, r gate.Request) gate.Verdict {
		if looked.Add(1) < looks {
			return gate.Unjudged("p", gate.Image{Written: r.Image}, &gate.Trouble{Cause: gate.NotFinished, Passing: true, Text: "the scan runs"})
		}
		return gate.Verdict{Outcome: gate.Allowed, Image: r.Image, Reason: "allowed"}
	}), func(w *pipeline.Worker) {
		w.Log = slog.New(slog.NewTextHandler(&log, nil))
		w.Verdicts = func(list []gate.Verdict) {
			for _, v := range list {
				counted <- v
			}
		}
	})
	if got := s.release(properties("Image", "x/y:1")); got.Status != awslocal.Succeeded {
		t.Errorf("%+v", got)
	}
	s.stop()
	close(counted)
	if v := <-counted; v.Outcome != gate.Allowed || len(counted) != 0 {
		t.Errorf("counted: %s, and %d more", v.Outcome, len(counted))
	}
	if n := strings.Count(log.String(), "the job is ours"); n != 1 {
		t.Errorf("said %d times whose job it is:\n%s", n, log.String())
	}
}

// Nothing is lost while AWS fails: polling backs off, reports are repeated.
func TestAWSFailsForAWhile(t *testing.T) {
	s := open(t)
	uri, _ := s.push("shop/web", scanned("CRITICAL"))
	s.Inject(awslocal.Fault{Operation: "codepipeline.PollForJobs", Times: 4, Status: 500, Code: "ServiceUnavailable"})
	s.Inject(awslocal.Fault{Operation: "codepipeline.PutJobFailureResult", Times: 4, Status: 500, Code: "ServiceUnavailable"})
	if got := s.release(properties("Image", uri)); got.FailureType != "JobFailed" {
		t.Errorf("%+v", got)
	}
}

// Texts stay within CodePipeline's limits whatever was found; awslocal refuses
// longer ones as CodePipeline does.
func TestLongTexts(t *testing.T) {
	s := open(t)
	severities := make([]string, 400)
	for i := range severities {
		severities[i] = "MEDIUM"
	}
	clean, _ := s.push("shop/clean", scanned(severities...))
	if got := s.release(properties("Image", clean)); got.Status != awslocal.Succeeded || utf8.RuneCountInString(got.Summary) > 2048 {
		t.Errorf("%d characters, %s", utf8.RuneCountInString(got.Summary), got.Status)
	}
	bad, _ := s.push("shop/bad", scanned(append(severities, "CRITICAL")...))
	got := s.release(properties("Image", bad))
	if got.FailureType != "JobFailed" || utf8.RuneCountInString(got.FailureMessage) > 5000 {
		t.Errorf("%d characters, %s", utf8.RuneCountInString(got.FailureMessage), got.FailureType)
	}
}

func TestOutputArtifact(t *testing.T) {
	results := make(chan pipeline.Result, 1)
	s := open(t, counted(results))
	uri, _ := s.push("shop/web", scanned("CRITICAL"))
	s.AddJob(awslocal.Job{
		Configuration:   map[string]string{"Image": uri},
		OutputArtifacts: []awslocal.Artifact{{Name: "out", Bucket: "artifacts", Key: "p/out/1", NoSuchObject: true}},
		EncryptionKeyID: "arn:aws:kms:eu-west-1:111122223333:key/1",
	})
	if got := <-results; got != pipeline.Failed {
		t.Errorf("result %s", got)
	}
	s.stop()
	body, headers, err := s.Object("artifacts", "p/out/1")
	if err != nil {
		t.Fatal(err)
	}
	if got := headers.Get("x-amz-server-side-encryption-aws-kms-key-id"); got != "arn:aws:kms:eu-west-1:111122223333:key/1" {
		t.Errorf("encrypted with %q", got)
	}
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := archive.Open("verdict.json")
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := io.ReadAll(f)
	var list struct {
		Kind  string `json:"kind"`
		Items []struct{ Image, Outcome, Digest string }
	}
	if err := json.Unmarshal(raw, &list); err != nil || list.Kind != "VerdictList" || len(list.Items) != 1 || list.Items[0].Outcome != "Denied" {
		t.Errorf("%v: %s", err, raw)
	}
}

// Two workers share the jobs; one stops; every job still ends by its deadline.
func TestTwoWorkersOneStops(t *testing.T) {
	first := open(t)
	config := first.AWSConfig()
	second := pipeline.Worker{
		Config: config, Gate: &gate.Gate{Source: ecr.NewSource(config, nil)}, RegistryHost: ecr.RegistryHost,
		PollInterval: 2 * time.Millisecond, MaxWait: time.Second,
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = second.Run(ctx) })
	defer running.Wait()
	defer cancel()
	looks := make(chan struct{}, 1000)
	first.OnChange(func(awslocal.Execution) {
		select {
		case looks <- struct{}{}:
		default:
		}
	})
	uri, _ := first.push("shop/web", awslocal.Scan{Status: "IN_PROGRESS"})
	ids := make([]string, 8)
	for i := range ids {
		ids[i] = first.StartPipeline(awslocal.Pipeline{Name: fmt.Sprint(i), Stages: []awslocal.Stage{{Name: "Scan", Action: awslocal.Action{
			Provider: "EcrGate", Configuration: map[string]string{"Image": uri},
		}}}})
	}
	// Some way into the work, or when nothing moves any more, one worker goes.
	while, over := context.WithTimeout(t.Context(), 2*time.Second)
	defer over()
	for range 40 {
		select {
		case <-looks:
		case <-while.Done():
		}
	}
	first.stop()
	deadline, done := context.WithTimeout(t.Context(), 30*time.Second)
	defer done()
	for _, id := range ids {
		e, err := first.WaitExecution(deadline, id)
		if err != nil {
			t.Fatalf("a job was lost: %v %+v", err, first.Execution(id))
		}
		if got := e.Stage("Scan").FailureType; got != "RevisionUnavailable" {
			t.Errorf("ended with %q", got)
		}
	}
}
