package deploy

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

func TestTemplates(t *testing.T) {
	schema := loadCloudFormationSchema(t)
	eachStack(t, func(t *testing.T, s stack) {
		report(t, templateProblems(readFile(t, root+"/deploy/cloudformation/"+s.template), schema, s.cases))
	})
}

func TestTemplatesRefuse(t *testing.T) {
	schema := loadCloudFormationSchema(t)
	eachStack(t, func(t *testing.T, s stack) {
		read, err := readTemplate(readFile(t, root+"/deploy/cloudformation/"+s.template))
		if err != nil {
			t.Fatal(err)
		}
		for name, given := range s.refuses {
			if e := evaluate(read, schema, given); len(e.problems) == 0 {
				t.Errorf("%s: taken", name)
			}
		}
	})
}

// templateProblems are all faults of a template, over all its cases.
func templateProblems(text string, schema *cloudFormationSchema, cases map[string]parameters) []string {
	t, err := readTemplate(text)
	if err != nil {
		return []string{err.Error()}
	}
	var problems []string
	used, taken := map[string]bool{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		e := evaluate(t, schema, cases[name])
		for _, p := range e.problems {
			problems = append(problems, name+": "+p)
		}
		maps.Copy(used, e.used)
		maps.Copy(taken, e.taken)
	}
	for name := range t.Parameters {
		if !used["parameter "+name] {
			problems = append(problems, "parameter "+name+" is used nowhere")
		}
	}
	for name := range t.Conditions {
		if !used["condition "+name] {
			problems = append(problems, "condition "+name+" is used nowhere")
		}
		for _, way := range []bool{true, false} {
			if !taken[fmt.Sprintf("%s=%t", name, way)] {
				problems = append(problems, fmt.Sprintf("no case where condition %s is %t: add one", name, way))
			}
		}
	}
	return problems
}
