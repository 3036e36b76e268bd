// Package admission_test asks a real API server, which asks the real webhook: for the
// many questions that need no node. The webhook configuration is the chart's own, so
// what is asked here too is which requests reach the webhook at all.
package admission_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/test/e2e/binaries"
	"github.com/ecr-gate/ecr-gate/test/e2e/host"
	"github.com/ecr-gate/ecr-gate/test/e2e/sandbox"
	"github.com/ecr-gate/ecr-gate/test/e2e/timings"
)

// folderVariable hands the folders with the programs to the program inside.
const folderVariable = "ECR_GATE_ADMISSION_"

func TestMain(m *testing.M) {
	flag.Parse()
	switch {
	case sandbox.IsInit():
		os.Exit(sandbox.Init())
	case sandbox.Inside():
		os.Exit(inside(m))
	case flag.Lookup("test.list").Value.String() != "":
		os.Exit(m.Run())
	}
	code, err := outside()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "admission:", err)
		code = 1
	}
	os.Exit(code)
}

// outside builds the programs and what the chart makes of its values; the rest runs
// where nothing is left of it.
func outside() (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGPIPE)
	if err := errors.Join(host.Check(), sandbox.FollowParent()); err != nil {
		return 0, err
	}
	cache, err := binaries.Cache()
	if err != nil {
		return 0, err
	}
	unlock, err := binaries.Lock(filepath.Join(cache, "run.lock"), os.Stdout)
	if err != nil {
		return 0, err
	}
	defer unlock()
	work, err := os.MkdirTemp(cache, "admission-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	log := timings.Log{Path: filepath.Join(work, "timings.jsonl"), Out: os.Stdout}
	defer log.Print()
	var environment []string
	builder := binaries.Builder{Modules: "../bin", Out: os.Stdout}
	for name, module := range map[string]binaries.Module{"KUBERNETES": binaries.Kubernetes, "ETCD": binaries.Etcd, "HELM": binaries.Helm} {
		err := log.Do("programs: "+name, func() error {
			folder, err := builder.Build(ctx, module)
			environment = append(environment, folderVariable+name+"="+folder)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	start := time.Now()
	code, err = sandbox.Enter(ctx, filepath.Join(cache, "sandbox"), environment...)
	log.Note("API server and all cases", time.Since(start), "")
	return code, err
}
