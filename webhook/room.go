package webhook

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

// room bounds what there is at a time, bodies in bytes and questions by number:
// anybody in the cluster may be able to reach the port.
type room struct {
	free   *semaphore.Weighted
	shares *shares
}

func newRoom(size int64) room { return room{free: semaphore.NewWeighted(size)} }

// newSharedRoom is one of which each peer has half, so that none alone can fill it.
func newSharedRoom(size int64) room {
	return room{free: semaphore.NewWeighted(size), shares: newShares(size / 2)}
}

// take waits for so much of the room, for a peer by its address and port, until ctx
// ends.
func (r room) take(ctx context.Context, peer string, size int64) error {
	if err := r.shares.enter(ctx, peer, size); err != nil {
		return err
	}
	if err := r.free.Acquire(ctx, size); err != nil {
		r.shares.leave(peer, size)
		return err
	}
	return nil
}

// giveBack is for what was taken, all of it at once.
func (r room) giveBack(peer string, size int64) {
	r.free.Release(size)
	r.shares.leave(peer, size)
}

// leastRoom is what every body takes, however small: a review takes more memory
// than its body.
const leastRoom = 16 << 10

// body is one that is in the room.
type body struct {
	room room
	peer string // its address and port
	held int64
}

// enter waits for room for all of the body that a request says it has, until ctx
// ends. The body then has to arrive within readTimeout.
func (r room) enter(ctx context.Context, w http.ResponseWriter, request *http.Request) (body, error) {
	size, peer := max(request.ContentLength, leastRoom), request.RemoteAddr
	if err := r.take(ctx, peer, size); err != nil {
		return body{}, err
	}
	hurry(w)
	return body{r, peer, size}, nil
}

// hurry has what was not read yet of a request arrive within readTimeout. Where that is
// not supported the server's own timeouts hold.
func hurry(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTimeout))
}

// leaveUnread is for a request that is refused though its body may not have come. It is
// answered at once and its connection closed. Before it does so net/http reads what is
// left of the body, and without a deadline it would wait for that for ever.
func leaveUnread(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	hurry(w)
}

// leave gives the room back.
func (b body) leave() { b.room.giveBack(b.peer, b.held) }
