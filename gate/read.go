package gate

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// packedSource is a source that can leave a scan packed. What it returns is shared,
// and nobody may change it.
type packedSource interface {
	packedScan(ctx context.Context, img Image, m Manifest) (s *packedScan, stale bool, err error)
}

// readScan is what came of reading one platform's scan.
type readScan struct {
	began  time.Time
	packed *packedScan // nil: it is as it is
	stale  bool        // the packed one
	scan   Scan
	err    error
}

// readAgain is how long a large image's scans are waited for while nobody else has its
// place. They were read just before, so they are in the cache, as a rule.
const readAgain = time.Second

// openScans reads every platform's scan; one that cannot be read carries its
// trouble, and the others count all the same. Lists are large beside what the cache
// holds of them, so they are unpacked once there is room. Of the manifests the first
// ones, own, are the image's, and the others its baseline's. An error says that there
// was no room, or never is.
func (g *Gate) openScans(ctx context.Context, img Image, manifests []Manifest, own int, readings map[string]Reading) ([]Scan, place, error) {
	var one [1]readScan
	read, size, err := g.readScans(ctx, img, manifests, own, one[:])
	if err != nil {
		return nil, place{}, err
	}
	if _, packs := g.Source.(packedSource); packs && size > smallImage && g.Room != nil {
		return g.openLarge(ctx, img, manifests, own, readings)
	}
	in, err := g.Room.enter(ctx, size)
	if err != nil {
		return nil, place{}, err
	}
	return in.opened(read, manifests, readings)
}

// openLarge waits for its place first, and holds nothing until then: the cache does.
// What the cache has forgotten by then it reads without the place.
func (g *Gate) openLarge(ctx context.Context, img Image, manifests []Manifest, own int, readings map[string]Reading) ([]Scan, place, error) {
	for {
		in, err := g.Room.enter(ctx, maxImage)
		if err != nil {
			return nil, place{}, err
		}
		again, cancel := context.WithTimeout(ctx, readAgain)
		read, _, err := g.readScans(again, img, manifests, own, make([]readScan, 1))
		late := again.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil && !late {
			return in.opened(read, manifests, readings)
		}
		in.leave()
		if err == nil {
			_, _, err = g.readScans(ctx, img, manifests, own, make([]readScan, 1))
		}
		if err != nil {
			return nil, place{}, err
		}
	}
}

// opened are the scans, in the place. If they cannot be opened it is left.
func (p place) opened(read []readScan, manifests []Manifest, readings map[string]Reading) (scans []Scan, in place, err error) {
	defer func() {
		if err != nil {
			p.leave()
			scans, in = nil, place{}
		}
	}()
	defer contain(&err)
	scans = make([]Scan, len(read))
	for i, m := range manifests {
		scans[i] = read[i].open(m, readings)
	}
	return scans, p, nil
}

func tooLarge() *Trouble {
	return &Trouble{Cause: BadImage, Text: "it has more findings, over all its platforms, than are judged at once", Mend: "build it on a newer base image, or for fewer platforms"}
}

// readScans reads several at a time, and tells their size. Of one manifest, as most
// images have, it reads into the list given. A baseline that is too large is not used; an
// image that is has an error.
func (g *Gate) readScans(ctx context.Context, img Image, manifests []Manifest, own int, one []readScan) ([]readScan, int, error) {
	if len(manifests) == 1 {
		one[0] = g.readScan(ctx, img, manifests[0])
		if size := one[0].size(); size <= maxImage {
			return one, size, nil
		}
		return nil, 0, tooLarge()
	}
	read := make([]readScan, len(manifests))
	var size, baseline atomic.Int64
	var group errgroup.Group
	group.SetLimit(orDefault(g.Parallel, 4))
	for i, m := range manifests {
		sum := &size
		if i >= own {
			sum = &baseline
		}
		group.Go(func() error {
			if sum.Load() <= maxImage { // else the rest is not needed
				read[i] = g.readScan(ctx, img, m)
				sum.Add(int64(read[i].size()))
			}
			return nil
		})
	}
	_ = group.Wait() // the goroutines return no errors
	switch {
	case size.Load() > maxImage:
		return nil, 0, tooLarge()
	case size.Load()+baseline.Load() <= maxImage:
		return read, int(size.Load() + baseline.Load()), nil
	}
	for i := own; i < len(read); i++ {
		read[i] = readScan{began: g.now(), err: tooLarge()}
	}
	return read, int(size.Load()), nil
}

func (g *Gate) readScan(ctx context.Context, img Image, m Manifest) (r readScan) {
	defer contain(&r.err)
	r.began = g.now()
	if p, ok := g.Source.(packedSource); ok {
		r.packed, r.stale, r.err = p.packedScan(ctx, img, m)
	} else {
		r.scan, r.err = g.Source.Scan(ctx, img, m)
	}
	return r
}

func (r *readScan) size() int {
	if r.packed != nil {
		return r.packed.size
	}
	return sizeOf(r.scan.Findings)
}

// open is the scan of a manifest as it is judged, with lists of its own.
func (r *readScan) open(m Manifest, readings map[string]Reading) Scan {
	scan := r.scan
	switch {
	case r.err != nil:
		scan = Scan{Trouble: AsTrouble(r.err)}
	case r.packed != nil:
		scan = r.packed.unpack()
		scan.Stale = scan.Stale || r.stale
	}
	scan.Platform, scan.Digest = m.Platform, m.Digest
	if scan.ReadAt.IsZero() {
		scan.ReadAt = r.began // what came in while it was read may be missing
	}
	if previous, ok := readings[m.Digest]; ok {
		p := previous // moved to the heap only where there is one
		scan.Previous = &p
	}
	return scan
}
