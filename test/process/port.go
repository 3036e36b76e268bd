package process

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// reserved are TCP ports that nobody else who reserves takes, in this process or
// another: the UDP ports of the same numbers are held.
type reserved []net.PacketConn

func (r reserved) release() {
	for _, c := range r {
		_ = c.Close() // nothing was ever sent
	}
}

// reserve writes the numbers of free ports. They are below those that the system
// gives to connections (32768 and up on Linux): one of those would often be taken by
// the time the process wants it.
func reserve(ctx context.Context, ports []string) (held reserved, err error) {
	for i := range ports {
		c, err := reserveOne(ctx)
		if err != nil {
			held.release()
			return nil, err
		}
		held = append(held, c)
		if _, ports[i], err = net.SplitHostPort(c.LocalAddr().String()); err != nil {
			held.release()
			return nil, err
		}
	}
	return held, nil
}

// FreePort is the number of a TCP port for a server in this process. Until it is released
// nobody else gets it who asks here, in this process or another.
func FreePort(ctx context.Context) (port string, release func(), err error) {
	ports := make([]string, 1)
	held, err := reserve(ctx, ports)
	return ports[0], held.release, err
}

func reserveOne(ctx context.Context) (net.PacketConn, error) {
	var failures error
	for range 20 {
		c, err := reservePort(ctx, strconv.Itoa(20_000+rand.IntN(12_000))) //nolint:gosec // no secret
		if err == nil {
			return c, nil
		}
		failures = errors.Join(failures, err)
	}
	return nil, failures
}

func reservePort(ctx context.Context, port string) (net.PacketConn, error) {
	address, listen := net.JoinHostPort("127.0.0.1", port), net.ListenConfig{}
	c, err := listen.ListenPacket(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	l, err := listen.Listen(ctx, "tcp", ":"+port)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, l.Close() // it was only to see that nobody has it
}
