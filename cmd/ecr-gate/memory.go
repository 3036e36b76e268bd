package main

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/ecr-gate/ecr-gate/gate"
)

// gcPercent lets the heap grow to five times what is alive before it is collected.
// That is little for most of the time, so Go's own 100 would collect many times in
// a second under load, and one review in a hundred would wait for it.
const gcPercent = 400

// memoryLimit is what GOMEMLIMIT says, which the chart sets; false: there is none.
func memoryLimit() (bytes int64, ok bool) {
	bytes = debug.SetMemoryLimit(-1)
	return bytes, bytes != math.MaxInt64
}

// collectSeldom is for a process with a memory limit: near it Go collects as often as
// it takes. GOGC, if it is set, holds.
func collectSeldom() {
	if _, limited := memoryLimit(); limited && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// limitMemory has garbage collected in time: at the function's limit Lambda ends the
// process, and nobody reports the job.
func limitMemory() {
	if size, err := strconv.ParseInt(os.Getenv(envMemory), 10, 64); err == nil && size > 0 {
		debug.SetMemoryLimit(size << 20 * 8 / 10)
	}
}

// cacheBytes is how much the cache may hold: of a memory limit a third, since Go's
// garbage and the answers that are being read need room as well. A collector cannot
// help a process whose cache alone is larger than its limit.
func cacheBytes() uint64 {
	limit, limited := memoryLimit()
	if !limited {
		return gate.DefaultCacheBytes
	}
	return min(gate.DefaultCacheBytes, uint64(max(limit, 3))/3)
}
