package deploy

import (
	"strings"
	"testing"
)

// Faults that people make, each put into what is right: the checks have to see them.

func TestBrokenTemplates(t *testing.T) {
	schema := loadCloudFormationSchema(t)
	for name, tc := range map[string]struct{ stack, old, new, says string }{
		"not YAML":                {"worker", "Resources:\n", "Resources: [\n", "yaml"},
		"an unknown section":      {"worker", "Outputs:\n", "Output:\n", `unknown field "Output"`},
		"a key twice":             {"worker", "      Category: Test\n", "      Category: Test\n      Category: Test\n", "Category stands twice"},
		"an unknown property":     {"lambda", "      MemorySize: 256\n", "      Memory: 128\n", "additional properties 'Memory' not allowed"},
		"a required one missing":  {"lambda", "      Role: !GetAtt Role.Arn\n", "", "missing property 'Role'"},
		"a wrong type":            {"lambda", "      Timeout: 60\n", "      Timeout: {Seconds: 60}\n", "Timeout: got object, want integer"},
		"text for a number":       {"lambda", "      Timeout: 60\n", "      Timeout: a minute\n", "Timeout: got string, want integer"},
		"a value that is none":    {"example-pipeline", "ImageTagMutability: IMMUTABLE", "ImageTagMutability: FIXED", "value must be one of"},
		"deep inside":             {"example-pipeline", "Provider: CodeBuild, Version", "Supplier: CodeBuild, Version", "Stages.1.Actions.0.ActionTypeId: missing property 'Provider'"},
		"an unknown type":         {"worker", "AWS::EKS::PodIdentityAssociation", "AWS::EKS::PodIdentity", "not in testdata"},
		"Ref to nothing":          {"worker", "RoleArn: !GetAtt Role.Arn", "RoleArn: !Ref Roll", "refers to Roll, which is not there"},
		"GetAtt of nothing":       {"worker", "RoleArn: !GetAtt Role.Arn", "RoleArn: !GetAtt Roll.Arn", "asks for Arn of Roll, which is not there"},
		"GetAtt of an attribute":  {"worker", "RoleArn: !GetAtt Role.Arn", "RoleArn: !GetAtt Role.ARN", "has no attribute ARN"},
		"a variable in Sub":       {"worker", "repository/${RepositoryPattern}\n          - !If\n            - StartScan", "repository/${Pattern}\n          - !If\n            - StartScan", "refers to Pattern"},
		"what is not created":     {"lambda", "          ECR_GATE_TOPIC_ARN: !If [ToTopic, !Ref Topic, !Ref AWS::NoValue]", "          ECR_GATE_TOPIC_ARN: !Ref Topic", "refers to Topic, which is not there"},
		"an unknown condition":    {"worker", "    Condition: Register\n", "    Condition: Registered\n", "no condition Registered"},
		"a condition for nobody":  {"worker", "    Condition: Register\n", "", "condition Register is used nowhere"},
		"a parameter for nobody":  {"lambda", "    Default: 1200\n", "    Default: 1200\n  Memory:\n    Type: Number\n    Default: 128\n", "parameter Memory is used nowhere"},
		"an unknown function":     {"worker", "!Join [\"\", !Ref AssumeRoleArns]", "!Merge [\"\", !Ref AssumeRoleArns]", "Fn::Merge is not known here"},
		"depends on nothing":      {"example-pipeline", "[ArtifactsByTls, ClusterAccess]", "[ArtifactsByTLS, ClusterAccess]", "depends on ArtifactsByTLS"},
		"a default out of bounds": {"lambda", "    Default: 1200\n", "    Default: 30\n", "30 is out of bounds"},
	} {
		t.Run(name, func(t *testing.T) {
			text := readFile(t, root+"/deploy/cloudformation/"+stacks[tc.stack].template)
			expect(t, templateProblems(change(t, text, tc.old, tc.new), schema, stacks[tc.stack].cases), tc.says)
		})
	}
}

func TestBrokenModules(t *testing.T) {
	p := loadProvider(t)
	for name, tc := range map[string]struct{ stack, file, old, new, says string }{
		"not HCL":                {"worker", "main.tf", "locals {", "locals [", "main.tf"},
		"not formatted":          {"worker", "outputs.tf", "  value       =", "  value =", "not as terraform fmt writes it"},
		"an unknown block":       {"worker", "outputs.tf", "output ", "outputs ", "Unsupported block type"},
		"an unknown argument":    {"lambda", "main.tf", "  memory_size                    = 256", "  memory                         = 128", "Unsupported argument"},
		"a required one missing": {"lambda", "main.tf", "  role                           = aws_iam_role.role.arn\n", "", "Missing required argument"},
		"a wrong type":           {"lambda", "main.tf", "timeout                        = 60", "timeout                        = [60]", "Incorrect attribute value type"},
		"an unknown inner block": {"example-pipeline", "main.tf", "  artifact_store {", "  artifact_shop {", "Unsupported block type"},
		"a block missing":        {"worker", "main.tf", "  input_artifact_details {\n    minimum_count = 0\n    maximum_count = 5\n  }\n\n", "", "Insufficient input_artifact_details blocks"},
		"deep inside":            {"example-pipeline", "main.tf", "      provider         = \"CodeStarSourceConnection\"\n", "", `The argument "provider" is required`},
		"what AWS sets":          {"registry-reader", "main.tf", "  name        = var.role_name", "  arn         = var.role_name", "Unsupported argument"},
		"an unknown type":        {"registry-reader", "main.tf", `resource "aws_iam_role" "role"`, `resource "aws_iam_roll" "role"`, "not in testdata"},
		"an unknown variable":    {"registry-reader", "main.tf", "var.role_name", "var.rolename", "refers to var.rolename, which is not there"},
		"an unknown local":       {"registry-reader", "main.tf", "Resource = local.repositories", "Resource = local.repository", "refers to local.repository, which is not there"},
		"an unknown resource":    {"registry-reader", "outputs.tf", "aws_iam_role.role.arn", "aws_iam_role.gate.arn", "refers to aws_iam_role.gate, which is not there"},
		"an unknown attribute":   {"registry-reader", "outputs.tf", "aws_iam_role.role.arn", "aws_iam_role.role.urn", "Unsupported attribute"},
		"what is not created":    {"lambda", "main.tf", `var.notify_topic ? aws_sns_topic.topic[0].arn : ""`, "aws_sns_topic.topic[0].arn", "Invalid index"},
		"depends on nothing":     {"example-pipeline", "main.tf", "    aws_iam_role_policy.pipeline,", "    aws_iam_role_policy.pipe,", "depends on what is not there"},
		"a circle":               {"registry-reader", "main.tf", "data.aws_partition.current.partition\n", "local.repositories\n", "depends on itself"},
		"no pinned provider":     {"worker", "versions.tf", "~> 6.25", ">= 6", "no pinned version"},
		"a default of a type":    {"lambda", "variables.tf", "default     = 1200", "default     = []", "variable maximum_event_age"},
		"an unknown function":    {"registry-reader", "main.tf", "jsonencode(", "tojson(", "unknown function"},
	} {
		t.Run(name, func(t *testing.T) {
			files := moduleFiles(t, stacks[tc.stack])
			files[tc.file] = change(t, files[tc.file], tc.old, tc.new)
			expect(t, moduleProblems(files, p, stacks[tc.stack].cases), tc.says)
		})
	}
}

func TestBrokenPolicies(t *testing.T) {
	schema, p := loadCloudFormationSchema(t), loadProvider(t)
	for name, tc := range map[string]struct{ old, new, says string }{
		"an action more":      {`"ecr:DescribeImageScanFindings"]`, `"ecr:DescribeImageScanFindings", "ecr:PutImage"]`, "only Terraform says"},
		"an action less":      {`["ecr:BatchGetImage", "ecr:DescribeImageScanFindings"]`, `["ecr:BatchGetImage"]`, "only CloudFormation says"},
		"a resource":          {"Resource = local.repositories", `Resource = "*"`, "only Terraform says"},
		"a statement":         {"length(var.assume_role_arns) > 0", "false", "only CloudFormation says"},
		"who is trusted":      {`Service = "pods.eks.amazonaws.com"`, `Service = "ec2.amazonaws.com"`, "role trust"},
		"who else is trusted": {`        "aws:RequestTag/kubernetes-namespace"       = var.namespace` + "\n", "", "role trust"},
	} {
		t.Run(name, func(t *testing.T) {
			s := stacks["worker"]
			read, err := readTemplate(readFile(t, root+"/deploy/cloudformation/"+s.template))
			if err != nil {
				t.Fatal(err)
			}
			files := moduleFiles(t, s)
			files["main.tf"] = change(t, files["main.tf"], tc.old, tc.new)
			m, _ := readModule(files)
			given := s.cases["everything"]
			expect(t, differences(t, evaluate(read, schema, given), plan(m, p, given)), tc.says)
		})
	}
	t.Run("a star where a resource fits", func(t *testing.T) {
		expect(t, unfit("role", []statement{{Effect: "Allow", Action: wordList{"ecr:BatchGetImage"}, Resource: wordList{"*"}}}), "ecr:BatchGetImage on [*]")
	})
	t.Run("a resource where none fits", func(t *testing.T) {
		actionType := wordList{"arn:aws:codepipeline:eu-west-1:111122223333:actiontype:Custom/Test/EcrGate/1"}
		expect(t, unfit("role", []statement{{Effect: "Allow", Action: wordList{"codepipeline:AcknowledgeJob"}, Resource: actionType}}), "codepipeline:AcknowledgeJob on")
	})
}

func change(t *testing.T, text, from, to string) string {
	t.Helper()
	if !strings.Contains(text, from) {
		t.Fatalf("there is no %q to be broken", from)
	}
	return strings.Replace(text, from, to, 1)
}

func expect(t *testing.T, problems []string, says string) {
	t.Helper()
	for _, problem := range problems {
		if strings.Contains(problem, says) {
			return
		}
	}
	t.Errorf("want a problem that says %q, got\n%s", says, strings.Join(problems, "\n"))
}
