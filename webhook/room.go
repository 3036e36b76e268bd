package webhook

import (
	"context"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

// room bounds the bodies in memory at a time, in bytes: anybody in the cluster may
// be able to reach the port.
type room struct {
	free   *semaphore.Weighted
	shares *shares
}

func newRoom(size int64) room { return room{free: semaphore.NewWeighted(size)} }

// newSharedRoom is one of which each peer has half, so that none alone can fill it.
func newSharedRoom(size int64) room {
	return room{free: semaphore.NewWeighted(size), shares: newShares(size / 2)}
}

// leastRoom is what every body takes, however small: a review takes more memory
// than its body.
const leastRoom = 16 << 10

// body is one that is in the room.
type body struct {
	io.ReadCloser
	room room
	peer string // its address and port
	held int64
	late *time.Timer
}

// enter waits for room for all of the body that a request says it has, until ctx
// ends. The body then has to arrive within readTimeout.
func (r room) enter(ctx context.Context, w http.ResponseWriter, request *http.Request) (*body, error) {
	size, peer := max(request.ContentLength, leastRoom), request.RemoteAddr
	if err := r.shares.enter(ctx, peer, size); err != nil {
		return nil, err
	}
	if err := r.free.Acquire(ctx, size); err != nil {
		r.shares.leave(peer, size)
		return nil, err
	}
	connection := http.NewResponseController(w)
	return &body{
		ReadCloser: request.Body, room: r, peer: peer, held: size,
		late: time.AfterFunc(readTimeout, func() {
			// Where it is not supported the server's own timeouts hold.
			_ = connection.SetReadDeadline(time.Now())
		}),
	}, nil
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.late.Stop()
	}
	return n, err
}

// leave gives the room back.
func (b *body) leave() {
	b.late.Stop()
	b.room.free.Release(b.held)
	b.room.shares.leave(b.peer, b.held)
}
