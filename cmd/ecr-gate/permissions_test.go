package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// The templates in deploy/ permit what the program calls, no more and no less. What it
// calls is what an AWS on this machine saw of it; tools/deploy holds Terraform and the
// documentation to the templates.

// neverSeen are actions that a role needs and that no call is named by.
var neverSeen = map[string]map[string]string{
	"worker.yaml": {
		"sts:TagSession": "EKS Pod Identity's session tags go along with AssumeRole",
	},
	"lambda.yaml": {
		"inspector2:ListCoverage": "ECR asks Inspector in the caller's name",
		"inspector2:ListFindings": "ECR asks Inspector in the caller's name",
		"logs:CreateLogStream":    "Lambda itself writes the log",
		"logs:PutLogEvents":       "Lambda itself writes the log",
	},
	"registry-reader.yaml": {},
}

// unpermitted are calls that no role is asked for.
var unpermitted = map[string]string{
	"sts:GetCallerIdentity":               "everybody may ask who they are",
	"codepipeline:CreateCustomActionType": "whoever registers the action type does, and CloudFormation",
}

func TestWorkerPermissions(t *testing.T) {
	aws := localAWS(t)
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	images := imagesOfBothScanners(aws)
	file := filepath.Join(t.TempDir(), "ecr-gate.yaml")
	if err := os.WriteFile(file, []byte(permissionsConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "action-type", "--register")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--config", file, "--metrics-bind-address", freePort(t), "--health-probe-bind-address", freePort(t)},
			streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
	}()
	release(t, aws, awslocal.Action{Provider: "EcrGate"}, "Image", images)
	stop()
	<-ended
	command(t, append([]string{"check", "--config", file}, images...)...)
	for _, account := range []string{"111122223333", otherAccount} {
		aws.SetScanType(account, "ENHANCED") // or Inspector would not be asked
	}
	command(t, append([]string{"doctor", "--config", file}, images...)...)
	own, role := called(aws)
	compare(t, "worker.yaml", own)
	compare(t, "registry-reader.yaml", role)
}

func TestLambdaPermissions(t *testing.T) {
	own := map[string]bool{}
	for _, where := range []string{"ssm:/ecr-gate/ecr-gate.yaml", "s3://settings/ecr-gate/ecr-gate.yaml"} {
		s := openLambdaFor(t, shortTimeout, envConfig+"="+where, envTopic+"="+topicARN, envBus+"="+busARN)
		s.AddTopic("verdicts")
		s.AddEventBus("verdicts")
		s.PutParameter("/ecr-gate/ecr-gate.yaml", permissionsConfig)
		if err := s.PutObject("settings", "ecr-gate/ecr-gate.yaml", []byte(permissionsConfig)); err != nil {
			t.Fatal(err)
		}
		release(t, s.Server, awslocal.Action{Category: "Invoke", Provider: "Lambda", Configuration: map[string]string{"FunctionName": "ecr-gate"}},
			"UserParameters", imagesOfBothScanners(s.Server))
		_, bad := s.push(company(time.Now())[0])
		if i, err := s.function.Invoke(t.Context(), basicEvent("shop/web", bad)); err != nil || i.ErrorType != "" {
			t.Fatal(i.ErrorMessage, err)
		}
		seen, _ := called(s.Server)
		maps.Copy(own, seen)
	}
	compare(t, "lambda.yaml", own)
}

const otherAccount = "444455556666"

const permissionsConfig = `apiVersion: ecr-gate.dev/v1alpha1
kind: Config
aws:
  registries:
  - account: "111122223333"
  - account: "444455556666"
    assumeRoleARN: arn:aws:iam::444455556666:role/ecr-gate-read
policies:
- name: dev
  maxFindings: {CRITICAL: 0}
  startScan: true
pipeline: {pollInterval: 1s}
`

// imagesOfBothScanners are, in each of two accounts, an image by tag and by digest, an
// index, one that nobody has scanned, and one over policy.
func imagesOfBothScanners(aws *awslocal.Server) []string {
	var images []string
	now := time.Now().Add(-time.Hour)
	for _, account := range []string{"111122223333", otherAccount} {
		host := strings.Replace(aws.RegistryHost(), "111122223333", account, 1)
		put := func(img awslocal.Image) string {
			img.Account, img.Tags = account, []string{"1"}
			return aws.PutImage(img)
		}
		digest := put(awslocal.Image{Repository: "shop/enhanced", Scans: []awslocal.Scan{enhanced(now, curl)}})
		put(awslocal.Image{Repository: "shop/index", Children: []awslocal.Image{
			{Platform: "linux/amd64", Scans: []awslocal.Scan{enhanced(now, curl)}},
			{Platform: "linux/arm64", Scans: []awslocal.Scan{enhanced(now, curl)}},
			{Attestation: true},
		}})
		low := awslocal.Finding{Name: "CVE-2026-2201", Severity: "LOW", Package: "libxml2", Version: "2.9"}
		put(awslocal.Image{Repository: "shop/unscanned", RescanTo: []awslocal.Scan{basic(now, low)}})
		put(awslocal.Image{Repository: "shop/bad", Scans: []awslocal.Scan{enhanced(now, openssl)}})
		images = append(images, host+"/shop/bad:1", host+"/shop/enhanced:1", host+"/shop/enhanced@"+digest, host+"/shop/index:1", host+"/shop/unscanned:1")
	}
	return images
}

// release runs a pipeline for each image, named in a property, in an artifact, and with
// an artifact for the report; and waits for all.
func release(t *testing.T, aws *awslocal.Server, scan awslocal.Action, property string, images []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	var executions []string
	for i, image := range images {
		action := scan
		action.OutputArtifact = "ScanReport"
		action.Configuration = map[string]string{}
		maps.Copy(action.Configuration, scan.Configuration)
		if i%2 == 0 {
			action.Configuration[property] = image
		} else {
			action.InputArtifact = map[string][]byte{"imageDetail.json": fmt.Appendf(nil, `{"ImageURI": %q}`, image)}
		}
		executions = append(executions, aws.StartPipeline(awslocal.Pipeline{Name: "p", Stages: []awslocal.Stage{{Name: "Scan", Action: action}}}))
	}
	for i, id := range executions {
		e, err := aws.WaitExecution(ctx, id)
		if good := !strings.Contains(images[i], "/bad"); err != nil || good != (e.Status == awslocal.Succeeded) {
			t.Fatalf("%s: %v %+v", images[i], err, e)
		}
	}
}

// command runs the program, whatever comes of it.
func command(t *testing.T, arguments ...string) {
	t.Helper()
	var errs strings.Builder
	if code := run(t.Context(), arguments, streams{in: strings.NewReader(""), out: io.Discard, err: &errs}); code == exitUsage {
		t.Fatalf("%s: %s", arguments[0], errs.String())
	}
}

// called are the IAM actions that the program called as itself, and by the role in
// the other account. Artifacts are read with keys that the job brings: no role needs it.
func called(aws *awslocal.Server) (own, role map[string]bool) {
	own, role = map[string]bool{}, map[string]bool{}
	_, ownKey, _ := strings.Cut(aws.Environment()[0], "=")
	for _, r := range aws.Requests("") {
		action := strings.Replace(r.Operation, ".", ":", 1)
		switch {
		case unpermitted[action] != "":
		case r.AccessKey == ownKey:
			own[action] = true
		case !strings.HasPrefix(action, "s3:"):
			role[action] = true
		}
	}
	return own, role
}

func compare(t *testing.T, template string, calls map[string]bool) {
	t.Helper()
	permits := permitted(t, template)
	for action := range calls {
		if !permits[action] {
			t.Errorf("%s does not permit %s, which is called", template, action)
		}
		if neverSeen[template][action] != "" {
			t.Errorf("%s is called after all: take it out of neverSeen", action)
		}
	}
	for _, action := range slices.Sorted(maps.Keys(permits)) {
		if !calls[action] && neverSeen[template][action] == "" {
			t.Errorf("%s permits %s, which nothing calls", template, action)
		}
	}
}

// permitted are the actions of all statements with a Sid, which trust policies lack.
func permitted(t *testing.T, template string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "cloudformation", template)) //nolint:gosec // the project's own
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	permits := map[string]bool{}
	collectActions(&document, permits)
	if len(permits) == 0 {
		t.Fatalf("%s permits nothing", template)
	}
	return permits
}

func collectActions(n *yaml.Node, into map[string]bool) {
	fields := map[string]*yaml.Node{}
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		fields[n.Content[i].Value] = n.Content[i+1]
	}
	if fields["Sid"] != nil && fields["Action"] != nil {
		collectWords(fields["Action"], into)
		return
	}
	for _, inside := range n.Content {
		collectActions(inside, into)
	}
}

// collectWords passes over what functions, such as !If, hold beside the actions.
func collectWords(n *yaml.Node, into map[string]bool) {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, ":") {
		into[n.Value] = true
	}
	for _, inside := range n.Content {
		collectWords(inside, into)
	}
}
