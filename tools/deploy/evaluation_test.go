package deploy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// evaluation is a template with the values of its parameters: what CloudFormation would
// create, and every fault on the way.
type evaluation struct {
	*template
	schema     *cloudFormationSchema
	values     map[string]any // of parameters
	used       map[string]bool
	taken      map[string]bool // "Condition=true"
	place      string          // where we are, for messages
	problems   []string
	properties map[string]map[string]any // of the resources that are created
}

// nothing is AWS::NoValue.
type nothing struct{}

func evaluate(t *template, schema *cloudFormationSchema, given parameters) *evaluation {
	e := &evaluation{template: t, schema: schema, values: map[string]any{}, used: map[string]bool{}, taken: map[string]bool{}, properties: map[string]map[string]any{}}
	e.takeParameters(given)
	if len(e.problems) > 0 {
		return e // everything else would be a consequence
	}
	e.checkRules()
	for _, name := range slices.Sorted(maps.Keys(t.Conditions)) {
		e.condition(name)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Resources)) {
		e.create(name)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Outputs)) {
		e.place = "output " + name
		if o := t.Outputs[name]; o.Condition == "" || e.condition(o.Condition) {
			e.resolve(o.Value)
		}
	}
	return e
}

func (e *evaluation) problem(format string, args ...any) {
	e.problems = append(e.problems, e.place+": "+fmt.Sprintf(format, args...))
}

func (e *evaluation) takeParameters(given parameters) {
	for name := range given {
		if _, known := e.Parameters[name]; !known {
			e.problem("no parameter %s", name)
		}
	}
	for name, p := range e.Parameters {
		e.place = "parameter " + name
		value, ok := given[name]
		if !ok {
			value = p.Default
		}
		if value == nil {
			e.problem("needs a value")
			continue
		}
		e.values[name] = e.typed(p, value)
	}
}

// typed checks a value against the parameter's own bounds.
func (e *evaluation) typed(p parameter, value any) any {
	switch p.Type {
	case "CommaDelimitedList":
		if list, ok := value.([]string); ok {
			value = strings.Join(list, ",")
		}
		items := []any{}
		for item := range strings.SplitSeq(value.(string), ",") {
			items = append(items, item)
		}
		return items
	case "Number":
		number, err := strconv.ParseFloat(fmt.Sprint(value), 64)
		if err != nil || p.MinValue != nil && number < *p.MinValue || p.MaxValue != nil && number > *p.MaxValue {
			e.problem("%v is out of bounds", value)
		}
		value = number
	case "String":
		if p.AllowedPattern != "" && !regexp.MustCompile(p.AllowedPattern).MatchString(value.(string)) {
			e.problem("%v does not match %s", value, p.AllowedPattern)
		}
	default:
		e.problem("a parameter of type %s", p.Type)
	}
	if p.AllowedValues != nil && !slices.ContainsFunc(p.AllowedValues, func(one any) bool { return fmt.Sprint(one) == fmt.Sprint(value) }) {
		e.problem("%v is not one of %v", value, p.AllowedValues)
	}
	return value
}

func (e *evaluation) checkRules() {
	for name, r := range e.Rules {
		e.place = "rule " + name
		if r.RuleCondition != nil && !e.truth(r.RuleCondition) {
			continue
		}
		for _, a := range r.Assertions {
			if !e.truth(a.Assert) {
				e.problem("%s", a.AssertDescription)
			}
		}
	}
}

func (e *evaluation) condition(name string) bool {
	expression, known := e.Conditions[name]
	if !known {
		e.problem("no condition %s", name)
		return false
	}
	holds := e.truth(expression)
	e.taken[fmt.Sprintf("%s=%t", name, holds)] = true
	return holds
}

// truth evaluates the functions of conditions.
func (e *evaluation) truth(expression any) bool {
	name, argument := functionOf(expression)
	list, _ := argument.([]any)
	switch name {
	case "Fn::Equals":
		return len(list) == 2 && text(e.resolve(list[0])) == text(e.resolve(list[1]))
	case "Fn::Not":
		return !e.truth(list[0])
	case "Fn::And":
		return !slices.ContainsFunc(list, func(one any) bool { return !e.truth(one) })
	case "Fn::Or":
		return slices.ContainsFunc(list, e.truth)
	case "Condition":
		e.used["condition "+text(argument)] = true
		return e.condition(text(argument))
	}
	e.problem("%v is no condition", expression)
	return false
}

func text(value any) string { return fmt.Sprint(value) }

// functionOf tells a function from a map: one key, of a name that only functions have.
func functionOf(value any) (name string, argument any) {
	m, ok := value.(map[string]any)
	if !ok || len(m) != 1 {
		return "", nil
	}
	for name, argument = range m {
		if name == "Ref" || strings.HasPrefix(name, "Fn::") {
			return name, argument
		}
		// A policy statement has a Condition too, but never a name in it.
		if _, isName := argument.(string); name == "Condition" && isName {
			return name, argument
		}
	}
	return "", nil
}

// created tells whether a resource is there in this case.
func (e *evaluation) created(name string) (r resource, there bool) {
	r, known := e.Resources[name]
	if !known {
		return r, false
	}
	return r, r.Condition == "" || e.truth(map[string]any{"Condition": r.Condition})
}

func (e *evaluation) create(name string) {
	e.place = name
	r, there := e.created(name)
	for _, before := range r.DependsOn {
		if _, known := e.Resources[before]; !known {
			e.problem("depends on %s, which is not there", before)
		}
	}
	if !there {
		return
	}
	resolved, _ := e.resolve(r.Properties).(map[string]any)
	e.properties[name] = resolved
	e.place = name
	for _, fault := range e.schema.faults(r.Type, resolved) {
		e.problem("%s", fault)
	}
}

func (e *evaluation) resolve(value any) any {
	if name, argument := functionOf(value); name != "" {
		return e.call(name, argument)
	}
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, inside := range v {
			if r := e.resolve(inside); r != (nothing{}) {
				out[key] = r
			}
		}
		return out
	case []any:
		out := []any{}
		for _, inside := range v {
			r := e.resolve(inside)
			if _, none := r.(nothing); !none {
				out = append(out, r)
			}
		}
		return out
	}
	return value
}

func (e *evaluation) call(name string, argument any) any {
	switch list, _ := argument.([]any); {
	case name == "Ref":
		return e.refer(text(argument))
	case name == "Fn::GetAtt" && len(list) == 2:
		return e.attribute(text(list[0]), text(list[1]))
	case name == "Fn::Sub":
		return e.substitute(text(argument))
	case name == "Fn::If" && len(list) == 3:
		e.used["condition "+text(list[0])] = true
		if e.condition(text(list[0])) {
			return e.resolve(list[1])
		}
		return e.resolve(list[2])
	case name == "Fn::Join" && len(list) == 2:
		var parts []string
		items, _ := e.resolve(list[1]).([]any)
		for _, item := range items {
			parts = append(parts, text(item))
		}
		return strings.Join(parts, text(list[0]))
	}
	e.problem("%s is not known here, or its arguments are wrong", name)
	return ""
}

func (e *evaluation) refer(name string) any {
	pseudo := map[string]any{"AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": "aws", "AWS::NoValue": nothing{}}
	if value, ok := pseudo[name]; ok {
		return value
	}
	if value, ok := e.values[name]; ok {
		e.used["parameter "+name] = true
		return value
	}
	r, there := e.created(name)
	if !there {
		e.problem("refers to %s, which is not there", name)
	}
	if r.Type == "AWS::SNS::Topic" {
		return placeholder(name, "arn")
	}
	return placeholder(name, "id")
}

func (e *evaluation) attribute(name, attribute string) any {
	r, there := e.created(name)
	if !there {
		e.problem("asks for %s of %s, which is not there", attribute, name)
		return ""
	}
	if !slices.Contains(e.schema.Attributes[r.Type], attribute) {
		e.problem("%s, a %s, has no attribute %s", name, r.Type, attribute)
	}
	return placeholder(name, attribute)
}

// placeholder stands for what only AWS knows; the same for both tools.
func placeholder(name, attribute string) string {
	return "<" + strings.ToLower(strings.ReplaceAll(name, "_", "")+"."+attribute) + ">"
}

var variable = regexp.MustCompile(`\$\{([^!}]*)\}`)

func (e *evaluation) substitute(pattern string) string {
	return variable.ReplaceAllStringFunc(pattern, func(found string) string {
		name := found[2 : len(found)-1]
		if logical, attribute, ok := strings.Cut(name, "."); ok {
			return text(e.attribute(logical, attribute))
		}
		return text(e.refer(name))
	})
}
