package webhook

import (
	"context"
	"net"
	"sync"

	"golang.org/x/sync/semaphore"
)

// shares bound what each peer holds of a room. Who wants more waits behind
// itself, and not before others in the room's own queue. nil: there is no such bound.
type shares struct {
	each int64

	mu sync.Mutex
	of map[string]*share // by address without a port
}

// share is one peer's, for as long as anything of it is there or waits.
type share struct {
	free  *semaphore.Weighted
	holds int // how many times
}

func newShares(each int64) *shares { return &shares{each: each, of: map[string]*share{}} }

// enter waits for so much of the peer's share, until ctx ends.
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
	own.holds++
	return own.free
}

// leave gives it back.
func (s *shares) leave(peer string, size int64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	host := hostOf(peer)
	own := s.of[host]
	own.free.Release(size)
	if own.holds--; own.holds == 0 {
		delete(s.of, host)
	}
}

type peerKey struct{}

// fromPeer is a review's context that says which peer asks, by address and port: of
// controller-runtime's request nobody could tell.
func fromPeer(ctx context.Context, peer string) context.Context {
	return context.WithValue(ctx, peerKey{}, peer)
}

// peerIn is the peer who asks; who is not known is one peer.
func peerIn(ctx context.Context) string {
	peer, _ := ctx.Value(peerKey{}).(string)
	return peer
}

// hostOf is an address without its port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
