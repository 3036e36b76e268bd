// Package crash_test ends the program at the worst moments, and takes from it what a
// machine can run out of. The program is the binary as it is released: AWS, played
// by awslocal, tells when a step is reached. What has to hold throughout: nothing
// passes that was not judged, and every job has one report at the most.
package crash_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/process"
)

// patience is how long anything may take on a machine that is busy with other tests.
const patience = time.Minute

// everything is whether the long tests run too. CRASH is the file that takes the
// figures; `make crash` sets it.
func everything() bool { return os.Getenv("CRASH") != "" }

func long(t *testing.T) {
	t.Helper()
	if !everything() {
		t.Skip("long; `make crash` runs it")
	}
}

// folder holds the binaries, and is removed at the end.
var folder string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if folder, err = os.MkdirTemp("", "ecr-gate-crash-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(folder) }()
		removeOld()
		// What processes and tests make lies in it too, so that one folder is all that
		// an interrupted run leaves.
		if err := os.Setenv("TMPDIR", folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		// They wait for processes nearly all the time.
		flag.Parse()
		if err := flag.Set("test.parallel", "12"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		code := m.Run()
		if err := writeFigures(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}())
}

// removeOld removes what earlier runs that were interrupted have left.
func removeOld() {
	for _, pattern := range []string{"ecr-gate-crash-*", "ecr-gate-process-*"} {
		left, _ := filepath.Glob(filepath.Join(os.TempDir(), pattern)) // they are good ones
		for _, dir := range left {
			// Where something still runs, something is written.
			if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > time.Hour {
				_ = os.RemoveAll(dir)
			}
		}
	}
}

// binary is the program, built once. CRASH_BINARY is another one to be tested.
var binary = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("CRASH_BINARY"); given != "" {
		return given, nil
	}
	return build(folder, "new")
})

// build makes the program as a version of its own; what is linked is the same.
func build(dir, version string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return process.Build{LDFlags: "-s -w -X main.version=" + version}.Make(ctx, dir)
}

// The images of every site.
const (
	cleanImage  = "shop/clean"
	deniedImage = "shop/denied" // two criticals
	slowImage   = "shop/slow"   // has no scan until one is started
)

// site is an AWS with the three images and an action type, and the processes that
// work there.
type site struct {
	*awslocal.Server
	t *testing.T

	mu      sync.Mutex
	reports map[string]int // that took effect or were refused, by job
}

func openSite(t *testing.T) *site {
	t.Helper()
	server := awslocal.New(awslocal.Options{ContinuationPause: 10 * time.Millisecond})
	if _, err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	s := &site{Server: server, t: t, reports: map[string]int{}}
	s.After("codepipeline.PutJob*Result", s.reported)
	s.register()
	clean := []awslocal.Scan{complete()}
	s.PutImage(awslocal.Image{Repository: cleanImage, Tags: []string{"1"}, Scans: clean})
	s.PutImage(awslocal.Image{Repository: slowImage, Tags: []string{"1"}, RescanTo: clean})
	s.PutImage(awslocal.Image{Repository: deniedImage, Tags: []string{"1"}, Scans: []awslocal.Scan{complete(
		critical("CVE-2026-1"), critical("CVE-2026-2"),
	)}})
	return s
}

func (s *site) register() {
	s.t.Helper()
	_, err := codepipeline.NewFromConfig(s.AWSConfig()).CreateCustomActionType(s.t.Context(), &codepipeline.CreateCustomActionTypeInput{
		Category: types.ActionCategoryTest, Provider: aws.String("EcrGate"), Version: aws.String("1"),
		InputArtifactDetails:  &types.ArtifactDetails{MinimumCount: 0, MaximumCount: 5},
		OutputArtifactDetails: &types.ArtifactDetails{MinimumCount: 0, MaximumCount: 1},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func complete(findings ...awslocal.Finding) awslocal.Scan {
	return awslocal.Scan{Status: "COMPLETE", CompletedAt: time.Now().Add(-time.Hour), Findings: append([]awslocal.Finding{}, findings...)}
}

func critical(id string) awslocal.Finding {
	return awslocal.Finding{Name: id, Severity: "CRITICAL", Package: "openssl", Version: "3.0.1"}
}

func (s *site) uri(repository string) string { return s.RegistryHost() + "/" + repository + ":1" }

// job names an image in an input artifact and wants the reports.
func (s *site) job(repository string) awslocal.Job {
	return awslocal.Job{
		InputArtifacts: []awslocal.Artifact{{Name: "Build", Files: map[string][]byte{
			"imageDetail.json": fmt.Appendf(nil, `{"ImageURI":%q}`, s.uri(repository)),
		}}},
		OutputArtifacts: []awslocal.Artifact{{Name: "Report"}},
	}
}

// The configurations: policy dev tolerates no critical finding.
const (
	heading = "apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\n"
	hook    = "webhook: {namespaceLabels: false}\n"
	jobs    = "pipeline: {pollInterval: 1s}\n"
	policy  = "policies:\n- {name: dev, startScan: true, untriagedAs: CRITICAL, maxFindings: {CRITICAL: 0}}\n"
)

// start starts a process, which ends with the test at the latest.
func (s *site) start(o process.Options) *process.Process {
	s.t.Helper()
	program, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	o.Binary = cmp.Or(o.Binary, program)
	o.Env = append(slices.Clone(o.Env), s.Environment()...)
	// Not the test's own context: that ends before what has to be tidied up.
	p, err := process.Start(context.Background(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("process %d said:\n%s", p.PID, strings.Join(sayings(p), "\n"))
		}
		if err := p.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return p
}

// sayings is the end of a process's log, without its verdicts.
func sayings(p *process.Process) []string {
	lines := slices.DeleteFunc(p.Lines(), func(line string) bool { return strings.Contains(line, `"msg":"verdict"`) })
	return lines[max(0, len(lines)-20):]
}

// ready starts a process and waits until it answers.
func (s *site) ready(o process.Options) *process.Process {
	s.t.Helper()
	p := s.start(o)
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := p.Ready(ctx); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// await waits for what happens elsewhere.
func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick, end := time.NewTicker(5*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// last follows a job through its continuations to the one that is there now.
func (s *site) last(id string) awslocal.JobState {
	s.t.Helper()
	for {
		state, ok := s.JobState(id)
		if !ok {
			s.t.Fatalf("no job %s", id)
		}
		if state.Successor == "" {
			return state
		}
		id = state.Successor
	}
}

// ended waits until a job, or what goes on in its place, is reported.
func (s *site) ended(id string) awslocal.JobState {
	s.t.Helper()
	await(s.t, "the end of job "+id, func() bool { return over(s.last(id)) })
	return s.last(id)
}

func over(j awslocal.JobState) bool {
	return j.Status == awslocal.Succeeded || j.Status == awslocal.Failed
}

// reported counts a job's reports.
func (s *site) reported(r awslocal.Request) bool {
	var report struct{ JobID string }
	if err := json.Unmarshal(r.Raw, &report); err != nil {
		s.t.Errorf("%s: %v", r.Raw, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports[report.JobID]++
	return true
}

// wantRight holds every job against the truth: what was reported is right, and was
// reported once.
func (s *site) wantRight() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.Jobs() {
		if s.reports[j.ID] > 1 {
			s.t.Errorf("job %s is reported %d times", j.ID, s.reports[j.ID])
		}
		if wrong := s.wrong(j); wrong != "" {
			s.t.Errorf("job %s: %s: %+v", j.ID, wrong, j.Result)
		}
	}
}

func (s *site) wrong(j awslocal.JobState) string {
	bad := s.images(j)[deniedImage]
	switch {
	case j.Status == awslocal.Succeeded && j.Successor == "" && bad:
		return "a vulnerable image passes"
	case j.Status == awslocal.Succeeded && j.Successor == "" && j.Result.OutputVariables["Verdict"] != "Allowed":
		return "it passes without a verdict"
	case j.Status == awslocal.Failed && !bad:
		return "a clean image is refused"
	case j.Status == awslocal.Failed && j.Result.FailureType != "JobFailed":
		return "a vulnerable image is refused for another reason"
	}
	return ""
}

// images are those that a job names.
func (s *site) images(j awslocal.JobState) map[string]bool {
	named := map[string]bool{}
	for _, repository := range []string{cleanImage, deniedImage, slowImage} {
		text := j.Configuration["Image"] + j.Configuration["UserParameters"]
		for _, a := range j.InputArtifacts {
			text += string(a.Files["imageDetail.json"])
		}
		named[repository] = strings.Contains(text, s.uri(repository))
	}
	return named
}

// says reports whether the process has logged a line with all of these in it since
// it was last asked.
func (s *site) says(p *process.Process, parts ...string) bool {
	return slices.ContainsFunc(p.Lines(), func(line string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	})
}

// What an interrupted run left goes, and what one at work has stays.
func TestRemoveOld(t *testing.T) {
	var dirs [2]string // in the folder that is removed at the end
	for i, age := range []time.Duration{2 * time.Hour, time.Minute} {
		var err error
		if dirs[i], err = os.MkdirTemp("", "ecr-gate-crash-"); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dirs[i], time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	removeOld()
	if _, err := os.Stat(dirs[0]); !os.IsNotExist(err) {
		t.Errorf("the old one is still there: %v", err)
	}
	if _, err := os.Stat(dirs[1]); err != nil {
		t.Error(err)
	}
}
