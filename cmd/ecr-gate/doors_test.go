package main

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// What a running process does not follow is named when it changes, and nothing
// else is.
func TestReadAtStart(t *testing.T) {
	both := func(edit func(*config.Config)) *config.Config {
		c := &config.Config{Webhook: &config.Webhook{}, Pipeline: &config.Pipeline{}}
		c.Webhook.SetDefaults()
		c.Pipeline.SetDefaults()
		edit(c)
		return c
	}
	for name, c := range map[string]struct {
		edit func(*config.Config)
		want []string
	}{
		"nothing":         {func(*config.Config) {}, nil},
		"a policy":        {func(c *config.Config) { c.Policies = []config.Policy{{Name: "dev"}} }, nil},
		"enforce":         {func(c *config.Config) { c.Webhook.Enforce = "none" }, nil},
		"no webhook":      {func(c *config.Config) { c.Webhook = nil }, []string{"webhook"}},
		"no labels":       {func(c *config.Config) { c.Webhook.NamespaceLabels = false }, []string{"webhook.namespaceLabels"}},
		"no pipeline":     {func(c *config.Config) { c.Pipeline = nil }, []string{"pipeline"}},
		"poll and Region": {func(c *config.Config) { c.Pipeline.PollInterval++; c.AWS.Region = "eu-west-1" }, []string{"pipeline", "aws.region"}},
	} {
		if got := readAtStart(both(func(*config.Config) {}), both(c.edit)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// The name of a policy is a label of a metric, and whoever asks may make one up: those
// that the gate does not have are one series, whatever else is wrong.
func TestMadeUpPoliciesAreOneSeries(t *testing.T) {
	c, err := config.Parse("ecr-gate.yaml", []byte("apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\npolicies: [{name: dev, maxFindings: {CRITICAL: 0}}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	d := newDoors(newMetrics(), slog.New(slog.DiscardHandler), aws.Config{Region: "eu-west-1"}, time.Now)
	t.Cleanup(d.close)
	d.use(c)
	for _, image := range []string{"no reference!", "example.org/shop/web:1"} {
		for _, policy := range []string{"", "dev", "built-in", "made-up-1", "made-up-2", "made-up-3"} {
			d.countFinal([]gate.Verdict{through{d, pipelineDoor, d.gate.Load}.Check(t.Context(), gate.Request{Image: image, Policy: policy})})
		}
	}
	var series []string
	for line := range strings.Lines(numbers(t, d.metrics)) {
		if text, ok := strings.CutPrefix(line, "ecr_gate_verdicts_total"); ok {
			series = append(series, strings.TrimSpace(text))
		}
	}
	want := []string{
		`{door="pipeline",outcome="Unavailable",policy=""} 1`, // no name to a name that cannot be read
		`{door="pipeline",outcome="Unavailable",policy="built-in"} 2`,
		`{door="pipeline",outcome="Unavailable",policy="dev"} 3`,
		`{door="pipeline",outcome="Unavailable",policy="unknown"} 6`,
	}
	if !slices.Equal(series, want) {
		t.Errorf("%q, want %q", series, want)
	}
}

// An alert sees no first step of a series that was not there: those of jobs that hang are
// shown before there is any.
func TestJobsThatHangBeginAtZero(t *testing.T) {
	shown := numbers(t, newMetrics())
	for _, result := range []string{"unreported", "unacknowledged"} {
		if want := `ecr_gate_jobs_total{result="` + result + `"} 0`; !strings.Contains(shown, want) {
			t.Errorf("not shown: %s", want)
		}
	}
}

// What the configuration says of itself where a key is left out is what the door does
// where it is told nothing.
func TestDefaultsAgree(t *testing.T) {
	c := &config.Config{Pipeline: &config.Pipeline{}}
	c.Pipeline.SetDefaults()
	if got, want := actionType(c).String(), (pipeline.ActionType{}).String(); got != want {
		t.Errorf("action type %s, want %s", got, want)
	}
	want := config.Pipeline{
		ActionType: c.Pipeline.ActionType,
		MaxWait:    pipeline.DefaultMaxWait, PollInterval: pipeline.DefaultPollInterval, Concurrency: pipeline.DefaultConcurrency,
	}
	if *c.Pipeline != want {
		t.Errorf("%+v, want %+v", *c.Pipeline, want)
	}
}

// What passes by itself is no error in the log; what does not stays one.
func TestCalm(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(calm{slog.NewJSONHandler(&out, nil)}).With("a", 1).WithGroup("g")
	log.Error("could not refresh CA and server certs")
	log.Error("the certificate cannot be kept; trying again")
	log.Warn("error re-reading certificate")
	levels := make([]string, 0, 3)
	for line := range strings.Lines(out.String()) {
		_, level, _ := strings.Cut(line, `"level":"`)
		level, _, _ = strings.Cut(level, `"`)
		levels = append(levels, level)
	}
	if want := []string{"INFO", "ERROR", "WARN"}; !slices.Equal(levels, want) {
		t.Errorf("%v, want %v", levels, want)
	}
}

// Every version of the configuration judges in the same room.
func TestOneRoomForAllVersions(t *testing.T) {
	d := newDoors(newMetrics(), slog.New(slog.DiscardHandler), aws.Config{Region: "eu-west-1"}, time.Now)
	t.Cleanup(d.close)
	for _, policy := range []string{"dev", "other"} {
		d.use(loaded(t, "policies: [{name: "+policy+", maxFindings: {CRITICAL: 0}}]\n"))
		if g := d.gate.Load(); g.Room == nil || g.Room != d.room || g.Policies[0].Name != policy {
			t.Errorf("%s: not in the room of all", policy)
		}
	}
}
