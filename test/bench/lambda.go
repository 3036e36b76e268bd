package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// verdicts are how many jobs each process does.
const verdicts = 100

// lambdaFigures are what the starts of the function's process came to.
type lambdaFigures struct {
	init, first, warm []float64 // ms
	memory            []int     // KiB, the most that was resident
}

// lambdaFunction measures the program as Lambda runs it: a process that talks to
// the runtime API, from its start to its first event, and each job's invocation.
func lambdaFunction(ctx context.Context, r *figures, s settings) error {
	dir, err := os.MkdirTemp("", "ecr-gate-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a binary that go build makes again
	binary := filepath.Join(dir, "bootstrap")
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/ecr-gate/ecr-gate").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, "./cmd/ecr-gate") //nolint:gosec // arguments of our own
	build.Dir, build.Env = strings.TrimSpace(string(root)), append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, text)
	}
	var f lambdaFigures
	for range s.starts {
		if err := f.start(ctx, binary); err != nil {
			return err
		}
	}
	r.printf("\n## Lambda function, a process of its own: %d starts, %d jobs each\n\n| | median | slowest | wanted |\n|---|---|---|---|\n", s.starts, verdicts)
	for _, row := range []struct {
		name   string
		times  []float64
		wanted string
	}{
		{"init: process start to first event", f.init, "< 150 ms"},
		{"first job, with connections to make", f.first, ""},
		{"later job: event to report", f.warm, ""},
	} {
		r.printf("| %s | %.1f ms | %.1f ms | %s |\n", row.name, median(row.times), slices.Max(row.times), row.wanted)
	}
	slices.Sort(f.memory)
	r.printf("| memory, most resident | %.1f MiB | %.1f MiB | < 64 MiB |\n",
		float64(f.memory[len(f.memory)/2])/1024, float64(f.memory[len(f.memory)-1])/1024)
	return nil
}

// start runs one process through its jobs.
func (f *lambdaFigures) start(ctx context.Context, binary string) error {
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		return err
	}
	defer aws.Close()
	aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{"1"}, Scans: enhancedScan(100)})
	function, err := aws.AddFunction(awslocal.FunctionOptions{})
	if err != nil {
		return err
	}
	process := exec.CommandContext(ctx, binary)
	process.Env = append(os.Environ(), function.Environment()...)
	began := time.Now()
	if err := process.Start(); err != nil {
		return err
	}
	defer func() { _ = process.Process.Kill(); _ = process.Wait() }()
	select {
	case <-function.Started():
	case <-ctx.Done():
		return ctx.Err()
	}
	f.init = append(f.init, milliseconds(began))
	for i := range verdicts {
		took, err := invoke(ctx, aws, function)
		if err != nil {
			return err
		}
		if i == 0 {
			f.first = append(f.first, took)
		} else {
			f.warm = append(f.warm, took)
		}
	}
	peak, err := peakMemory(process.Process.Pid)
	f.memory = append(f.memory, peak)
	return err
}

func invoke(ctx context.Context, aws *awslocal.Server, function *awslocal.Function) (ms float64, err error) {
	began := time.Now()
	id := aws.StartPipeline(awslocal.Pipeline{Name: "p", Stages: []awslocal.Stage{{Name: "Scan", Action: awslocal.Action{
		Category: "Invoke", Provider: "Lambda",
		Configuration: map[string]string{"FunctionName": "ecr-gate", "UserParameters": aws.RegistryHost() + "/shop/web:1"},
	}}}})
	e, err := aws.WaitExecution(ctx, id)
	if err == nil && e.Status != awslocal.Succeeded {
		text, _ := json.Marshal(e.Stage("Scan"))
		err = fmt.Errorf("the job did not succeed: %s", text)
	}
	return milliseconds(began), err
}

// peakMemory is the most that the process had resident, in KiB.
func peakMemory(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kib int
			_, err := fmt.Sscan(rest, &kib)
			return kib, err
		}
	}
	return 0, errors.New("the kernel does not say what the process had resident")
}
