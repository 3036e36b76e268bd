package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// statement is one of an IAM policy, in one spelling.
type statement struct {
	Sid       string   `json:",omitempty"`
	Effect    string   `json:",omitempty"`
	Principal any      `json:",omitempty"`
	Action    wordList `json:",omitempty"`
	Resource  wordList `json:",omitempty"`
	Condition any      `json:",omitempty"`
}

// wordList is one word or several; the order says nothing.
type wordList []string

func (l *wordList) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*l = wordList{one}
		return nil
	}
	err := json.Unmarshal(raw, (*[]string)(l))
	slices.Sort(*l)
	return err
}

// MarshalJSON writes one word as people do.
func (l wordList) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return json.Marshal(l[0])
	}
	return json.Marshal([]string(l))
}

// policies are all policies of a stack, by what they belong to: "role trust", "role
// grants", "bucketpolicy".
type policies map[string][]statement

func (p policies) add(owner string, document any) error {
	raw, ok := document.(string)
	if !ok {
		text, err := json.Marshal(document)
		if err != nil {
			return err
		}
		raw = string(text)
	}
	var policy struct {
		Version   string
		Statement []statement
	}
	decoder := json.NewDecoder(strings.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&policy); err != nil {
		return fmt.Errorf("%s: %w", owner, err)
	}
	if policy.Version != "2012-10-17" {
		return fmt.Errorf("%s: Version %q", owner, policy.Version)
	}
	p[owner] = append(p[owner], policy.Statement...)
	return nil
}

func flat(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

func (e *evaluation) policies() (policies, error) {
	found := policies{}
	for name, properties := range e.properties {
		switch e.Resources[name].Type {
		case "AWS::IAM::Role":
			if err := found.add(flat(name)+" trust", properties["AssumeRolePolicyDocument"]); err != nil {
				return nil, err
			}
			for _, policy := range properties["Policies"].([]any) {
				if err := found.add(flat(name)+" grants", policy.(map[string]any)["PolicyDocument"]); err != nil {
					return nil, err
				}
			}
		case "AWS::S3::BucketPolicy":
			if err := found.add(flat(name), properties["PolicyDocument"]); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func (l *planning) policies() (policies, error) {
	found := policies{}
	for name := range l.resources {
		kind, short, _ := strings.Cut(name, ".")
		owner, attribute := flat(short), "policy"
		switch kind {
		case "aws_iam_role":
			owner, attribute = owner+" trust", "assume_role_policy"
		case "aws_iam_role_policy":
			role := l.values[name].GetAttr("role").AsString()
			owner = strings.TrimSuffix(strings.TrimPrefix(role, "<"), ".id>") + " grants"
		case "aws_s3_bucket_policy":
		default:
			continue
		}
		if err := found.add(owner, l.values[name].GetAttr(attribute).AsString()); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// eachCase evaluates every case of every stack with both tools.
func eachCase(t *testing.T, check func(t *testing.T, e *evaluation, l *planning)) {
	t.Helper()
	schema, p := loadCloudFormationSchema(t), loadProvider(t)
	eachStack(t, func(t *testing.T, s stack) {
		read, err := readTemplate(readFile(t, root+"/deploy/cloudformation/"+s.template))
		if err != nil {
			t.Fatal(err)
		}
		m, problems := readModule(moduleFiles(t, s))
		report(t, problems)
		for name, given := range s.cases {
			t.Run(name, func(t *testing.T) {
				check(t, evaluate(read, schema, given), plan(m, p, given))
			})
		}
	})
}

// What one tool permits, the other does: no more, no less.
func TestToolsGrantTheSame(t *testing.T) {
	eachCase(t, func(t *testing.T, e *evaluation, l *planning) {
		report(t, differences(t, e, l))
	})
}

func differences(t *testing.T, e *evaluation, l *planning) []string {
	t.Helper()
	cloudFormation, err := e.policies()
	if err != nil {
		t.Fatal(err)
	}
	terraform, err := l.policies()
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	for _, owner := range slices.Sorted(maps.Keys(cloudFormation)) {
		a, b := lines(cloudFormation[owner]), lines(terraform[owner])
		problems = append(problems, missing(owner+": only CloudFormation says ", a, b)...)
		problems = append(problems, missing(owner+": only Terraform says ", b, a)...)
	}
	for owner, statements := range terraform {
		if cloudFormation[owner] == nil {
			problems = append(problems, missing(owner+": only Terraform says ", lines(statements), nil)...)
		}
	}
	return problems
}

func missing(what string, from, in []string) []string {
	var problems []string
	for _, line := range from {
		if !slices.Contains(in, line) {
			problems = append(problems, what+line)
		}
	}
	return problems
}

// lines are the statements as JSON, one a line.
func lines(statements []statement) []string {
	var all []string
	for _, s := range statements {
		text, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		all = append(all, string(text))
	}
	return all
}

// withoutResource are the actions that know no resource, so that "*" is all they take
// (Service Authorization Reference); every other one is held to a resource.
var withoutResource = regexp.MustCompile(`^(inspector2:List(Coverage|Findings)` +
	`|codepipeline:(AcknowledgeJob|PutJobFailureResult|PutJobSuccessResult|ListActionTypes)` +
	`|ecr:(GetAuthorizationToken|GetRegistryScanningConfiguration|BatchGetRepositoryScanningConfiguration)` +
	`|lambda:ListFunctions|ec2:\w+)$`)

func TestResources(t *testing.T) {
	eachCase(t, func(t *testing.T, e *evaluation, _ *planning) {
		all, err := e.policies()
		if err != nil {
			t.Fatal(err)
		}
		for owner, statements := range all {
			report(t, unfit(owner, statements))
		}
	})
}

func unfit(owner string, statements []statement) []string {
	var problems []string
	seen := map[string]bool{}
	for _, s := range statements {
		if seen[s.Sid] {
			problems = append(problems, fmt.Sprintf("%s: two statements %q", owner, s.Sid))
		}
		seen[s.Sid] = true
		if s.Effect != "Allow" || s.Principal != nil {
			continue
		}
		for _, action := range s.Action {
			if everything := slices.Equal(s.Resource, []string{"*"}); everything != withoutResource.MatchString(action) {
				problems = append(problems, fmt.Sprintf("%s: %s on %v", owner, action, s.Resource))
			}
			if strings.Contains(action, "*") {
				problems = append(problems, fmt.Sprintf("%s: %s is more than anybody calls", owner, action))
			}
		}
	}
	return problems
}

// plain is a value without what is not known before it is applied.
func plain(v cty.Value) any {
	switch {
	case !v.IsKnown() || v.IsNull():
		return nil
	case v.Type() == cty.String:
		return v.AsString()
	case v.Type() == cty.Number:
		f, _ := v.AsBigFloat().Float64()
		return f
	case v.Type() == cty.Bool:
		return v.True()
	case v.Type().IsObjectType() || v.Type().IsMapType():
		m := map[string]any{}
		for name, inside := range v.AsValueMap() {
			if p := plain(inside); p != nil {
				m[name] = p
			}
		}
		return m
	}
	list := []any{}
	for _, inside := range v.AsValueSlice() {
		list = append(list, plain(inside))
	}
	return list
}
