package deploy

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the policies in docs/iam.md anew")

const iamPage = root + "/docs/iam.md"

// The policies that docs/iam.md shows, by heading: those of a case of the templates.
var shown = map[string]struct{ stack, given, owner string }{
	"## The worker's policy":                               {"worker", "everything", "role grants"},
	"### The worker's trust policy, with IRSA":             {"worker", "irsa", "role trust"},
	"### The worker's trust policy, with EKS Pod Identity": {"worker", "everything", "role trust"},
	"## The Lambda function's policy":                      {"lambda", "everything", "role grants"},
	"## A reader's policy, in another account":             {"registry-reader", "everything", "role grants"},
	"### A reader's trust policy":                          {"registry-reader", "everything", "role trust"},
}

var policyBlock = regexp.MustCompile("(?ms)^(##+ [^\n]+)\n((?:[^#`][^\n]*\n|\n|`[^`\n][^\n]*\n)*)```json\n(.*?)```")

func TestDocumentedPolicies(t *testing.T) {
	schema, page := loadCloudFormationSchema(t), readFile(t, iamPage)
	seen := map[string]bool{}
	fresh := policyBlock.ReplaceAllStringFunc(page, func(block string) string {
		m := policyBlock.FindStringSubmatch(block)
		source, known := shown[m[1]]
		if !known {
			t.Errorf("no case for the policy below %q", m[1])
			return block
		}
		seen[m[1]] = true
		want := policyText(t, grantsOf(t, schema, source.stack, source.given)[source.owner])
		if source.stack == "registry-reader" && source.owner == "role grants" {
			want = strings.ReplaceAll(want, account, "444455556666") // where that role is
		}
		if m[3] != want && !*update {
			t.Errorf("%s: the templates say\n%s", m[1], want)
		}
		return m[1] + "\n" + m[2] + "```json\n" + want + "```"
	})
	for heading := range shown {
		if !seen[heading] {
			t.Errorf("docs/iam.md has no policy below %q", heading)
		}
	}
	if *update {
		if err := os.WriteFile(iamPage, []byte(fresh), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func grantsOf(t *testing.T, schema *cloudFormationSchema, name, given string) policies {
	t.Helper()
	s := stacks[name]
	read, err := readTemplate(readFile(t, root+"/deploy/cloudformation/"+s.template))
	if err != nil {
		t.Fatal(err)
	}
	all, err := evaluate(read, schema, s.cases[given]).policies()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// policyText is a policy as people paste it, one statement a line.
func policyText(t *testing.T, statements []statement) string {
	t.Helper()
	all := make([]string, len(statements))
	for i, s := range statements {
		text, err := json.MarshalIndent(s, "", "")
		if err != nil {
			t.Fatal(err)
		}
		all[i] = "    " + oneLine.Replace(string(text))
	}
	return "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n" + strings.Join(all, ",\n") + "\n  ]\n}\n"
}

var oneLine = strings.NewReplacer("{\n", "{", "\n}", "}", "[\n", "[", "\n]", "]", "\n", " ",
	`"\u003ctopic.arn\u003e"`, `"arn:aws:sns:eu-west-1:111122223333:TOPIC"`)

var tableRow = regexp.MustCompile("(?m)^\\| `(\\w+:\\w+)` \\| ([^|]+) \\| ([^|]+) \\| [^|]+ \\|$")

// The table names each action of each role, and whether it takes a resource.
func TestDocumentedActions(t *testing.T) {
	schema := loadCloudFormationSchema(t)
	want := map[string][]string{"codepipeline:CreateCustomActionType": {"you"}} // by no role of ours
	for who, name := range map[string]string{"worker": "worker", "function": "lambda", "reader": "registry-reader"} {
		for given := range stacks[name].cases {
			for _, s := range grantsOf(t, schema, name, given)["role grants"] {
				for _, action := range s.Action {
					if !slices.Contains(want[action], who) {
						want[action] = append(want[action], who)
					}
				}
			}
		}
	}
	seen := map[string]bool{}
	for _, row := range tableRow.FindAllStringSubmatch(readFile(t, iamPage), -1) {
		action, resource, who := row[1], row[2], strings.Split(row[3], ", ")
		seen[action] = true
		slices.Sort(who)
		slices.Sort(want[action])
		if !slices.Equal(who, want[action]) {
			t.Errorf("%s is said to be for %v; the templates give it to %v", action, who, want[action])
		}
		if (resource == "`*`") != withoutResource.MatchString(action) {
			t.Errorf("%s on %s", action, resource)
		}
	}
	for _, action := range slices.Sorted(maps.Keys(want)) {
		if !seen[action] {
			t.Errorf("docs/iam.md does not list %s", action)
		}
	}
}
