package deploy

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func TestModules(t *testing.T) {
	p := loadProvider(t)
	eachStack(t, func(t *testing.T, s stack) {
		report(t, moduleProblems(moduleFiles(t, s), p, s.cases))
	})
}

func TestModulesRefuse(t *testing.T) {
	p := loadProvider(t)
	eachStack(t, func(t *testing.T, s stack) {
		m, problems := readModule(moduleFiles(t, s))
		report(t, problems)
		for name, given := range s.refuses {
			if l := plan(m, p, given); len(l.problems) == 0 {
				t.Errorf("%s: taken", name)
			}
		}
	})
}

func moduleFiles(t *testing.T, s stack) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range names(t, root+"/deploy/terraform/"+s.module+"/*") {
		files[name] = readFile(t, root+"/deploy/terraform/"+s.module+"/"+name)
	}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, []string{"main.tf", "outputs.tf", "variables.tf", "versions.tf"}) {
		t.Errorf("%s holds %v", s.module, got)
	}
	return files
}

// moduleProblems are all faults of a module, over all its cases.
func moduleProblems(files map[string]string, p provider, cases map[string]parameters) []string {
	m, problems := readModule(files)
	if len(problems) > 0 {
		return problems
	}
	used, created := map[string]bool{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		l := plan(m, p, cases[name])
		for _, problem := range l.problems {
			problems = append(problems, name+": "+problem)
		}
		maps.Copy(created, l.created)
	}
	for name, text := range files {
		if name != "variables.tf" {
			for _, reference := range references(text) {
				for i := range reference {
					if reference[i] == '.' {
						used[reference[:i]] = true
					}
				}
				used[reference] = true
			}
		}
	}
	for name := range m.variables {
		if !used["var."+name] {
			problems = append(problems, "variable "+name+" is used nowhere")
		}
	}
	for name, block := range m.resources {
		if block.Type == "data" && !used[name] {
			problems = append(problems, name+" is used nowhere")
		}
		if !created[name] {
			problems = append(problems, "no case where there is "+name+": add one")
		}
	}
	for name := range m.locals {
		if !used["local."+name] {
			problems = append(problems, "local "+name+" is used nowhere")
		}
	}
	return problems
}

// references are all names in a file's expressions, such as var.x.
func references(text string) []string {
	file, _ := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
	var found []string
	_ = hclsyntax.VisitAll(file.Body.(*hclsyntax.Body), func(n hclsyntax.Node) hcl.Diagnostics {
		if e, ok := n.(*hclsyntax.ScopeTraversalExpr); ok {
			found = append(found, strings.Join(steps(e.Traversal), "."))
		}
		return nil
	})
	return found
}
