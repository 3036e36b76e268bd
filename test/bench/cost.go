package main

import (
	"runtime"
	"syscall"
	"time"
)

// cost is what doing something once takes. The time is the processor's, with the
// collector's: on a busy machine the clock on the wall measures the others.
type cost struct {
	time   time.Duration
	allocs float64
}

// batches are how often a cost is measured. The lowest counts: what else runs on the
// machine can only add to it, and the shorter a batch, the likelier it is left alone.
const batches = 25

// costOf does it over and over, for about as long as budget says.
func costOf(budget time.Duration, do func() error) (cost, error) {
	began := time.Now()          // of all
	if err := do(); err != nil { // to warm up, and to see how long it takes
		return cost{}, err
	}
	once := max(time.Since(began), time.Microsecond)
	times := max(1, int(budget/batches/once))
	lowest := cost{time: time.Duration(1<<63 - 1)}
	for batch := range batches {
		if batch >= 3 && time.Since(began) > 2*budget {
			break // what is slow is measured a few times
		}
		before := mallocs()
		from := processorTime()
		for range times {
			if err := do(); err != nil {
				return cost{}, err
			}
		}
		took := (processorTime() - from) / time.Duration(times)
		if took < lowest.time {
			lowest = cost{took, float64(mallocs()-before) / float64(times)}
		}
	}
	return lowest, nil
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
