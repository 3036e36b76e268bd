package deploy

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const setupPage = root + "/docs/aws-setup.md"

var deployCommand = regexp.MustCompile(`--template-file deploy/cloudformation/(\S+) .*\\\n\s*--parameter-overrides (.*)\n`)

// What docs/aws-setup.md tells people to type are parameters that the stacks take.
func TestDocumentedCommands(t *testing.T) {
	schema, page := loadCloudFormationSchema(t), readFile(t, setupPage)
	seen := map[string]bool{}
	for _, m := range deployCommand.FindAllStringSubmatch(page, -1) {
		seen[m[1]] = true
		given := parameters{}
		for word := range strings.FieldsSeq(m[2]) {
			name, value, _ := strings.Cut(word, "=")
			given[name] = value
		}
		read, err := readTemplate(readFile(t, root+"/deploy/cloudformation/"+m[1]))
		if err != nil {
			t.Fatal(err)
		}
		report(t, evaluate(read, schema, given).problems)
	}
	for name, s := range stacks {
		if !seen[s.template] {
			t.Errorf("docs/aws-setup.md does not say how to deploy %s", name)
		}
	}
	for name := range strings.FieldsSeq(page) {
		if path := strings.Trim(name, "`(),.;"); strings.HasPrefix(path, "deploy/") {
			if found := names(t, filepath.Join(root, path)); len(found) == 0 {
				t.Errorf("docs/aws-setup.md names %s, which is not there", path)
			}
		}
	}
}

var moduleBlock = regexp.MustCompile("(?s)```hcl\n(module .*?)```")

func TestDocumentedModules(t *testing.T) {
	blocks := moduleBlock.FindAllStringSubmatch(readFile(t, setupPage), -1)
	if len(blocks) == 0 {
		t.Fatal("docs/aws-setup.md shows no module")
	}
	p := loadProvider(t)
	for _, m := range blocks {
		file, diags := hclsyntax.ParseConfig([]byte(m[1]), "docs/aws-setup.md", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		attributes, diags := file.Body.(*hclsyntax.Body).Blocks[0].Body.JustAttributes()
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		given, source := parameters{}, ""
		for name, a := range attributes {
			value, diags := a.Expr.Value(nil)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if name == "source" {
				source = strings.TrimPrefix(value.AsString(), "./deploy/terraform/")
				continue
			}
			given[name] = plain(value)
		}
		read, problems := readModule(moduleFiles(t, stacks[source]))
		report(t, problems)
		report(t, plan(read, p, given).problems)
	}
}
