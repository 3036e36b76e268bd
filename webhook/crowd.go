package webhook

import (
	"net"
	"sync"
)

// crowd is a listener that lets in a bounded number of connections, in all and from
// each address, and closes others at once: to let them wait, as netutil's does,
// would have the API server wait behind them.
type crowd struct {
	net.Listener
	most, mostEach int

	mu   sync.Mutex
	all  int
	each map[string]int
}

func newCrowd(l net.Listener, most, mostEach int) *crowd {
	return &crowd{Listener: l, most: most, mostEach: mostEach, each: map[string]int{}}
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer := peerOf(conn)
		if c.enter(peer) {
			return &member{Conn: conn, leave: sync.OnceFunc(func() { c.leave(peer) })}, nil
		}
		_ = conn.Close() // nothing was read or written
	}
}

func (c *crowd) enter(peer string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= c.most || c.each[peer] >= c.mostEach {
		return false
	}
	c.all++
	c.each[peer]++
	return true
}

func (c *crowd) leave(peer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.each[peer]--; c.each[peer] == 0 {
		delete(c.each, peer)
	}
}

// member is a connection that was let in.
type member struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (m *member) Close() error {
	m.leave()
	return m.Conn.Close()
}

func peerOf(conn net.Conn) string { return hostOf(conn.RemoteAddr().String()) }
