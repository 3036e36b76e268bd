package sandbox

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// raiseLoopback brings up the one device that a new network has.
func raiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("raising lo: %w", err)
	}
	defer func() { _ = unix.Close(socket) }()
	device, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCGIFFLAGS, device); err != nil {
		return fmt.Errorf("raising lo: %w", err)
	}
	device.SetUint16(device.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, device); err != nil {
		return fmt.Errorf("raising lo: %w", err)
	}
	return nil
}
