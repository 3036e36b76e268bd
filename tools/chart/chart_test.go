package chart

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "copy config/schema.json into values.schema.json")

func TestLint(t *testing.T) {
	eachValues(t, func(t *testing.T, values string) {
		helm(t, "lint", "--strict", "--quiet", chart, "--values", values)
	})
}

func TestUnit(t *testing.T) {
	unittest, err := build(".", "github.com/helm-unittest/helm-unittest/cmd/helm-unittest")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(run(t, unittest, "--strict", chart))
}

// What nothing says the namespace of would end up in whichever one is current.
func TestEveryObjectIsWhereItBelongs(t *testing.T) {
	cluster := []any{"ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
	eachValues(t, func(t *testing.T, values string) {
		seen := map[string]bool{}
		for _, o := range render(t, "--values", values) {
			kind, name, namespace := o["kind"], dig(o, "metadata", "name"), dig(o, "metadata", "namespace")
			if slices.Contains(cluster, kind) != (namespace == nil) {
				t.Errorf("%v %v is in namespace %v", kind, name, namespace)
			}
			id := strings.Join([]string{kind.(string), name.(string)}, " ")
			if seen[id] {
				t.Errorf("%s is there twice", id)
			}
			seen[id] = true
		}
	})
}

// GitOps renders again and again: any difference is drift.
func TestRenderingIsStable(t *testing.T) {
	eachValues(t, func(t *testing.T, values string) {
		args := []string{"template", "ecr-gate", chart, "--values", values}
		if first := helm(t, args...); first != helm(t, args...) {
			t.Error("rendered twice, the chart differs")
		}
	})
}

// config is checked by Helm as strictly as by ecr-gate itself, so the schema of the
// file is part of the schema of the values.
func TestSchemaFollowsConfig(t *testing.T) {
	values, config := readJSON(t, chart+"/values.schema.json"), readJSON(t, root+"/config/schema.json")
	inside := object{"description": "The configuration file of ecr-gate, verbatim (config/schema.json)."}
	for _, key := range []string{"type", "additionalProperties", "required", "properties"} {
		inside[key] = config[key]
	}
	want := object{}
	maps.Copy(want, values)
	want["$defs"] = config["$defs"]
	want["properties"].(object)["config"] = inside
	if *update {
		write(t, chart+"/values.schema.json", want)
		return
	}
	if got, want := text(t, readJSON(t, chart+"/values.schema.json")), text(t, want); got != want {
		t.Error("values.schema.json is behind config/schema.json: go test -C tools/chart -run Schema -update")
	}
}

// A key in values.yaml that the schema does not know is refused; one that the schema
// knows and values.yaml does not show is one that nobody finds.
func TestValuesShowEveryKey(t *testing.T) {
	raw, err := os.ReadFile(chart + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values object
	if err := yaml.UnmarshalStrict(raw, &values); err != nil {
		t.Fatal(err)
	}
	schema := readJSON(t, chart+"/values.schema.json")
	properties := maps.Clone(schema["properties"].(object))
	for _, parent := range []string{"global", "enabled", "config"} { // a parent chart's; and the file's own
		delete(properties, parent)
		delete(values, parent)
	}
	compareKeys(t, "", values, object{"properties": properties})
}

func compareKeys(t *testing.T, path string, values, schema object) {
	t.Helper()
	properties, ours := schema["properties"].(object)
	if !ours || len(values) == 0 {
		return // a free map, or a type of Kubernetes
	}
	for key, inside := range properties {
		value, shown := values[key]
		if !shown {
			t.Errorf("values.yaml does not show %s%s", path, key)
		}
		if inside.(object)["description"] == nil {
			t.Errorf("%s%s has no description", path, key)
		}
		if below, ok := value.(object); ok {
			compareKeys(t, path+key+".", below, inside.(object))
		}
	}
}

func readJSON(t *testing.T, path string) object {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return o
}

func text(t *testing.T, o object) string {
	t.Helper()
	raw, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw) + "\n"
}

func write(t *testing.T, path string, o object) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text(t, o)), 0o600); err != nil {
		t.Fatal(err)
	}
}
