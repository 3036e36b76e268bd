package main

import (
	"io"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Of very many findings the output artifact holds verdict.json only.
func TestArtifactFilesOfManyFindings(t *testing.T) {
	for n, want := range map[int]bool{maxFunctionReported: true, maxFunctionReported + 1: false} {
		verdicts := []gate.Verdict{{Findings: make([]gate.Finding, n-1)}, {Excepted: make([]gate.ExceptedFinding, 1)}}
		files := artifactFiles(maxFunctionReported)
		if len(files) != 3 {
			t.Errorf("files: %v", files)
		}
		for name, write := range files {
			if err := write(io.Discard, verdicts); (err == nil) != (want || name == "verdict.json") {
				t.Errorf("%s of %d findings: %v", name, n, err)
			}
		}
	}
}
