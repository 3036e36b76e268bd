package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"
)

// terraform gives the provider's schema in the form of `terraform providers schema -json`.
// Blocks are named as in the language: resource "aws_x, data "aws_x.
func terraform(ctx context.Context, blocks []string) (any, error) {
	folders := map[string]string{}
	for _, block := range blocks {
		kind, name, _ := strings.Cut(block, ` "aws_`)
		folder := strings.ReplaceAll(name, "_", "-")
		if kind == "data" {
			folder = "data-aws-" + folder
		}
		folders["lib/"+folder+"/index.js"] = block
	}
	files, err := download(ctx, terraformPackage, func(path string) bool { return folders[path] != "" })
	if err != nil {
		return nil, err
	}
	provider := &tfjson.ProviderSchema{ResourceSchemas: map[string]*tfjson.Schema{}, DataSourceSchemas: map[string]*tfjson.Schema{}}
	for path, block := range folders {
		schema, err := readBinding(files[path])
		if err != nil {
			return nil, fmt.Errorf("%s in %s: %w", block, terraformPackage, err)
		}
		kind, name, _ := strings.Cut(block, ` "`)
		if kind == "data" {
			provider.DataSourceSchemas[name] = schema
		} else {
			provider.ResourceSchemas[name] = schema
		}
	}
	return &tfjson.ProviderSchemas{
		FormatVersion: "1.0",
		Schemas:       map[string]*tfjson.ProviderSchema{"hashicorp/aws": provider},
	}, nil
}

var (
	sourceMap = regexp.MustCompile(`sourceMappingURL=data:application/json;base64,(\S+)`)
	class     = regexp.MustCompile(`(?m)^export class (\w+) extends cdktf\.(\w+) \{`)
	member    = regexp.MustCompile(`(?m)^  // (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n`)
	simple    = regexp.MustCompile(`this\.get(\w+)Attribute\('|= new cdktf\.(\w+)\(this`)
	structure = regexp.MustCompile(`= new (\w+)\(this, "\w+"(?:, (true|false))?\)`)
)

// binding is the TypeScript that was generated for one resource: a class for each block,
// with a comment and a getter for each member.
type binding struct {
	source  string
	classes map[string]string
	main    string
}

func readBinding(compiled []byte) (*tfjson.Schema, error) {
	found := sourceMap.FindSubmatch(compiled)
	if found == nil {
		return nil, fmt.Errorf("no source map")
	}
	raw, err := base64.StdEncoding.DecodeString(string(found[1]))
	if err != nil {
		return nil, err
	}
	var parsed struct {
		SourcesContent []string `json:"sourcesContent"`
	}
	if err := json.Unmarshal(raw, &parsed); err != nil {
		return nil, err
	}
	b := binding{source: parsed.SourcesContent[0], classes: map[string]string{}}
	heads := class.FindAllStringSubmatchIndex(b.source, -1)
	for i, head := range heads {
		end := len(b.source)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		name, base := b.source[head[2]:head[3]], b.source[head[4]:head[5]]
		b.classes[name] = b.source[head[1]:end]
		if base == "TerraformResource" || base == "TerraformDataSource" {
			b.main = name
		}
	}
	block, err := b.block(b.main)
	return &tfjson.Schema{Block: block}, err
}

func (b *binding) block(class string) (*tfjson.SchemaBlock, error) {
	block := &tfjson.SchemaBlock{Attributes: map[string]*tfjson.SchemaAttribute{}, NestedBlocks: map[string]*tfjson.SchemaBlockType{}}
	text := b.classes[class]
	heads := member.FindAllStringSubmatchIndex(text, -1)
	for i, head := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		m := member.FindStringSubmatch(text[head[0]:head[1]])
		if err := b.member(block, m, text[head[1]:end]); err != nil {
			return nil, fmt.Errorf("%s: %w", m[1], err)
		}
	}
	if len(heads) == 0 && text == "" {
		return nil, fmt.Errorf("no class %s", class)
	}
	return block, nil
}

func (b *binding) member(block *tfjson.SchemaBlock, m []string, body string) error {
	name, computed, required := m[1], m[2] == "true", m[4] == "true"
	attribute := &tfjson.SchemaAttribute{Computed: computed, Optional: m[3] == "true", Required: required}
	if s := structure.FindStringSubmatch(body); s != nil {
		if computed && !attribute.Optional && !required || !b.isBlock(name, s[1]) {
			attribute.AttributeType = cty.DynamicPseudoType
			block.Attributes[name] = attribute
			return nil
		}
		nested, err := b.nested(s[1], s[2] == "true", required)
		block.NestedBlocks[name] = nested
		return err
	}
	s := simple.FindStringSubmatch(body)
	if s == nil {
		return fmt.Errorf("neither an attribute nor a block")
	}
	block.Attributes[name] = attribute
	attribute.AttributeType = map[string]cty.Type{
		"String": cty.String, "Number": cty.Number, "Boolean": cty.Bool,
		"List": cty.List(cty.String), "NumberList": cty.List(cty.Number),
		"StringMap": cty.Map(cty.String), "BooleanMap": cty.Map(cty.Bool), "NumberMap": cty.Map(cty.Number),
	}[s[1]+s[2]]
	if attribute.AttributeType == cty.NilType {
		attribute.AttributeType = cty.DynamicPseudoType
	}
	return nil
}

// isBlock goes by what is said where the configuration is written out.
func (b *binding) isBlock(name, class string) bool {
	written := regexp.MustCompile(`\b` + name + `: \{\n\s*value: .*\n\s*isBlock: (true|false),\n.*\n\s*storageClassType: "(\w+)"`)
	for _, m := range written.FindAllStringSubmatch(b.source, -1) {
		if strings.TrimSuffix(m[2], "List") == strings.TrimSuffix(strings.TrimSuffix(class, "List"), "OutputReference") {
			return m[1] == "true"
		}
	}
	return true
}

func (b *binding) nested(class string, set, required bool) (*tfjson.SchemaBlockType, error) {
	nested := &tfjson.SchemaBlockType{NestingMode: tfjson.SchemaNestingModeList}
	if set {
		nested.NestingMode = tfjson.SchemaNestingModeSet
	}
	if required {
		nested.MinItems = 1
	}
	item := class
	if name, several := strings.CutSuffix(class, "List"); several && b.classes[name+"OutputReference"] != "" {
		item = name + "OutputReference"
	} else {
		nested.MaxItems = 1
	}
	var err error
	nested.Block, err = b.block(item)
	return nested, err
}
