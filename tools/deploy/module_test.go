package deploy

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// module is a Terraform module, parsed: expressions wait for a case.
type module struct {
	variables map[string]*hcl.Block
	locals    map[string]hcl.Expression
	resources map[string]*hcl.Block // by "aws_x.name" and "data.aws_x.name"
	outputs   map[string]*hcl.Block
	pinned    bool
}

var fileSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "terraform"}, {Type: "locals"},
	{Type: "variable", LabelNames: []string{"name"}}, {Type: "output", LabelNames: []string{"name"}},
	{Type: "resource", LabelNames: []string{"type", "name"}}, {Type: "data", LabelNames: []string{"type", "name"}},
}}

// readModule takes the module's files by name.
func readModule(files map[string]string) (*module, []string) {
	m := &module{
		variables: map[string]*hcl.Block{}, locals: map[string]hcl.Expression{},
		resources: map[string]*hcl.Block{}, outputs: map[string]*hcl.Block{},
	}
	var problems []string
	parser := hclparse.NewParser()
	for name, text := range files {
		if string(hclwrite.Format([]byte(text))) != text {
			problems = append(problems, name+": not as terraform fmt writes it")
		}
		file, diags := parser.ParseHCL([]byte(text), name)
		if diags.HasErrors() {
			problems = append(problems, said(diags)...)
			continue
		}
		content, diags := file.Body.Content(fileSchema)
		problems = append(problems, said(diags)...)
		for _, block := range content.Blocks {
			problems = append(problems, m.add(block)...)
		}
	}
	if !m.pinned {
		problems = append(problems, "versions.tf: no required_version, or no pinned version of hashicorp/aws")
	}
	return m, problems
}

func (m *module) add(block *hcl.Block) []string {
	known := false
	switch label := strings.Join(block.Labels, "."); block.Type {
	case "terraform":
		return m.addVersions(block)
	case "locals":
		attributes, diags := block.Body.JustAttributes()
		for name, a := range attributes {
			_, twice := m.locals[name]
			known = known || twice
			m.locals[name] = a.Expr
		}
		if diags.HasErrors() {
			return said(diags)
		}
	case "variable":
		known = m.variables[label] != nil
		m.variables[label] = block
	case "output":
		known = m.outputs[label] != nil
		m.outputs[label] = block
	case "data":
		known = m.resources["data."+label] != nil
		m.resources["data."+label] = block
	case "resource":
		known = m.resources[label] != nil
		m.resources[label] = block
	}
	if known {
		return []string{fmt.Sprintf("%s: %s %v stands twice", block.DefRange, block.Type, block.Labels)}
	}
	return nil
}

// A lower bound within one major version.
var pin = regexp.MustCompile(`^~> \d+\.\d+$`)

func (m *module) addVersions(block *hcl.Block) []string {
	content, diags := block.Body.Content(&hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "required_version", Required: true}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "required_providers"}},
	})
	for _, providers := range content.Blocks {
		attributes, more := providers.Body.JustAttributes()
		diags = append(diags, more...)
		for name, a := range attributes {
			value, more := a.Expr.Value(nil)
			diags = append(diags, more...)
			if name != "aws" || more.HasErrors() {
				continue
			}
			provider := value.AsValueMap()
			m.pinned = provider["source"].AsString() == "hashicorp/aws" && pin.MatchString(provider["version"].AsString())
		}
	}
	return said(diags)
}

func said(diags hcl.Diagnostics) []string {
	var all []string
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			all = append(all, d.Error())
		}
	}
	return all
}
