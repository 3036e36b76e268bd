package deploy

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/hashicorp/hcl/v2/hcldec"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"
)

// provider is what the AWS provider takes for the resources in use; see snapshot.
type provider struct{ *tfjson.ProviderSchema }

func loadProvider(t *testing.T) provider {
	t.Helper()
	raw, err := os.ReadFile("testdata/terraform.json")
	if err != nil {
		t.Fatal(err)
	}
	var all tfjson.ProviderSchemas
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return provider{all.Schemas["hashicorp/aws"]}
}

// block is nil for a type that is not in the snapshot.
func (p provider) block(kind, name string) *tfjson.SchemaBlock {
	schemas := p.ResourceSchemas
	if kind == "data" {
		schemas = p.DataSourceSchemas
	}
	if schemas[name] == nil {
		return nil
	}
	return schemas[name].Block
}

// decoder is how a block is read, as Terraform itself makes it of the schema.
func decoder(block *tfjson.SchemaBlock) hcldec.ObjectSpec {
	spec := hcldec.ObjectSpec{}
	for name, a := range block.Attributes {
		if a.Required || a.Optional {
			spec[name] = &hcldec.AttrSpec{Name: name, Type: a.AttributeType, Required: a.Required}
		}
	}
	for name, nested := range block.NestedBlocks {
		inside := decoder(nested.Block)
		switch least, most := int(nested.MinItems), int(nested.MaxItems); nested.NestingMode {
		case tfjson.SchemaNestingModeSet:
			spec[name] = &hcldec.BlockSetSpec{TypeName: name, Nested: &inside, MinItems: least, MaxItems: most}
		default:
			spec[name] = &hcldec.BlockListSpec{TypeName: name, Nested: &inside, MinItems: least, MaxItems: most}
		}
	}
	return spec
}

// current is what the data sources of that name tell.
var current = map[string]string{"account_id": account, "region": region, "partition": "aws"}

// whole adds what only AWS knows: placeholders for texts, unknown for all else.
func whole(block *tfjson.SchemaBlock, name string, configured map[string]cty.Value) cty.Value {
	all := map[string]cty.Value{}
	for attribute, value := range configured {
		all[attribute] = value
	}
	for attribute, a := range block.Attributes {
		if value, set := all[attribute]; set && (!value.IsNull() || !a.Computed) {
			continue
		}
		switch known := current[attribute]; {
		case name == "current" && known != "":
			all[attribute] = cty.StringVal(known)
		case a.AttributeType == cty.String:
			all[attribute] = cty.StringVal(placeholder(name, attribute))
		default:
			all[attribute] = cty.UnknownVal(a.AttributeType)
		}
	}
	return cty.ObjectVal(all)
}
