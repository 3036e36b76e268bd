package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/config"
)

// Every configuration shown in the documentation is one that loads.
func TestDocumentedConfigurations(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page) //nolint:gosec // the project's own pages
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
			block, _, _ = strings.Cut(block, "```")
			if !strings.Contains(block, "kind: Config") {
				continue
			}
			found++
			if _, err := config.Parse(filepath.Base(page), []byte(block)); err != nil {
				t.Errorf("%s shows a configuration that does not load: %v", page, err)
			}
		}
	}
	if found < 3 {
		t.Errorf("only %d configurations found", found)
	}
}
