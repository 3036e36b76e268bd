// Package e2e_test lives through what the people live through who install ecr-gate
// into a cluster, and those whose images it refuses: on a real cluster, with the real
// chart and the real image. README.md says how to run it.
package e2e_test

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

// repository is the root of the repository, as seen from a test of this package.
const repository = "../.."

// TestMain is run three times: outside, where everything is built; as process 1 of
// the sandbox; and inside it, where the cluster is started and the stories are told.
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
	os.Exit(outside())
}

// outside builds, and runs the rest in the sandbox.
func outside() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // what was made is removed also when nobody reads on
	code, err := prepareAndEnter(ctx)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return code
}

func prepareAndEnter(ctx context.Context) (code int, err error) {
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
	b, err := newBed(cache)
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(b.Work) }()
	defer b.log().Print()
	start := time.Now()
	if err := b.build(ctx); err != nil {
		return 0, err
	}
	environment, err := b.environment()
	if err != nil {
		return 0, err
	}
	code, err = sandbox.Enter(ctx, filepath.Join(cache, "sandbox"), environment)
	b.log().Note("all of it", time.Since(start), "")
	if code != 0 || err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "e2e: failed; the logs of all programs and pods are in %s\n", b.Logs)
	}
	return code, err
}

func (b bed) log() timings.Log {
	return timings.Log{Path: filepath.Join(b.Logs, "timings.jsonl"), Out: os.Stdout}
}

// build makes everything the sandbox needs: it has no network.
func (b *bed) build(ctx context.Context) error {
	log := b.log()
	err := log.Do("Debian packages", func() error { return host.Prepare(ctx, os.Stdout) })
	if err != nil {
		return err
	}
	builder := binaries.Builder{Modules: "bin", Out: os.Stdout}
	for _, module := range []struct {
		name   string
		module binaries.Module
		folder *string
	}{
		{"Kubernetes", binaries.Kubernetes, &b.Kubernetes},
		{"etcd", binaries.Etcd, &b.Etcd},
		{"CoreDNS", binaries.CoreDNS, &b.CoreDNS},
		{"Helm", binaries.Helm, &b.Helm},
	} {
		err := log.Do("programs: "+module.name, func() (err error) {
			*module.folder, err = builder.Build(ctx, module.module)
			return err
		})
		if err != nil {
			return err
		}
	}
	return log.Do("images", func() error { return b.buildImages(ctx) })
}
