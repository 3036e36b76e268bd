package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// IsInit tells if the program is process 1 of the sandbox: all it has to do is to
// call Init.
func IsInit() bool { return os.Getenv(variable) == asInit }

// Init is the life of process 1, from the start to the exit code.
func Init() int {
	code, err := processOne()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "e2e: sandbox:", err)
		return 1
	}
	return code
}

// processOne makes the sandbox habitable, starts the program proper and adopts the
// orphans. When it ends, the kernel ends all others.
func processOne() (code int, err error) {
	if err := furnish(); err != nil {
		return 0, err
	}
	child := exec.Command("/proc/self/exe", os.Args[1:]...) //nolint:gosec,noctx // ourselves, and its end is ours
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.Env = append(os.Environ(), variable+"="+asInside)
	if err := child.Start(); err != nil {
		return 0, err
	}
	return reap(child.Process.Pid)
}

// reap waits for all children, most of them containerd's shims, until the one ends.
func reap(until int) (code int, err error) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, fmt.Errorf("waiting for children: %w", err)
		case pid == until && status.Signaled():
			return 128 + int(status.Signal()), nil
		case pid == until:
			return status.ExitStatus(), nil
		}
	}
}

// furnish mounts what a machine of its own has, in mounts that nobody outside sees.
func furnish() error {
	// Private first, so that nothing gets out; then shared, as pods need it.
	for _, flag := range []uintptr{syscall.MS_PRIVATE, syscall.MS_SHARED} {
		if err := syscall.Mount("", "/", "", flag|syscall.MS_REC, ""); err != nil {
			return fmt.Errorf("changing mount propagation: %w", err)
		}
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	for _, folder := range private {
		if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "mode=0755"); err != nil {
			return fmt.Errorf("mounting %s: %w", folder, err)
		}
	}
	if err := os.MkdirAll(State, 0o700); err != nil {
		return err
	}
	if err := shadowSysctls(); err != nil {
		return err
	}
	if err := raiseLoopback(); err != nil {
		return err
	}
	return makeCgroups()
}

// shadowSysctls lets the kubelet set the kernel parameters it insists on, without
// the kernel hearing of it.
func shadowSysctls() error {
	parameters := []string{
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	}
	for _, parameter := range parameters {
		real := "/proc/sys/" + parameter
		value, err := os.ReadFile(real) //nolint:gosec // a kernel parameter
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		shadow := filepath.Join(State, "sysctl", parameter)
		if err := os.MkdirAll(filepath.Dir(shadow), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(shadow, value, 0o600); err != nil { //nolint:gosec // named above
			return err
		}
		if err := syscall.Mount(shadow, real, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("shadowing %s: %w", real, err)
		}
	}
	return nil
}
