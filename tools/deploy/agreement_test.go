package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Whoever knows the one tool's parameters knows the other's.
func TestParametersAgree(t *testing.T) {
	p := loadProvider(t)
	eachStack(t, func(t *testing.T, s stack) {
		read, err := readTemplate(readFile(t, root+"/deploy/cloudformation/"+s.template))
		if err != nil {
			t.Fatal(err)
		}
		m, problems := readModule(moduleFiles(t, s))
		report(t, problems)
		l := plan(m, p, parameters{})
		variables := maps.Clone(m.variables)
		for name, parameter := range read.Parameters {
			if variables[snake(name)] == nil {
				t.Errorf("no variable %s", snake(name))
				continue
			}
			delete(variables, snake(name))
			value, _ := l.lookUp("var." + snake(name))
			got := plain(value)
			if list, ok := got.([]any); ok && len(list) == 0 {
				got = ""
			}
			if parameter.Default == nil != (got == nil) || got != nil && fmt.Sprint(got) != fmt.Sprint(parameter.Default) {
				t.Errorf("%s is %v by default, %s is %v", name, parameter.Default, snake(name), got)
			}
		}
		for name := range variables {
			t.Errorf("variable %s is no parameter of the template", name)
		}
	})
}

// What both tools say in words of their own, and has to be the same.
var settings = [][2]string{
	{"Function.Timeout", "aws_lambda_function.function.timeout"},
	{"Function.MemorySize", "aws_lambda_function.function.memory_size"},
	{"Function.Runtime", "aws_lambda_function.function.runtime"},
	{"Function.Handler", "aws_lambda_function.function.handler"},
	{"Function.Architectures", "aws_lambda_function.function.architectures"},
	{"Function.Environment.Variables", "aws_lambda_function.function.environment.0.variables"},
	{"Function.Code.S3ObjectVersion", "aws_lambda_function.function.s3_object_version"},
	{"Retries.MaximumRetryAttempts", "aws_lambda_function_event_invoke_config.retries.maximum_retry_attempts"},
	{"Retries.MaximumEventAgeInSeconds", "aws_lambda_function_event_invoke_config.retries.maximum_event_age_in_seconds"},
	{"Logs.LogGroupName", "aws_cloudwatch_log_group.logs.name"},
	{"Topic.KmsMasterKeyId", "aws_sns_topic.topic.0.kms_master_key_id"},
	{"ScanEnded.EventPattern", "aws_cloudwatch_event_rule.scan_ended.0.event_pattern"},
	{"ScanEndedMayInvoke.Principal", "aws_lambda_permission.scan_ended_may_invoke.0.principal"},
	{"Association.ServiceAccount", "aws_eks_pod_identity_association.association.0.service_account"},
	{"Repository.ImageTagMutability", "aws_ecr_repository.repository.image_tag_mutability"},
	{"Scanning.ScanType", "aws_ecr_registry_scanning_configuration.scanning.0.scan_type"},
	{"Scanning.Rules.0.ScanFrequency", "aws_ecr_registry_scanning_configuration.scanning.0.rule.0.scan_frequency"},
	{"Build.Source.BuildSpec", "aws_codebuild_project.build.source.0.buildspec"},
	{"Build.Environment.Image", "aws_codebuild_project.build.environment.0.image"},
	{"ClusterAccess.AccessPolicies.0.AccessScope.Namespaces", "aws_eks_access_policy_association.cluster_access.access_scope.0.namespaces"},
	{"Pipeline.Stages.0.Actions.0.Configuration", "aws_codepipeline.pipeline.stage.0.action.0.configuration"},
	{"Pipeline.Stages.2.Actions.0.Configuration.Image", "aws_codepipeline.pipeline.stage.2.action.0.configuration.Image"},
	{"Pipeline.Stages.2.Actions.0.Configuration.FunctionName", "aws_codepipeline.pipeline.stage.2.action.0.configuration.FunctionName"},
	{"Pipeline.Stages.2.Actions.0.Configuration.UserParameters", "aws_codepipeline.pipeline.stage.2.action.0.configuration.UserParameters"},
	{"Pipeline.Stages.2.Actions.0.ActionTypeId.Owner", "aws_codepipeline.pipeline.stage.2.action.0.owner"},
	{"Pipeline.Stages.2.Actions.0.ActionTypeId.Provider", "aws_codepipeline.pipeline.stage.2.action.0.provider"},
	{"Pipeline.Stages.2.Actions.0.ActionTypeId.Version", "aws_codepipeline.pipeline.stage.2.action.0.version"},
	{"Pipeline.Stages.3.Actions.0.Configuration", "aws_codepipeline.pipeline.stage.3.action.0.configuration"},
}

func TestSettingsAgree(t *testing.T) {
	seen := map[string]bool{}
	eachCase(t, func(t *testing.T, e *evaluation, l *planning) {
		for _, pair := range settings {
			a, b := e.setting(pair[0]), l.setting(pair[1])
			if spelled(a) != spelled(b) {
				t.Errorf("%s is %v, %s is %v", pair[0], a, pair[1], b)
			}
			seen[pair[0]] = seen[pair[0]] || a != nil
		}
	})
	for _, pair := range settings {
		if !seen[pair[0]] {
			t.Errorf("no case has %s", pair[0])
		}
	}
}

func (e *evaluation) setting(path string) any {
	name, rest, _ := strings.Cut(path, ".")
	if e.properties[name] == nil {
		return nil
	}
	return dig(e.properties[name], strings.Split(rest, "."))
}

func (l *planning) setting(path string) any {
	steps := strings.Split(path, ".")
	value, known := l.values[steps[0]+"."+steps[1]]
	if !known {
		return nil
	}
	return dig(plain(value), steps[2:])
}

func dig(value any, path []string) any {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// spelled makes JSON written as text and JSON the same.
func spelled(value any) string {
	if text, ok := value.(string); ok {
		var inside any
		if json.Unmarshal([]byte(text), &inside) != nil {
			return text
		}
		value = inside
	}
	out, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// The steps of the build are YAML that CodeBuild reads.
func TestBuildspec(t *testing.T) {
	eachCase(t, func(t *testing.T, e *evaluation, _ *planning) {
		spec, ok := e.setting("Build.Source.BuildSpec").(string)
		if !ok {
			return
		}
		var read struct {
			Version any
			Env     struct {
				Shell    string
				Exported []string `yaml:"exported-variables"`
			}
			Phases map[string]struct {
				OnFailure string `yaml:"on-failure"`
				Commands  []string
			}
			Artifacts struct {
				Base  string `yaml:"base-directory"`
				Files []string
			}
		}
		decoder := yaml.NewDecoder(strings.NewReader(spec))
		decoder.KnownFields(true)
		if err := decoder.Decode(&read); err != nil {
			t.Fatal(err)
		}
		for _, name := range read.Env.Exported {
			if !strings.Contains(strings.Join(read.Phases["build"].Commands, "\n"), "export "+name+"=") {
				t.Errorf("%s is exported and never set", name)
			}
		}
		script := strings.Join(read.Phases["build"].Commands, "\n")
		if out, err := exec.CommandContext(t.Context(), "bash", "-n", "-c", script).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// The action type of both is the one that the program knows and registers.
func TestActionType(t *testing.T) {
	command := exec.CommandContext(t.Context(), "go", "run", "-C", root, "./cmd/ecr-gate", "action-type")
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go run ./cmd/ecr-gate action-type: %v\n%s", err, stderr.String())
	}
	var printed struct {
		Resources map[string]struct{ Properties map[string]any }
	}
	if err := json.Unmarshal(out, &printed); err != nil {
		t.Fatal(err)
	}
	want := printed.Resources["EcrGateActionType"].Properties
	schema, p, s := loadCloudFormationSchema(t), loadProvider(t), stacks["worker"]
	read, err := readTemplate(readFile(t, root+"/deploy/cloudformation/"+s.template))
	if err != nil {
		t.Fatal(err)
	}
	e := evaluate(read, schema, s.cases["irsa"])
	if got := e.properties["ActionType"]; spelled(got) != spelled(want) {
		t.Errorf("CloudFormation registers\n%s\nthe program\n%s", spelled(got), spelled(want))
	}
	m, _ := readModule(moduleFiles(t, s))
	got := registered(plan(m, p, s.cases["irsa"]).setting("aws_codepipeline_custom_action_type.action_type.0"))
	byName := func(a, b any) int {
		return strings.Compare(a.(map[string]any)["Name"].(string), b.(map[string]any)["Name"].(string))
	}
	slices.SortFunc(want["ConfigurationProperties"].([]any), byName)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Terraform registers\n%s\nthe program\n%s", spelled(got), spelled(want))
	}
}

// registered spells Terraform's action type as CloudFormation does.
func registered(value any) map[string]any {
	details := func(name string) any {
		return map[string]any{"MinimumCount": dig(value, []string{name, "0", "minimum_count"}), "MaximumCount": dig(value, []string{name, "0", "maximum_count"})}
	}
	var properties []any
	for _, one := range dig(value, []string{"configuration_property"}).([]any) {
		property := map[string]any{}
		for name, inside := range one.(map[string]any) {
			property[strings.ToUpper(name[:1])+name[1:]] = inside
		}
		properties = append(properties, property)
	}
	return map[string]any{
		"Category": dig(value, []string{"category"}), "Provider": dig(value, []string{"provider_name"}), "Version": dig(value, []string{"version"}),
		"InputArtifactDetails": details("input_artifact_details"), "OutputArtifactDetails": details("output_artifact_details"),
		"Settings":                map[string]any{"ExecutionUrlTemplate": dig(value, []string{"settings", "0", "execution_url_template"})},
		"ConfigurationProperties": properties,
	}
}
