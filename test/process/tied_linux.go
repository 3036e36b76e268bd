package process

import "syscall"

// tied has the kernel kill the process when whoever started it is gone, however
// that came about. A Ctrl-C is for the one who started it alone.
func tied() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
