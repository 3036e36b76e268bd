//go:build !linux

package process

import "syscall"

// tied: only Linux can tie one process to another; elsewhere Close has to be called.
func tied() *syscall.SysProcAttr { return nil }
