package main

import (
	"context"
	"time"
)

// quiet is what the process is when nobody asks it anything: the least of what was
// seen for a while, since what ends in a moment is no leak.
type quiet struct {
	goroutines, resident, files int
	images                      int // pushed so far
}

// quieten waits until nothing is under way and looks at the process.
func (s *soak) quieten(ctx context.Context) (quiet, error) {
	s.progress.phase("a quiet moment")
	s.process.CloseIdle()
	var least quiet
	for end := time.Now().Add(s.quiet); time.Now().Before(end) && pause(ctx, 100*time.Millisecond); {
		m, err := s.process.Metrics(ctx)
		if err != nil {
			return quiet{}, err
		}
		now := quiet{m.Goroutines(), m.Resident(), m.Files(), 0}
		if least.goroutines == 0 {
			least = now
		}
		least = quiet{min(least.goroutines, now.goroutines), min(least.resident, now.resident), min(least.files, now.files), 0}
	}
	if err := ctx.Err(); err != nil {
		return quiet{}, err
	}
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	least.images = s.world.last
	return least, nil
}

// What may be more at the end than after warming up. Connections to AWS that nobody
// uses are kept: up to ten to a host of each of the SDK's clients (ECR, CodePipeline,
// S3), at two goroutines and one file each, and jobs wait all the while.
const (
	moreGoroutines = 60
	moreFiles      = 30
	moreMemory     = 24 << 20 // what the runtime keeps of a peak
	perImage       = 16 << 10 // an image in the cache, with its tag, its digest and its scan
)

// compare wants no growth.
func (s *soak) compare() {
	if s.last.goroutines > s.first.goroutines+moreGoroutines {
		s.tally.violate("goroutines grew from %d to %d between two quiet moments", s.first.goroutines, s.last.goroutines)
	}
	if s.last.files > s.first.files+moreFiles {
		s.tally.violate("open files grew from %d to %d between two quiet moments", s.first.files, s.last.files)
	}
	allowed := moreMemory + perImage*(s.last.images-s.first.images)
	if s.last.resident > s.first.resident+allowed {
		s.tally.violate("memory grew from %d MiB to %d MiB between two quiet moments, by more than %d MiB", s.first.resident>>20, s.last.resident>>20, allowed>>20)
	}
}
