package webhook

import (
	"context"
	"net"
	"sync"

	"golang.org/x/sync/semaphore"
)

// shares bound what each peer holds of a room, in bytes. Who wants more waits behind
// itself, and not before others in the room's own queue. nil: there is no such bound.
type shares struct {
	each int64

	mu sync.Mutex
	of map[string]*share // by address without a port
}

// share is one peer's, for as long as a body of it is there or waits.
type share struct {
	free   *semaphore.Weighted
	bodies int
}

func newShares(each int64) *shares { return &shares{each: each, of: map[string]*share{}} }

// enter waits for so many bytes of the peer's share, until ctx ends.
func (s *shares) enter(ctx context.Context, peer string, size int64) error {
	if s == nil {
		return nil
	}
	err := s.join(peer).Acquire(ctx, size)
	if err != nil {
		s.leave(peer, 0)
	}
	return err
}

func (s *shares) join(peer string) *semaphore.Weighted {
	s.mu.Lock()
	defer s.mu.Unlock()
	host := hostOf(peer)
	own := s.of[host]
	if own == nil {
		own = &share{free: semaphore.NewWeighted(s.each)}
		s.of[host] = own
	}
	own.bodies++
	return own.free
}

// leave gives the bytes back.
func (s *shares) leave(peer string, size int64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	host := hostOf(peer)
	own := s.of[host]
	own.free.Release(size)
	if own.bodies--; own.bodies == 0 {
		delete(s.of, host)
	}
}

// hostOf is an address without its port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
