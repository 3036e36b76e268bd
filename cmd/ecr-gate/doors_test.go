package main

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/config"
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
