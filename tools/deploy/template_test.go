package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// template is a CloudFormation template, its functions in their long form.
type template struct {
	AWSTemplateFormatVersion string
	Description              string
	Parameters               map[string]parameter
	Rules                    map[string]rule
	Conditions               map[string]any
	Resources                map[string]resource
	Outputs                  map[string]output
}

type parameter struct {
	Type           string
	Description    string
	Default        any
	AllowedValues  []any
	AllowedPattern string
	MinValue       *float64
	MaxValue       *float64
}

type rule struct {
	RuleCondition any
	Assertions    []struct {
		Assert            any
		AssertDescription string
	}
}

type resource struct {
	Type                string
	Condition           string
	DependsOn           []string
	DeletionPolicy      string
	UpdateReplacePolicy string
	Properties          map[string]any
}

type output struct {
	Description string
	Condition   string
	Value       any
}

// readTemplate is strict: what CloudFormation would not know is an error, and so is a
// key that stands twice.
func readTemplate(text string) (*template, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	if len(text) > 51200 {
		return nil, errors.New("larger than what CloudFormation takes without a bucket (51,200 bytes)")
	}
	tree, err := longForm(document.Content[0])
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	t := &template{}
	decoder := json.NewDecoder(bytes.NewReader(plain))
	decoder.DisallowUnknownFields()
	return t, decoder.Decode(t)
}

// longForm turns !Ref x into {Ref: x}, !Sub x into {Fn::Sub: x}, and so on.
func longForm(n *yaml.Node) (any, error) {
	value, err := untagged(n)
	if err != nil || !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
		return value, err
	}
	name := strings.TrimPrefix(n.Tag, "!")
	switch name {
	case "Ref", "Condition":
		return map[string]any{name: value}, nil
	case "GetAtt":
		logical, attribute, _ := strings.Cut(fmt.Sprint(value), ".")
		value = []any{logical, attribute}
	}
	return map[string]any{"Fn::" + name: value}, nil
}

func untagged(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if _, twice := m[key]; twice {
				return nil, fmt.Errorf("line %d: %s stands twice", n.Content[i].Line, key)
			}
			var err error
			if m[key], err = longForm(n.Content[i+1]); err != nil {
				return nil, err
			}
		}
		return m, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			value, err := longForm(item)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.ScalarNode:
		plain := *n
		if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
			plain.Tag = "" // the function's, not the value's
		}
		var value any
		err := plain.Decode(&value)
		return value, err
	default:
		return nil, fmt.Errorf("line %d: no aliases in a template", n.Line)
	}
}
