package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	reflected "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

//go:generate go test -run TestSchemaIsUpToDate -update .

var update = flag.Bool("update", false, "write schema.json and the golden files anew")

func TestSchemaIsUpToDate(t *testing.T) {
	golden(t, "schema.json", reflectSchema(t))
}

func TestSchemaAgreesWithParse(t *testing.T) {
	for _, path := range glob(t, "testdata/good/*.yaml") {
		if err := validate(t, readFile(t, path)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for name, text := range map[string]string{
		"unknown key":      header + "webhok: {}\n",
		"unknown severity": header + "policies: [{name: a, maxFindings: {UNTRIAGED: 0}}]\n",
		"no maxFindings":   header + "policies: [{name: a}]\n",
		"bad duration":     header + "pipeline: {maxWait: 3 days}\n",
		"bad word":         header + "webhook: {onUnavailable: allow}\n",
		"long name":        header + "policies: [{name: " + strings.Repeat("a", 64) + ", maxFindings: {HIGH: 0}}]\n",
	} {
		if err := validate(t, []byte(text)); err == nil {
			t.Errorf("%s: the schema lets it pass", name)
		}
		if _, err := Parse("c.yaml", []byte(text)); err == nil {
			t.Errorf("%s: Parse lets it pass", name)
		}
	}
}

func validate(t *testing.T, data []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(readFile(t, "schema.json")))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := yaml.YAMLToJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(value)
}

// reflectSchema makes the schema of the Go types and the comments on them.
func reflectSchema(t *testing.T) []byte {
	t.Helper()
	r := &reflected.Reflector{Anonymous: true, ExpandedStruct: true, Mapper: mapType}
	if err := r.AddGoComments("github.com/ecr-gate/ecr-gate/config", "./"); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(&Config{})
	s.Title = "ecr-gate configuration"
	s.Required = []string{"apiVersion", "kind"}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func mapType(t reflect.Type) *reflected.Schema {
	duration := reflected.Schema{AnyOf: []*reflected.Schema{
		{Type: "string", Pattern: `^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`},
		{Const: 0},
	}}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return &duration
	case reflect.TypeFor[Severity]():
		return &reflected.Schema{Type: "string", Enum: severities()}
	case reflect.TypeFor[map[Severity]int]():
		least := uint64(1)
		return &reflected.Schema{Type: "object", PropertyNames: &reflected.Schema{Enum: severities()}, MinProperties: &least,
			AdditionalProperties: &reflected.Schema{Type: "integer", Minimum: "0"}}
	case reflect.TypeFor[map[Severity]time.Duration]():
		return &reflected.Schema{Type: "object", PropertyNames: &reflected.Schema{Enum: severities()}, AdditionalProperties: &duration}
	default:
		return nil
	}
}

func severities() []any { return []any{"CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"} }

// golden compares with a file, which -update writes.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(readFile(t, path)), string(got)); diff != "" {
		t.Errorf("%s is out of date; if the change is meant, run: go test ./config -update\n%s", path, diff)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: no such files (%v)", pattern, err)
	}
	return paths
}
