package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

func parseJSON(t testing.TB, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// compile makes a validator that asserts formats. A strict one takes no property
// that the schema does not describe.
func compile(t testing.TB, strict bool) *jsonschema.Schema {
	t.Helper()
	document := parseJSON(t, report.Schema)
	if strict {
		forbidUnknown(t, document)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// forbidUnknown closes every object that is not the base of another one.
func forbidUnknown(t testing.TB, document any) {
	t.Helper()
	root, _ := document.(map[string]any)
	defs, _ := root["$defs"].(map[string]any)
	if len(defs) == 0 {
		t.Fatal("the schema has no definitions")
	}
	root["unevaluatedProperties"] = false
	for name, def := range defs {
		def, _ := def.(map[string]any)
		if _, object := def["properties"]; object && name != "finding" && name != "exceptionNote" {
			def["unevaluatedProperties"] = false
		}
	}
	for name, property := range map[string]string{"finding": "findings", "exceptionNote": "exceptions"} {
		holder := defs[map[string]string{"finding": "verdict", "exceptionNote": "exceptedFinding"}[name]]
		properties, _ := holder.(map[string]any)["properties"].(map[string]any)
		list, _ := properties[property].(map[string]any)
		list["items"] = map[string]any{"$ref": "#/$defs/" + name, "unevaluatedProperties": false}
	}
}

func TestSchemaDescribesEveryVerdict(t *testing.T) {
	for _, strict := range []bool{false, true} {
		schema := compile(t, strict)
		for _, c := range cases {
			if err := schema.Validate(parseJSON(t, []byte(render(t, "json", c.verdicts()...)))); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		full := filled(t)
		if err := schema.Validate(parseJSON(t, []byte(render(t, "json", full)))); err != nil {
			t.Errorf("a verdict with every field set; describe a new one in verdictlist.schema.json: %v", err)
		}
	}
}

// A schema that lets everything pass would describe every verdict too.
func TestSchemaRefuses(t *testing.T) {
	schema := compile(t, false)
	for what, change := range map[string][2]string{
		"an outcome that is none":    {`"outcome": "Denied"`, `"outcome": "Fine"`},
		"a severity that is none":    {`"severity": "CRITICAL"`, `"severity": "BAD"`},
		"a count that is a text":     {`"CRITICAL": 1`, `"CRITICAL": "1"`},
		"a time that is none":        {`"completedAt": "2026-11-24T11:00:00Z"`, `"completedAt": "yesterday"`},
		"a finding without its ID":   {`"id": "CVE-2026-1001",`, ``},
		"a verdict without a reason": {`"reason":`, `"because":`},
	} {
		text := render(t, "json", web())
		changed := strings.Replace(text, change[0], change[1], 1)
		if changed == text {
			t.Fatalf("%s: nothing to change", what)
		}
		if err := schema.Validate(parseJSON(t, []byte(changed))); err == nil {
			t.Errorf("%s is valid", what)
		}
	}
}

// filled is a verdict with every field of it set.
func filled(t *testing.T) gate.Verdict {
	t.Helper()
	var v gate.Verdict
	fill(t, reflect.ValueOf(&v).Elem())
	return v
}

func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	if !v.CanSet() {
		return // not written either
	}
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = noon
		return
	case *error:
		return
	case *gate.ExceptionState:
		*x = gate.ExceptionExpiring
		return
	case *map[gate.Severity]int:
		*x = map[gate.Severity]int{}
		for _, s := range gate.WorstFirst() {
			(*x)[s] = 1
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Int:
		v.SetInt(1)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("%s is of a kind that this test cannot fill", v.Type())
	}
}

// What is published stays: see the schema's own description.
func TestSchemaKeepsItsPromises(t *testing.T) {
	frozen, err := os.ReadFile("testdata/verdictlist.schema.published.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range brokenPromises("", parseJSON(t, frozen), parseJSON(t, report.Schema)) {
		t.Error(broken)
	}
}

// The check itself is checked: each of these would break somebody's reader.
func TestSchemaPromisesAreChecked(t *testing.T) {
	for what, change := range map[string][2]string{
		"a property is gone":         {`"settledBy": {`, `"settled": {`},
		"its type has changed":       {`"digest": {"type": "string"}`, `"digest": {"type": "integer"}`},
		"it is no longer required":   {`"required": ["tag"],`, ``},
		"a list has become a number": {`"warnings": {"type": "array",`, `"warnings": {"type": "integer",`},
		"another shape is meant":     {`"items": {"$ref": "#/$defs/finding"}`, `"items": {"$ref": "#/$defs/package"}`},
		"a word is gone":             {`"UNKNOWN", "NO", `, `"UNKNOWN", `},
		"a word is new":              {`"UNKNOWN", "NO", `, `"UNKNOWN", "MAYBE", "NO", `},
	} {
		changed := bytes.Replace(report.Schema, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(changed, report.Schema) {
			t.Fatalf("%s: nothing to change", what)
		}
		if len(brokenPromises("", parseJSON(t, report.Schema), parseJSON(t, changed))) == 0 {
			t.Errorf("%s, and that is called compatible", what)
		}
	}
	grown := bytes.Replace(report.Schema, []byte(`"passing": {`), []byte(`"more": {"type": "string"}, "passing": {`), 1)
	for _, broken := range brokenPromises("", parseJSON(t, report.Schema), parseJSON(t, grown)) {
		t.Error("a new property:", broken)
	}
}

// brokenPromises compares what readers rely on: properties, their types, the words
// of closed sets, and what is always there. Texts for people may change.
func brokenPromises(at string, was, is any) []string {
	old, isObject := was.(map[string]any)
	if !isObject {
		return nil
	}
	now, _ := is.(map[string]any)
	var broken []string
	for _, key := range []string{"type", "const", "enum", "$ref", "format"} {
		if value, promised := old[key]; promised && !reflect.DeepEqual(value, now[key]) {
			broken = append(broken, fmt.Sprintf("%s: %s was %v and is %v", at, key, value, now[key]))
		}
	}
	required, _ := old["required"].([]any)
	still, _ := now["required"].([]any)
	for _, name := range required {
		if !slices.Contains(still, name) {
			broken = append(broken, fmt.Sprintf("%s: %v is no longer always there", at, name))
		}
	}
	for _, group := range []string{"properties", "$defs"} {
		members, _ := old[group].(map[string]any)
		current, _ := now[group].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(members)) {
			if _, there := current[name]; !there {
				broken = append(broken, at+"/"+name+" is gone")
				continue
			}
			broken = append(broken, brokenPromises(at+"/"+name, members[name], current[name])...)
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		broken = append(broken, brokenPromises(at+"/"+key, old[key], now[key])...)
	}
	return broken
}

// What a terminal may obey is escaped, and the document still means the same.
func TestJSONEscapesWhatIsInvisible(t *testing.T) {
	v := hostile()
	v.Reason = nasty + "\u009b31m\u2028\ufeff\U000e0001"
	text := render(t, "json", v)
	wantHarmless(t, text)
	var list struct{ Items []struct{ Reason string } }
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	if want := strings.ToValidUTF8(v.Reason, "\ufffd"); list.Items[0].Reason != want {
		t.Errorf("the reason is %q, not %q", list.Items[0].Reason, want)
	}
}
