// Package deploy checks the CloudFormation templates and the Terraform modules in
// deploy/ against what AWS and the provider take, against each other and against the
// program. It is a module of its own: nothing here is linked into ecr-gate.
//
// Not checked, for nobody outside of AWS and the provider knows it: what a text has to
// look like beyond a list of values (lengths, patterns, ARNs that exist), which arguments
// exclude each other, numbers of blocks beyond one or several, and whether AWS does with
// all of it what is meant.
package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	root    = "../.."
	account = "111122223333"
	region  = "eu-west-1"
)

// parameters are a stack's, as CloudFormation names them. Terraform's are the same in
// snake_case; "true" and "false" are its bool.
type parameters map[string]any

// stack is one template and the module beside it. Its cases together take every
// condition both ways; what it refuses, both refuse.
type stack struct {
	template string // deploy/cloudformation
	module   string // deploy/terraform
	cases    map[string]parameters
	refuses  map[string]parameters
}

var stacks = map[string]stack{
	"worker": {
		template: "worker.yaml", module: "worker",
		cases: map[string]parameters{
			"irsa": {"Identity": "irsa", "OidcProvider": "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"},
			"everything": {
				"Identity": "pod-identity", "ClusterName": "dev", "AllowDoctor": "true",
				"AssumeRoleArns": []string{"arn:aws:iam::444455556666:role/ecr-gate-read"},
			},
			"other accounts with irsa": {
				"Identity": "irsa", "OidcProvider": "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE", "RepositoryPattern": "shop/*",
				"AssumeRoleArns": []string{"arn:aws:iam::444455556666:role/ecr-gate-read", "arn:aws:iam::777788889999:role/ecr-gate-read"},
			},
			"least": {
				"Identity": "pod-identity", "ClusterName": "dev", "Namespace": "security", "ServiceAccount": "gate",
				"AllowStartScan": "false", "EnhancedScanning": "false", "RegisterActionType": "false", "ActionTypeVersion": "2",
			},
		},
		refuses: map[string]parameters{
			"no identity":             {},
			"an unknown identity":     {"Identity": "keys"},
			"irsa, no provider":       {"Identity": "irsa"},
			"a provider with https":   {"Identity": "irsa", "OidcProvider": "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"},
			"pod identity, nothing":   {"Identity": "pod-identity"},
			"a version that is long":  {"Identity": "pod-identity", "ClusterName": "dev", "ActionTypeVersion": "1234567890"},
			"a parameter of no stack": {"Identity": "pod-identity", "ClusterName": "dev", "Cluster": "dev"},
		},
	},
	"lambda": {
		template: "lambda.yaml", module: "lambda",
		cases: map[string]parameters{
			"plain":   {"CodeBucket": "code"},
			"package": {"CodeBucket": "code", "ConfigSource": "package", "Architecture": "x86_64", "LogRetentionDays": 90},
			"everything": {
				"CodeBucket": "code", "CodeObjectVersion": "v7", "ConfigSource": "ssm", "NotifyTopic": "true", "NotifyEventBus": "default",
				"AssumeRoleArns": []string{"arn:aws:iam::444455556666:role/ecr-gate-read"}, "ReservedConcurrency": 10,
			},
			"configuration in S3": {
				"CodeBucket": "code", "ConfigSource": "s3", "ConfigBucket": "settings", "ConfigFolder": "/teams/shop", "NotifyTopic": "true",
			},
			"least": {
				"FunctionName": "gate", "CodeBucket": "code", "CodeKey": "gate.zip", "RepositoryPattern": "shop/*",
				"AllowStartScan": "false", "JobsMayRelax": "true", "EnhancedScanning": "false", "NotifyEventBus": "verdicts", "MaximumEventAge": 600,
			},
		},
		refuses: map[string]parameters{
			"no code":                  {},
			"an unknown architecture":  {"CodeBucket": "code", "Architecture": "amd64"},
			"s3 without a bucket":      {"CodeBucket": "code", "ConfigSource": "s3"},
			"an unknown source":        {"CodeBucket": "code", "ConfigSource": "env"},
			"a folder without a slash": {"CodeBucket": "code", "ConfigSource": "ssm", "ConfigFolder": "ecr-gate"},
			"everything as the folder": {"CodeBucket": "code", "ConfigSource": "ssm", "ConfigFolder": "/"},
			"a bus by its ARN":         {"CodeBucket": "code", "NotifyEventBus": "arn:aws:events:eu-west-1:111122223333:event-bus/x"},
		},
	},
	"registry-reader": {
		template: "registry-reader.yaml", module: "registry-reader",
		cases: map[string]parameters{
			"everything": {"GateRoleArns": []string{"arn:aws:iam::111122223333:role/ecr-gate"}, "AllowDoctor": "true"},
			"least": {
				"GateRoleArns": []string{"arn:aws:iam::111122223333:role/ecr-gate", "arn:aws:iam::111122223333:role/ecr-gate-function"},
				"RoleName":     "gate-reads", "RepositoryPattern": "shop/*", "AllowStartScan": "false", "EnhancedScanning": "false",
			},
		},
		refuses: map[string]parameters{
			"for nobody":       {},
			"a name of spaces": {"GateRoleArns": []string{"arn:aws:iam::111122223333:role/ecr-gate"}, "RoleName": "ecr gate"},
		},
	},
	"example-pipeline": {
		template: "example-pipeline.yaml", module: "example-pipeline",
		cases: map[string]parameters{
			"worker": {
				"Gate": "worker", "RegistryScanning": "BASIC", "ConnectionArn": "arn:aws:codeconnections:eu-west-1:111122223333:connection/1",
				"SourceRepository": "company/shop-web", "ClusterName": "dev",
			},
			"lambda": {
				"Gate": "lambda", "RegistryScanning": "ENHANCED", "ConnectionArn": "arn:aws:codeconnections:eu-west-1:111122223333:connection/1",
				"SourceRepository": "company/shop-web", "SourceBranch": "release", "ClusterName": "prod", "Namespace": "shop",
				"PipelineName": "shop-web", "RepositoryName": "shop/web", "ManifestFile": "deploy.yaml", "FunctionName": "gate",
			},
			"scanning unchanged": {
				"Gate": "worker", "RegistryScanning": "unchanged", "ConnectionArn": "arn:aws:codeconnections:eu-west-1:111122223333:connection/1",
				"SourceRepository": "company/shop-web", "ClusterName": "dev", "ActionTypeVersion": "2",
			},
		},
		refuses: map[string]parameters{
			"no word on scanning": {
				"Gate": "worker", "ConnectionArn": "arn:aws:codeconnections:eu-west-1:111122223333:connection/1",
				"SourceRepository": "company/shop-web", "ClusterName": "dev",
			},
			"an unknown gate": {
				"Gate": "cron", "RegistryScanning": "BASIC", "ConnectionArn": "arn:aws:codeconnections:eu-west-1:111122223333:connection/1",
				"SourceRepository": "company/shop-web", "ClusterName": "dev",
			},
		},
	},
}

// Nothing in deploy/ is left out.
func TestEveryStackIsChecked(t *testing.T) {
	for pattern, name := range map[string]func(stack) string{
		"/deploy/cloudformation/*": func(s stack) string { return s.template },
		"/deploy/terraform/*":      func(s stack) string { return s.module },
	} {
		var want []string
		for _, s := range stacks {
			want = append(want, name(s))
		}
		slices.Sort(want)
		if got := names(t, root+pattern); !slices.Equal(got, want) {
			t.Errorf("%s holds %v, checked are %v", pattern, got, want)
		}
	}
}

func names(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for i := range paths {
		paths[i] = filepath.Base(paths[i])
	}
	return paths
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func eachStack(t *testing.T, check func(t *testing.T, s stack)) {
	t.Helper()
	for name, s := range stacks {
		t.Run(name, func(t *testing.T) { check(t, s) })
	}
}

func report(t *testing.T, problems []string) {
	t.Helper()
	for _, p := range problems {
		t.Error(p)
	}
}

// snake is how Terraform spells a parameter's name.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
