package chart

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

const everything = chart + "/ci/full-values.yaml"

// rules are all alerts that the chart can make.
func rules(t *testing.T) []any {
	t.Helper()
	groups := find(render(t, "--values", everything, "--set", "prometheusRule.disabled=null"), "PrometheusRule", "spec", "groups").([]any)
	list := groups[0].(object)["rules"].([]any)
	if len(list) < 16 {
		t.Fatalf("only %d rules", len(list))
	}
	return list
}

func TestQueriesParse(t *testing.T) {
	queries := map[string]string{}
	for _, rule := range rules(t) {
		queries["rule "+str(rule, "alert")+str(rule, "record")] = str(rule, "expr")
	}
	for _, panel := range dashboard(t)["panels"].([]any) {
		targets, _ := panel.(object)["targets"].([]any)
		for _, target := range targets {
			// Grafana puts in an interval.
			expr := strings.ReplaceAll(str(target, "expr"), "$__rate_interval", "5m")
			queries["panel "+str(panel, "title")+" "+str(target, "refId")] = expr
		}
	}
	read := parser.NewParser(parser.Options{})
	for name, query := range queries {
		if _, err := read.ParseExpr(query); err != nil {
			t.Errorf("%s: %v in\n%s", name, err, query)
		}
	}
}

// Every alert leads to a heading, and every heading is an alert's.
func TestRunbook(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^## (EcrGate\w+)$`).FindAllStringSubmatch(string(page), -1) {
		headings[found[1]] = true
	}
	for _, rule := range rules(t) {
		alert := str(rule, "alert")
		if alert == "" {
			continue
		}
		if !headings[alert] {
			t.Errorf("docs/runbook.md has no heading %s", alert)
		}
		delete(headings, alert)
		if url := str(dig(rule, "annotations"), "runbook_url"); !strings.HasSuffix(url, "/docs/runbook.md#"+strings.ToLower(alert)) {
			t.Errorf("%s leads to %s", alert, url)
		}
	}
	for heading := range headings {
		t.Errorf("docs/runbook.md has %s, which is no alert", heading)
	}
}

// The names in the queries are those that the program or its surroundings have.
func TestQueriesAskForMetricsThatExist(t *testing.T) {
	own := map[string]bool{}
	for _, file := range []string{"/cmd/ecr-gate/metrics.go"} {
		source, err := os.ReadFile(root + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`"(ecr_gate_\w+)"`).FindAllStringSubmatch(string(source), -1) {
			own[name[1]] = true
		}
	}
	text := helm(t, "template", "ecr-gate", chart, "--values", everything)
	for _, name := range regexp.MustCompile(`\becr_gate_\w+`).FindAllString(text, -1) {
		if name = strings.TrimSuffix(name, "_bucket"); !own[name] {
			t.Errorf("no metric %s in cmd/ecr-gate/metrics.go", name)
		}
	}
}

// Each alert fires when it should and not before, by Prometheus' own account. Needs
// promtool (Debian: prometheus).
func TestAlertsFire(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool")
	}
	dir, list := t.TempDir(), rules(t)
	run(t, promtool, "check", "rules", writeRules(t, filepath.Join(dir, "checked.yaml"), list))
	for _, rule := range list {
		delete(rule.(object), "annotations") // or the cases would have to repeat them
	}
	writeRules(t, filepath.Join(dir, "rules.yaml"), list)
	cases, err := os.ReadFile("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "alerts.yaml"), cases, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, rule := range list {
		if alert := str(rule, "alert"); alert != "" && !strings.Contains(string(cases), "alertname: "+alert+"\n") {
			t.Errorf("testdata/alerts.yaml never fires %s", alert)
		}
	}
	run(t, promtool, "test", "rules", filepath.Join(dir, "alerts.yaml"))
}

func writeRules(t *testing.T, path string, list []any) string {
	t.Helper()
	raw, err := yaml.Marshal(object{"groups": []any{object{"name": "ecr-gate", "rules": list}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func dashboard(t *testing.T) object {
	t.Helper()
	raw, err := os.ReadFile(chart + "/dashboards/ecr-gate.json")
	if err != nil {
		t.Fatal(err)
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func str(from any, key string) string {
	s, _ := from.(object)[key].(string)
	return s
}
