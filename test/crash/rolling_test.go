package crash_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/process"
)

// ago is how many commits back the older version is.
const ago = "HEAD~8"

// Two versions share queue and reviews while one replaces the other, and back again:
// jobs that one has begun the other ends, and every review is answered.
func TestRollingUpdate(t *testing.T) {
	t.Run("the same version", func(t *testing.T) {
		t.Parallel()
		rollingUpdate(t, "", "")
	})
	t.Run("an older version", func(t *testing.T) {
		t.Parallel()
		long(t)
		rollingUpdate(t, olderBinary(t), "")
	})
}

func rollingUpdate(t *testing.T, old, current string) {
	s := openSite(t)
	var pods service
	serving := s.ready(process.Options{Binary: old, Config: both})
	pods.add(serving)
	reviews := push(t, 2, pods.asking(s.uri(cleanImage)), wantAllowed)
	for _, step := range []struct{ image, to string }{{"shop/update", current}, {"shop/rollback", old}} {
		scan := func(state awslocal.Scan) {
			s.PutImage(awslocal.Image{Repository: step.image, Tags: []string{"1"}, Scans: []awslocal.Scan{state}})
		}
		scan(awslocal.Scan{Status: "IN_PROGRESS"})
		id := s.AddJob(s.job(step.image))
		await(t, "a job that was handed back", func() bool { return s.last(id).ContinuationToken != "" })
		// The process that begins anew sees it; the other one has yet to look again. The
		// tag has moved, but the job is about the image that it began with.
		scan(complete(critical("CVE-2026-1")))
		s.PutImage(awslocal.Image{Repository: step.image, Tags: []string{"1"}, Seed: "moved", Scans: []awslocal.Scan{complete()}})
		began := time.Now()
		replacement := s.ready(process.Options{Binary: step.to, Config: both})
		pods.add(replacement)
		reviews.more(t, 10)
		pods.leave()
		s.terminate(serving)
		if got := s.ended(id); got.Result.FailureType != "JobFailed" {
			t.Errorf("%s: %+v", step.image, got)
		}
		note("rolling update: from the start of the new process to the end of the old one and of its job", time.Since(began))
		m, err := replacement.Metrics(t.Context())
		if err != nil || m[`ecr_gate_jobs_total{result="failed"}`] != 1 {
			t.Errorf("%s: the job was not ended by the new process: %v, %v", step.image, m, err)
		}
		serving = replacement
	}
	reviews.more(t, 10)
	reviews.wantRight(t)
}

// service is the processes that a Service leads to, the oldest first.
type service struct {
	mu      sync.Mutex
	callers []*caller
}

func (v *service) add(p *process.Process) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.callers = append(v.callers, newCaller(p))
}

// leave has no new connections made to the process that serves longest.
func (v *service) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.callers[:len(v.callers)-1] {
		c.stopped.Store(true)
	}
}

func (v *service) asking(images ...string) ask {
	body := process.Pod(images...)
	return func(ctx context.Context) (a process.Answer, err error) {
		v.mu.Lock()
		callers := slices.Clone(v.callers)
		v.mu.Unlock()
		err = errElsewhere
		for i := 0; errors.Is(err, errElsewhere) && i < len(callers); i++ {
			a, err = callers[i].p.AskBy(ctx, callers[i].client, body)
		}
		return a, err
	}
}

// terminate stops a process as Kubernetes does, and waits for its end.
func (s *site) terminate(p *process.Process) {
	s.t.Helper()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	s.wantExit(p)
}

// wantExit waits for the end of a process that was told to stop.
func (s *site) wantExit(p *process.Process) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), gracePeriod)
	defer cancel()
	if code, err := p.Wait(ctx); code != 0 || err != nil {
		s.t.Errorf("exit %d, %v", code, err)
	}
}

// olderBinary is the program of some commits ago.
func olderBinary(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	archive := exec.CommandContext(t.Context(), "git", "archive", "--format=tar", ago)
	archive.Dir = "../.." // of the whole tree, not of this folder
	out, err := archive.Output()
	if err != nil {
		t.Skipf("no older version here: git archive %s: %v (a shallow clone?)", ago, err)
	}
	unpack(t, dir, out)
	binary := filepath.Join(dir, "ecr-gate.old")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w -X main.version=old", "-o", binary, "./cmd/ecr-gate")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, text)
	}
	return binary
}

func unpack(t *testing.T, dir string, archive []byte) {
	t.Helper()
	files := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		name := filepath.Join(dir, filepath.FromSlash(header.Name))
		data, err := io.ReadAll(files)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(name), 0o755)
		}
		if err == nil {
			err = os.WriteFile(name, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
