package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hcldec"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"github.com/zclconf/go-cty/cty/gocty"
)

// planning is a module with the values of its variables: what Terraform would plan, and
// every fault on the way. Names are looked up when an expression asks for them.
type planning struct {
	*module
	provider provider
	given    parameters
	values   map[string]cty.Value // by "var.x", "local.x", "aws_x.y", "data.aws_x.y"
	busy     map[string]bool
	created  map[string]bool // resources, in this case
	problems []string
}

// Functions of Terraform's that are of HCL's own libraries; others are faults here.
var functions = map[string]function.Function{
	"can": tryfunc.CanFunc, "try": tryfunc.TryFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
	"jsonencode": stdlib.JSONEncodeFunc, "length": stdlib.LengthFunc, "merge": stdlib.MergeFunc, "regex": stdlib.RegexFunc,
}

func plan(m *module, p provider, given parameters) *planning {
	l := &planning{module: m, provider: p, given: parameters{}, values: map[string]cty.Value{}, busy: map[string]bool{}, created: map[string]bool{}}
	for name, value := range given {
		l.given[snake(name)] = value
		if m.variables[snake(name)] == nil {
			l.problem("no variable %s", snake(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.variables)) {
		l.check(name)
	}
	if len(l.problems) > 0 {
		return l // everything else would be a consequence
	}
	for _, name := range slices.Sorted(maps.Keys(m.resources)) {
		l.lookUp(name)
	}
	for _, output := range m.outputs {
		l.output(output)
	}
	return l
}

func (l *planning) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

func (l *planning) note(diags hcl.Diagnostics) { l.problems = append(l.problems, said(diags)...) }

// content reads a block of Terraform's own.
func (l *planning) content(body hcl.Body, attributes []string, blocks ...string) *hcl.BodyContent {
	schema := &hcl.BodySchema{}
	for _, name := range attributes {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: name})
	}
	for _, name := range blocks {
		schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: name})
	}
	content, diags := body.Content(schema)
	l.note(diags)
	return content
}

func (l *planning) eval(expression hcl.Expression) cty.Value {
	value, diags := expression.Value(l.scope(expression.Variables()))
	l.note(diags)
	return value
}

// scope holds what is referred to.
func (l *planning) scope(references []hcl.Traversal) *hcl.EvalContext {
	groups := map[string]map[string]cty.Value{}
	data := map[string]map[string]cty.Value{}
	for _, t := range references {
		path := steps(t)
		switch {
		case path[0] == "data" && len(path) > 2:
			put(data, path[1], path[2], l.find(t, strings.Join(path[:3], ".")))
		case len(path) > 1:
			put(groups, path[0], path[1], l.find(t, path[0]+"."+path[1]))
		default:
			l.problem("%s: %s stands alone", t.SourceRange(), path[0])
		}
	}
	variables := map[string]cty.Value{}
	for name, group := range groups {
		variables[name] = cty.ObjectVal(group)
	}
	if len(data) > 0 {
		kinds := map[string]cty.Value{}
		for name, group := range data {
			kinds[name] = cty.ObjectVal(group)
		}
		variables["data"] = cty.ObjectVal(kinds)
	}
	return &hcl.EvalContext{Variables: variables, Functions: functions}
}

func put(groups map[string]map[string]cty.Value, group, name string, value cty.Value) {
	if groups[group] == nil {
		groups[group] = map[string]cty.Value{}
	}
	groups[group][name] = value
}

func steps(t hcl.Traversal) []string {
	var path []string
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			path = append(path, s.Name)
		case hcl.TraverseAttr:
			path = append(path, s.Name)
		default:
			return path
		}
	}
	return path
}

func (l *planning) find(t hcl.Traversal, name string) cty.Value {
	value, known := l.lookUp(name)
	if !known {
		l.problem("%s: refers to %s, which is not there", t.SourceRange(), name)
	}
	return value
}

func (l *planning) lookUp(name string) (value cty.Value, known bool) {
	if value, known := l.values[name]; known {
		return value, true
	}
	if l.busy[name] {
		l.problem("%s depends on itself", name)
		return cty.DynamicVal, true
	}
	l.busy[name] = true
	defer delete(l.busy, name)
	kind, rest, _ := strings.Cut(name, ".")
	switch {
	case kind == "var" && l.variables[rest] != nil:
		value = l.variable(rest)
	case kind == "local" && l.locals[rest] != nil:
		value = l.eval(l.locals[rest])
	case l.resources[name] != nil:
		value = l.resource(name, l.resources[name])
	default:
		return cty.DynamicVal, false
	}
	l.values[name] = value
	return value, true
}

// variable is the value given, or the default, converted to the type.
func (l *planning) variable(name string) cty.Value {
	content := l.content(l.variables[name].Body, []string{"description", "type", "default"}, "validation")
	declared := content.Attributes["type"]
	if declared == nil {
		l.problem("variable %s has no type", name)
		return cty.DynamicVal
	}
	wanted, diags := typeexpr.TypeConstraint(declared.Expr)
	l.note(diags)
	var value cty.Value
	switch given, isGiven := l.given[name]; {
	case isGiven:
		value = literal(given)
	case content.Attributes["default"] != nil:
		value = l.eval(content.Attributes["default"].Expr)
	default:
		l.problem("variable %s needs a value", name)
		return cty.UnknownVal(wanted)
	}
	converted, err := convert.Convert(value, wanted)
	if err != nil {
		l.problem("variable %s: %v", name, err)
		return cty.UnknownVal(wanted)
	}
	return converted
}

func literal(given any) cty.Value {
	switch given {
	case "true":
		return cty.True
	case "false":
		return cty.False
	}
	implied, err := gocty.ImpliedType(given)
	if err != nil {
		return cty.DynamicVal
	}
	value, err := gocty.ToCtyValue(given, implied)
	if err != nil {
		return cty.DynamicVal
	}
	return value
}

// check is the variable's own validation.
func (l *planning) check(name string) {
	l.lookUp("var." + name)
	content := l.content(l.variables[name].Body, []string{"description", "type", "default"}, "validation")
	for _, validation := range content.Blocks {
		l.assert(validation)
	}
}

// assert evaluates a validation or a precondition.
func (l *planning) assert(block *hcl.Block) {
	content := l.content(block.Body, []string{"condition", "error_message"})
	if content.Attributes["condition"] == nil || content.Attributes["error_message"] == nil {
		l.problem("%s: needs a condition and an error_message", block.DefRange)
		return
	}
	if holds := l.eval(content.Attributes["condition"].Expr); holds.IsWhollyKnown() && !holds.IsNull() && holds.False() {
		l.problem("%s", l.eval(content.Attributes["error_message"].Expr).AsString())
	}
}

// resource is an object, or a tuple of them if it has a count.
func (l *planning) resource(name string, block *hcl.Block) cty.Value {
	schema := l.provider.block(block.Type, block.Labels[0])
	if schema == nil {
		l.problem("%s: %s is not in testdata: go run -C tools/deploy ./snapshot", block.DefRange, block.Labels[0])
		return cty.DynamicVal
	}
	meta, rest, diags := block.Body.PartialContent(&hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "count"}, {Name: "depends_on"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "lifecycle"}},
	})
	l.note(diags)
	l.checkMeta(meta)
	count := 1
	if a := meta.Attributes["count"]; a != nil {
		if err := gocty.FromCtyValue(l.eval(a.Expr), &count); err != nil {
			l.problem("%s: count: %v", a.Range, err)
		}
	}
	if count == 0 {
		return cty.EmptyTupleVal
	}
	l.created[name] = true
	value := l.body(block.Labels[1], schema, rest)
	if meta.Attributes["count"] == nil {
		return value
	}
	return cty.TupleVal(slices.Repeat([]cty.Value{value}, count))
}

func (l *planning) body(name string, schema *tfjson.SchemaBlock, body hcl.Body) cty.Value {
	spec := decoder(schema)
	scope := l.scope(dynblock.VariablesHCLDec(body, spec))
	value, diags := hcldec.Decode(dynblock.Expand(body, scope), spec, scope)
	l.note(diags)
	if !value.CanIterateElements() {
		return cty.DynamicVal
	}
	return whole(schema, name, value.AsValueMap())
}

func (l *planning) checkMeta(meta *hcl.BodyContent) {
	if a := meta.Attributes["depends_on"]; a != nil {
		items, diags := hcl.ExprList(a.Expr)
		l.note(diags)
		for _, item := range items {
			t, diags := hcl.AbsTraversalForExpr(item)
			l.note(diags)
			if len(t) > 1 && l.resources[strings.Join(steps(t)[:2], ".")] == nil {
				l.problem("%s: depends on what is not there", item.Range())
			}
		}
	}
	for _, lifecycle := range meta.Blocks {
		for _, precondition := range l.content(lifecycle.Body, nil, "precondition").Blocks {
			l.assert(precondition)
		}
	}
}

func (l *planning) output(block *hcl.Block) {
	content := l.content(block.Body, []string{"description", "value"})
	if content.Attributes["value"] == nil {
		l.problem("%s: no value", block.DefRange)
		return
	}
	l.eval(content.Attributes["value"].Expr)
}
