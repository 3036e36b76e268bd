package webhook

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// crowd is a listener that lets in a bounded number of connections, in all and from
// each address, and closes others at once: to let them wait, as netutil's does,
// would have the API server wait behind them.
type crowd struct {
	net.Listener
	most, mostEach int
	closed         func(peer string) // told of each that is not let in

	mu   sync.Mutex
	all  int
	each map[string]int
}

func newCrowd(l net.Listener, most, mostEach int, closed func(peer string)) *crowd {
	return &crowd{Listener: l, most: most, mostEach: mostEach, closed: closed, each: map[string]int{}}
}

// turnAway counts the connections that a crowd does not let in, and has a line in the
// log for them: the API server's error says no more than EOF.
func (e *Endpoint) turnAway(ctx context.Context, log *slog.Logger) func(peer string) {
	seldom := rate.Sometimes{Interval: time.Second} // whoever opens many must not fill the log too
	return func(peer string) {
		if e.Refused != nil {
			e.Refused(Connections)
		}
		seldom.Do(func() {
			log.WarnContext(ctx, "too many connections; some are closed", "address", peer, "perAddress", maxPerPeer, "inAll", maxConnections)
		})
	}
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
		c.closed(peer)
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
