package config

import (
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
)

func TestBaseline(t *testing.T) {
	c, err := Parse("c.yaml", readFile(t, "testdata/good/baseline.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.GatePolicies()[0].Baseline; got != "prod" {
		t.Errorf("got %q", got)
	}
	c, err = Parse("c.yaml", readFile(t, "testdata/good/full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.GatePolicies()[0].Baseline; got != "" {
		t.Errorf("without the key: %q", got)
	}
}

// Whatever is taken for a tag is one to the grammar of references.
func TestBaselineTags(t *testing.T) {
	for tag, good := range map[string]bool{
		"prod": true, "v1.4-rc_2": true, "_": true, "1": true, strings.Repeat("a", 128): true,
		strings.Repeat("a", 129): false, "-a": false, ".a": false, "a b": false, "a:b": false, "a/b": false, "a@b": false, "\u00e4": false, "a\n": false,
	} {
		if got := tagForm.MatchString(tag); got != good {
			t.Errorf("%q: %t", tag, got)
		}
		if _, err := gate.ParseImage("h.example/r:" + tag); (err == nil) != good {
			t.Errorf("%q as a reference: %v", tag, err)
		}
	}
}
