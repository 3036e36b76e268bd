package gate

import (
	"errors"
	"math"
	"time"
)

// fact is one answer of the source. It never changes once it is in the cache.
type fact struct {
	at time.Time // when the source was asked
	life
	retry time.Duration // the age before which the source, having failed to answer, is left alone

	trouble    *Trouble // not nil: that was the answer
	resolution Resolution
	scan       packedScan
	reading    *Reading // of a result that may still grow, for the next look
}

// answers reports whether the fact answers by itself at this time, and as what.
func (f *fact) answers(now time.Time) (CacheResult, bool) {
	if f == nil {
		return "", false
	}
	switch age := now.Sub(f.at); {
	case age < f.fresh:
		return CacheHit, true
	case age < f.stale && age < f.retry:
		return CacheStale, true
	default:
		return "", false
	}
}

// ageing reports whether a fresh fact is worth reading anew, before it is missed.
func (f *fact) ageing(now time.Time) bool {
	age := now.Sub(f.at)
	return age < f.fresh && age >= f.refresh && age >= f.retry
}

// bridges reports whether the fact may stand in where the source does not answer.
func (f *fact) bridges(now time.Time) bool { return f != nil && now.Sub(f.at) < f.stale }

// after is what to hold once f came in where held was. Where there was no answer
// the earlier one stays, and the source is left alone for a moment.
func (f *fact) after(held *fact, now time.Time) *fact {
	if held == nil || f.trouble == nil {
		return f
	}
	_, answers := held.answers(now)
	if f.unanswered() && (answers || held.bridges(now)) {
		kept := *held
		kept.retry = now.Sub(held.at) + jitter(retryAfter)
		return &kept
	}
	refused := *f
	refused.reading = held.reading
	return &refused
}

// unanswered reports whether this is no answer at all. Only that may be bridged:
// a cause that is not named here is an answer, and stands.
func (f *fact) unanswered() bool {
	return f.trouble != nil && f.trouble.Cause == NotReadable && f.trouble.Passing
}

// problem is the trouble as an error of the caller's own.
func (f *fact) problem() error {
	t := *f.trouble
	return &t
}

// flat is the trouble with what lies beneath it as text. An SDK's error holds on
// to the whole exchange, which nobody could weigh.
func flat(err error) *Trouble {
	t := *AsTrouble(err)
	if t.Err != nil {
		t.Err = errors.New(Clip(t.Err.Error(), 1000))
	}
	return &t
}

// Sizes in bytes of what a fact consists of. The allocator rounds up: by an
// eighth at most, and the fixed part is what was measured.
const (
	factBytes     = 640 // fact, key and the store's own node
	manifestBytes = 32
	troubleBytes  = 128
)

// weigh counts the bytes that a fact takes.
func weigh(k factKey, f *fact) uint32 {
	n := len(k.registry) + len(k.repository) + len(k.name) + len(f.scan.blob) + len(f.resolution.Digest)
	for _, m := range f.resolution.Manifests {
		n += manifestBytes + len(m.Platform) + len(m.Digest)
	}
	for _, t := range []*Trouble{f.trouble, f.scan.trouble} {
		if t != nil {
			n += troubleBytes + len(t.Text) + len(t.Mend)
			if t.Err != nil {
				n += len(t.Err.Error())
			}
		}
	}
	n += n/8 + factBytes
	return uint32(min(n, math.MaxUint32)) // that is the bound
}
