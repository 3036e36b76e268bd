package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// The database of @aws-cdk/aws-service-spec, as far as it is read.
type specification struct {
	Schema struct {
		Resource       struct{ Entities []entity }
		TypeDefinition struct{ Entities []entity }
	}
}

type entity struct {
	ID         string `json:"$id"`
	Type       string `json:"cloudFormationType"`
	Name       string
	Attributes map[string]json.RawMessage
	Properties map[string]property
}

type property struct {
	Type     valueType
	Required bool
}

type valueType struct {
	Type          string
	AllowedValues []any
	Element       *valueType
	Types         []valueType
	Reference     struct {
		ID string `json:"$ref"`
	}
}

// converter makes JSON Schema of it, with a definition for each resource type and one
// for each structure in it.
type converter struct {
	structures map[string]entity
	resource   string
	names      map[string]string // of structures, by id
	defs       map[string]any
}

func cloudFormation(ctx context.Context, types []string) (any, error) {
	files, err := download(ctx, cloudFormationPackage, func(path string) bool { return path == "db.json.gz" })
	if err != nil {
		return nil, err
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(files["db.json.gz"]))
	if err != nil {
		return nil, err
	}
	var spec specification
	if err := json.NewDecoder(unzipped).Decode(&spec); err != nil {
		return nil, err
	}
	c := converter{structures: map[string]entity{}, names: map[string]string{}, defs: map[string]any{}}
	for _, e := range spec.Schema.TypeDefinition.Entities {
		c.structures[e.ID] = e
	}
	attributes := map[string][]string{}
	for _, e := range spec.Schema.Resource.Entities {
		if !slices.Contains(types, e.Type) {
			continue
		}
		c.resource = e.Type
		c.defs[e.Type] = c.object(e)
		attributes[e.Type] = []string{}
		for name := range e.Attributes {
			attributes[e.Type] = append(attributes[e.Type], name)
		}
		slices.Sort(attributes[e.Type])
	}
	for _, want := range types {
		if c.defs[want] == nil {
			return nil, fmt.Errorf("%s does not know %s", cloudFormationPackage, want)
		}
	}
	return map[string]any{"$comment": "from " + cloudFormationPackage, "$defs": c.defs, "attributes": attributes}, nil
}

func (c *converter) object(e entity) any {
	properties, required := map[string]any{}, []string{}
	for name, p := range e.Properties {
		properties[name] = c.value(p.Type)
		if p.Required {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

func (c *converter) value(t valueType) any {
	switch t.Type {
	case "ref":
		return c.reference(t.Reference.ID)
	case "array":
		return map[string]any{"type": "array", "items": c.value(*t.Element)}
	case "map":
		return map[string]any{"type": "object", "additionalProperties": c.value(*t.Element)}
	case "union":
		var each []any
		for _, one := range t.Types {
			each = append(each, c.value(one))
		}
		return map[string]any{"anyOf": each}
	case "tag":
		text := map[string]any{"type": "string"}
		return map[string]any{
			"type": "object", "additionalProperties": false, "required": []string{"Key", "Value"},
			"properties": map[string]any{"Key": text, "Value": text},
		}
	case "json":
		return map[string]any{"type": []string{"object", "array"}}
	case "boolean":
		return map[string]any{"enum": []any{true, false, "true", "false"}}
	case "integer", "number":
		if t.AllowedValues != nil {
			return map[string]any{"enum": t.AllowedValues}
		}
		return map[string]any{"type": t.Type}
	default: // string, date-time
		if t.AllowedValues != nil {
			return map[string]any{"enum": t.AllowedValues}
		}
		return map[string]any{"type": "string"}
	}
}

// reference names a structure by its resource and its own name; two of one name in one
// resource are told apart by a number.
func (c *converter) reference(id string) any {
	key := c.resource + "/" + id
	if c.names[key] == "" {
		name := c.resource + "." + c.structures[id].Name
		for n := 2; c.defs[name] != nil; n++ {
			name = fmt.Sprintf("%s.%s.%d", c.resource, c.structures[id].Name, n)
		}
		c.names[key] = name
		c.defs[name] = true // some structures hold themselves
		c.defs[name] = c.object(c.structures[id])
	}
	return map[string]any{"$ref": "#/$defs/" + c.names[key]}
}
