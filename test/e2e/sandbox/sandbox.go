// Package sandbox runs this very program once more, as root of a machine within the
// machine: with processes, mounts and network of its own. Whatever happens in there,
// a failure, a panic, a time-out, kill -9, the kernel ends its processes, unmounts
// its file systems and removes its bridges, addresses and packet filter rules.
// Nothing in there has a way to the network outside.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// The program finds out by this variable which of its three lives it lives.
const (
	variable = "ECR_GATE_E2E_SANDBOX"
	asInit   = "init"   // process 1, which only mounts and reaps
	asInside = "inside" // the program proper
)

// State is a folder in memory, which is gone with the sandbox.
const State = "/run/ecr-gate-e2e"

// Cgroup is the cgroup under which everything is that runs in containers. Cgroups
// are the one thing that a sandbox cannot have to itself.
const Cgroup = "ecr-gate-e2e"

// private are folders outside of State that programs of the cluster write to,
// wherever they are told to keep their state.
var private = []string{"/run", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers"}

// Inside tells if the program runs in the sandbox.
func Inside() bool { return os.Getenv(variable) == asInside }

// Enter runs the program again, with the same arguments, inside. It returns when
// the sandbox is gone, with the program's exit code. When the context ends, so does
// the sandbox.
//
// The record is a folder that outlives a run that is killed with its parent: it holds
// what the next one has to remove. Whoever wants to look in finds the sandbox's
// process id there, in the file "pid".
func Enter(ctx context.Context, record string, environment ...string) (code int, err error) {
	outside := traces{record}
	if err := os.MkdirAll(record, 0o750); err != nil {
		return 0, err
	}
	outside.remove()
	defer outside.remove()
	if err := outside.make(); err != nil {
		return 0, err
	}

	// The kernel kills the child when the thread that started it ends, not only the
	// process: so this goroutine keeps its thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	child := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...) //nolint:gosec // ourselves
	child.Stdin, child.Stdout, child.Stderr = nil, os.Stdout, os.Stderr
	child.Env = append(append(os.Environ(), environment...), variable+"="+asInit)
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := child.Start(); err != nil {
		return 0, fmt.Errorf("making the sandbox: %w", err)
	}
	if err := os.WriteFile(filepath.Join(record, "pid"), []byte(strconv.Itoa(child.Process.Pid)), 0o600); err != nil { //nolint:gosec // where the caller says
		_ = child.Process.Kill()
		_ = child.Wait()
		return 0, err
	}
	err = child.Wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case errors.As(err, &exit):
		return exit.ExitCode(), nil
	}
	return 0, err
}

// FollowParent makes the kernel send us SIGTERM when the process that started us
// ends, so that a killed `go test` takes the sandbox with it.
func FollowParent() error {
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0)
}
