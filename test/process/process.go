package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Options say how `serve` is started.
type Options struct {
	Binary string // of [Build.Make]
	Config string // the text of the configuration file
	// Files lie beside it from the start, such as exceptions; by name.
	Files map[string]string
	// Env is added to the environment: that of an awslocal.Server, and what else
	// there is to say. Nothing of AWS or Kubernetes is inherited.
	Env []string
	// Dir is where configuration and certificate lie: that of an earlier process, or
	// empty for one of its own, which Close removes.
	Dir  string
	Args []string // added to those of serve
}

// Process is a running `serve`, or one that has ended. Its methods may be called
// from several goroutines.
type Process struct {
	Dir string // where the configuration and the certificate lie
	PID int

	own     bool // the folder is
	command *exec.Cmd
	client  *http.Client // of the webhook
	plain   *http.Client // of metrics and probes
	hook    string
	metrics string
	probes  string
	ports   reserved
	log     *journal
	ended   chan struct{} // closed when it has ended

	mu      sync.Mutex
	trusted []string // certificates that were in the folder, the newest last
}

// The files in [Process.Dir].
const (
	configFile = "gate.yaml"
	certFile   = "tls.crt"
	keyFile    = "tls.key"
)

// Start starts it. It is killed when ctx ends, and by Close.
func Start(ctx context.Context, o Options) (_ *Process, err error) {
	p := &Process{Dir: o.Dir, own: o.Dir == "", log: &journal{}, ended: make(chan struct{})}
	if p.own {
		if p.Dir, err = os.MkdirTemp("", "ecr-gate-process-"); err != nil {
			return nil, err
		}
	}
	if err = p.prepare(ctx, o); err == nil {
		err = p.command.Start()
	}
	if err != nil {
		return nil, errors.Join(err, p.remove())
	}
	p.PID = p.command.Process.Pid
	go p.wait()
	return p, nil
}

func (p *Process) prepare(ctx context.Context, o Options) error {
	for name, text := range o.Files {
		if err := p.WriteFile(name, text); err != nil {
			return err
		}
	}
	if err := p.WriteFile(configFile, o.Config); err != nil {
		return err
	}
	if err := p.RenewCertificate(); err != nil {
		return err
	}
	var ports [3]string
	var err error
	if p.ports, err = reserve(ctx, ports[:]); err != nil {
		return err
	}
	p.hook, p.metrics, p.probes = "https://localhost:"+ports[0]+"/validate", "http://127.0.0.1:"+ports[1]+"/metrics", "http://127.0.0.1:"+ports[2]
	p.client, p.plain = &http.Client{Transport: p.trusting()}, &http.Client{Timeout: 10 * time.Second}
	args := append([]string{
		"serve", "--config", filepath.Join(p.Dir, configFile), "--webhook-cert-path", p.Dir, "--webhook-port", ports[0],
		"--metrics-bind-address", "127.0.0.1:" + ports[1], "--health-probe-bind-address", "127.0.0.1:" + ports[2],
	}, o.Args...)
	p.command = exec.CommandContext(ctx, o.Binary, args...) //nolint:gosec // a binary of the test's own
	// Nothing of this machine's AWS and cluster may reach it.
	p.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.Dir, "TMPDIR=" + cmp.Or(os.Getenv("TMPDIR"), os.TempDir())}, o.Env...)
	p.command.Stderr = p.log
	p.command.SysProcAttr = tied()
	return nil
}

func (p *Process) wait() {
	_ = p.command.Wait() // what it ended with is in the state
	close(p.ended)
}

// WriteFile replaces a file in the folder, whole or not at all, as an editor and
// Kubernetes do.
func (p *Process) WriteFile(name, text string) error {
	whole := filepath.Join(p.Dir, name)
	if err := os.WriteFile(whole+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(whole+".new", whole)
}

// Configure replaces the configuration file, which the process follows.
func (p *Process) Configure(text string) error { return p.WriteFile(configFile, text) }

// Ready waits until reviews are answered.
func (p *Process) Ready(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := p.get(ctx, p.probes+"/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return fmt.Errorf("the process ended (%s) before it was ready: %s", p.command.ProcessState, p.log.last())
		case <-ctx.Done():
			return fmt.Errorf("the process is not ready: %w; it said last: %s", err, p.log.last())
		}
	}
}

// Signal sends a signal, such as SIGTERM. One that has ended takes it in silence.
func (p *Process) Signal(signal syscall.Signal) error {
	if err := p.command.Process.Signal(signal); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Wait waits for the end and returns the exit code, -1 for one that a signal ended.
func (p *Process) Wait(ctx context.Context) (code int, err error) {
	select {
	case <-p.ended:
		return p.command.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("the process has not ended: %w", ctx.Err())
	}
}

// Close kills it if it still runs, and removes what is its own.
func (p *Process) Close() error {
	_ = p.Signal(syscall.SIGKILL)
	<-p.ended
	p.client.CloseIdleConnections()
	p.plain.CloseIdleConnections()
	return p.remove()
}

func (p *Process) remove() error {
	p.ports.release()
	if !p.own {
		return nil
	}
	return os.RemoveAll(p.Dir)
}
