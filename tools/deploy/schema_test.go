package deploy

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// cloudFormationSchema is what AWS says of the resource types in use; see snapshot.
type cloudFormationSchema struct {
	Attributes map[string][]string // by type: what GetAtt may ask for
	types      map[string]*jsonschema.Schema
}

func loadCloudFormationSchema(t *testing.T) *cloudFormationSchema {
	t.Helper()
	raw, err := os.ReadFile("testdata/cloudformation.json")
	if err != nil {
		t.Fatal(err)
	}
	s := &cloudFormationSchema{types: map[string]*jsonschema.Schema{}}
	if err := json.Unmarshal(raw, s); err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("mem:///aws", document); err != nil {
		t.Fatal(err)
	}
	for name := range s.Attributes {
		if s.types[name], err = compiler.Compile("mem:///aws#/$defs/" + name); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *cloudFormationSchema) faults(resourceType string, properties map[string]any) []string {
	schema, known := s.types[resourceType]
	if !known {
		return []string{resourceType + " is not in testdata: go run -C tools/deploy ./snapshot"}
	}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(properties); !errors.As(err, &invalid) {
		if err != nil {
			return []string{err.Error()}
		}
		return nil
	}
	return leaves(invalid)
}

// leaves are the faults themselves, without what holds them.
func leaves(e *jsonschema.ValidationError) []string {
	if len(e.Causes) == 0 {
		english := message.NewPrinter(language.English)
		return []string{strings.Join(e.InstanceLocation, ".") + ": " + e.ErrorKind.LocalizedString(english)}
	}
	var all []string
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	return all
}
