package gate

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// Room bounds the findings that are taken apart and judged at a time in a whole
// process, by the memory they take: one pod may name a hundred images, or one image
// in a hundred ways, and judging is nothing that goes faster side by side. What is
// large waits by itself, one at a time, so that nobody else waits for it.
//
// A nil Room has room for any number. It is safe for concurrent use.
type Room struct{ small, large *semaphore.Weighted }

// Sizes in bytes, as [sizeOf] counts; with the verdict and what the collector has not
// yet come to it is several times that.
const (
	smallImage = 512 << 10 // about 2,400 findings; more is large
	smallRoom  = 8 << 20   // of small images at a time
	maxImage   = 24 << 20  // over all platforms, about 110,000 findings; more is not judged
	leastImage = 8 << 10   // what any takes
)

// NewRoom is for all gates of one process to share.
func NewRoom() *Room {
	return &Room{small: semaphore.NewWeighted(smallRoom), large: semaphore.NewWeighted(1)}
}

// place is what one image takes of a room. The zero value is none.
type place struct {
	in   *semaphore.Weighted
	size int64
}

// enter waits for a place for an image of this size, until ctx ends. Its error is a
// *[Trouble].
func (r *Room) enter(ctx context.Context, size int) (place, error) {
	if r == nil {
		return place{}, nil
	}
	p := place{r.small, int64(max(size, leastImage))}
	if size > smallImage {
		p = place{r.large, 1}
	}
	if err := p.in.Acquire(ctx, p.size); err != nil {
		return place{}, &Trouble{Cause: NotReadable, Passing: true, Text: "ecr-gate is busy judging other images", Mend: "try again", Err: err}
	}
	return p, nil
}

// leave gives the place back.
func (p place) leave() {
	if p.in != nil {
		p.in.Release(p.size)
	}
}

// Sizes in bytes of what a list of findings consists of, but for its texts, which
// are part of what the cache holds.
const (
	findingBytes = 136
	packageBytes = 80
	relatedBytes = 16
)

// sizeOf is how many bytes a list of findings takes.
func sizeOf(findings []Finding) int {
	n := len(findings) * findingBytes
	for i := range findings {
		n += len(findings[i].Packages)*packageBytes + len(findings[i].Related)*relatedBytes
	}
	return n
}
