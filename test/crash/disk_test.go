package crash_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/process"
)

// limited is the program with a resource limited, by the shell's ulimit.
func limited(t *testing.T, ulimit string) string {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	wrapper := filepath.Join(t.TempDir(), "ecr-gate")
	if err := os.WriteFile(wrapper, fmt.Appendf(nil, "#!/bin/sh\nulimit %s && exec %s \"$@\"\n", ulimit, program), 0o755); err != nil {
		t.Fatal(err)
	}
	return wrapper
}

// Neither door writes to a disk, artifacts included: with no byte to be written
// anywhere and no folder for temporary files, all is as ever. So no disk can be too
// full.
func TestNoDisk(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	p := s.ready(process.Options{
		Binary: limited(t, "-f 0"), Config: both,
		Env: []string{"TMPDIR=/nonexistent", "HOME=/nonexistent"},
	})
	if a, err := p.Review(t.Context(), s.uri(cleanImage)); wantAllowed(a, err) != "" {
		t.Error(wantAllowed(a, err))
	}
	for _, image := range []string{cleanImage, deniedImage} {
		j := s.ended(s.AddJob(s.job(image)))
		if files := s.artifact(j); !strings.Contains(strings.Join(files, " "), "report.html report.sarif verdict.json") {
			t.Errorf("%s: the output artifact holds %v", image, files)
		}
	}
	s.wantRight()
	if written := writtenToDisk(t, p.PID); written != 0 {
		t.Errorf("%d bytes are written to a disk", written)
	}
}

// artifact lists the files in a job's output artifact.
func (s *site) artifact(j awslocal.JobState) []string {
	s.t.Helper()
	raw, _, err := s.Object(j.OutputArtifacts[0].Bucket, j.OutputArtifacts[0].Key)
	if err != nil {
		s.t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, f := range archive.File {
		names = append(names, f.Name)
	}
	return names
}

// writtenToDisk is the kernel's count.
func writtenToDisk(t *testing.T, pid int) (bytes int) {
	t.Helper()
	return number(t, pid, "io", "\nwrite_bytes:")
}

// A store that takes no artifact costs no verdict: the job is reported as ever, and
// says that the reports are missing.
func TestFullStore(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	s.Inject(awslocal.Fault{Operation: put, Status: http.StatusInsufficientStorage, Code: "QuotaExceeded", Message: "The bucket is full"})
	p := s.start(worker)
	clean := s.ended(s.AddJob(s.job(cleanImage)))
	denied := s.ended(s.AddJob(s.job(deniedImage)))
	s.wantRight()
	if got := clean.Result.OutputVariables["ReportKey"]; got != "none" {
		t.Errorf("ReportKey is %q, and there is no report", got)
	}
	if !s.says(p, "cannot store the report", "QuotaExceeded", clean.OutputArtifacts[0].Key) {
		t.Error("the log does not say what happened to the report")
	}
	for _, text := range []string{clean.Result.Summary, denied.Result.FailureMessage} {
		if !strings.Contains(text, "report could not be stored") {
			t.Errorf("who reads the result looks for a report that is not there: %s", text)
		}
	}
}
