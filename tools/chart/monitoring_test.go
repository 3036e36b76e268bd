package chart

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// reviewBuckets are the buckets of ecr_gate_review_duration_seconds, as the process
// shows them. A fixture with others tries an alert on what nobody measures.
func reviewBuckets(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile(root + "/cmd/ecr-gate/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`"ecr_gate_review_duration_seconds"[^}]*Buckets: \[\]float64{([^}]*)}`).FindSubmatch(source)
	if list == nil {
		t.Fatal("cmd/ecr-gate/metrics.go shows no buckets of the reviews' durations")
	}
	buckets := []string{"+Inf"}
	for text := range strings.SplitSeq(string(list[1]), ",") {
		le, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			t.Fatal(err)
		}
		buckets = append(buckets, strconv.FormatFloat(le, 'g', -1, 64))
	}
	return buckets
}

const everything = chart + "/ci/full-values.yaml"

// rules are all alerts that the chart can make.
func rules(t *testing.T) []any {
	t.Helper()
	groups := find(render(t, "--values", everything, "--set", "prometheusRule.disabled=null"), "PrometheusRule", "spec", "groups").([]any)
	list := groups[0].(object)["rules"].([]any)
	if len(list) < 20 {
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

// What says how long something took is a histogram of ours: controller-runtime's has
// buckets of decades, by which a review of 1.1 s takes up to ten.
func TestDurationsAreOurs(t *testing.T) {
	text, seen := helm(t, "template", "ecr-gate", chart, "--values", everything), false
	for _, name := range regexp.MustCompile(`\b\w+_bucket\b`).FindAllString(text, -1) {
		if !strings.HasPrefix(name, "ecr_gate_") {
			t.Errorf("a query asks %s", name)
		}
		seen = seen || name == "ecr_gate_review_duration_seconds_bucket"
	}
	if !seen {
		t.Error("nothing asks how long a review takes")
	}
}

func TestFixtureHasTheBucketsOfTheProcess(t *testing.T) {
	want := slices.Sorted(slices.Values(reviewBuckets(t)))
	le := regexp.MustCompile(`^ecr_gate_review_duration_seconds_bucket{.*\ble="([^"]*)"`)
	raw, err := os.ReadFile("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases object
	if err := yaml.UnmarshalStrict(raw, &cases); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for i, test := range cases["tests"].([]any) {
		var got []string
		for _, series := range test.(object)["input_series"].([]any) {
			if found := le.FindStringSubmatch(str(series, "series")); found != nil {
				got = append(got, found[1])
			}
		}
		if got == nil {
			continue
		}
		tried++
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("test %d of testdata/alerts.yaml has the buckets %v, the process has %v", i, got, want)
		}
	}
	if tried == 0 {
		t.Error("testdata/alerts.yaml has no review that takes its time")
	}
}

// The alerts sort AWS's error codes as gate/ecr does. What that table does not have is
// said here: what cmd/ecr-gate counts without a code of AWS, and the SDK's own word.
func TestAlertsSortCodesAsTheGateDoes(t *testing.T) {
	source, err := os.ReadFile(root + "/gate/ecr/trouble.go")
	if err != nil {
		t.Fatal(err)
	}
	alertOf := map[string]string{
		"noAccess": "EcrGateAWSAccessDenied", "badCredentials": "EcrGateAWSAccessDenied",
		"throttled": "EcrGateAWSThrottled", "broken": "EcrGateAWSNotAnswering",
	}
	want := map[string]string{
		"OK": "", "Timeout": "EcrGateAWSNotAnswering", "Error": "EcrGateAWSNotAnswering", "UnknownError": "EcrGateAWSNotAnswering",
		"NoCredentials": "EcrGateAWSAccessDenied",
	}
	sorted := map[string]int{}
	for _, found := range regexp.MustCompile(`(?m)^\t"(\w+)":\s+(\w+|\{)`).FindAllStringSubmatch(string(source), -1) {
		alert := alertOf[found[2]] // none: an answer, and not AWS's trouble
		want[found[1]] = alert
		sorted[alert]++
	}
	for _, alert := range alertOf {
		if sorted[alert] == 0 {
			t.Fatalf("gate/ecr/trouble.go has no code of %s any more, or is written otherwise", alert)
		}
	}
	codes := map[string]*regexp.Regexp{}
	for _, rule := range rules(t) {
		if found := regexp.MustCompile(`code=~"([^"]+)"`).FindStringSubmatch(str(rule, "expr")); found != nil {
			codes[str(rule, "alert")] = regexp.MustCompile("^(?:" + found[1] + ")$") // as Prometheus reads it
		}
	}
	if len(codes) != 3 {
		t.Fatalf("%d alerts go by code", len(codes))
	}
	for code, alert := range want {
		for name, list := range codes {
			if list.MatchString(code) != (name == alert) {
				t.Errorf("%s is a case for %q: %s has %s", code, alert, name, list)
			}
		}
	}
}

// A misspelt name would disable nothing, so the schema has those that there are.
func TestEveryAlertCanBeDisabled(t *testing.T) {
	var names []any
	for _, rule := range rules(t) {
		if alert := str(rule, "alert"); alert != "" {
			names = append(names, alert)
		}
	}
	schema := readJSON(t, chart+"/values.schema.json")
	known, _ := dig(schema, "properties", "prometheusRule", "properties", "disabled", "items", "enum").([]any)
	if !slices.Equal(known, names) {
		t.Errorf("values.schema.json lets disable %v, and there are %v", known, names)
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
