package gate

import (
	"math/rand/v2"
	"time"
)

// life is for how long a fact is what.
type life struct {
	fresh   time.Duration // until this age it answers
	refresh time.Duration // from this age on it is read anew in the background, if it is asked for
	stale   time.Duration // until this age it stands in where the source does not answer; 0: never
}

// How long facts hold.
const (
	freshTag        = 10 * time.Second // a tag moves, and is to be resolved afresh within seconds
	staleTag        = 2 * time.Minute
	freshDigest     = 6 * time.Hour // a digest names the same bytes for ever
	staleDigest     = 24 * time.Hour
	freshScan       = 10 * time.Minute // finished and settled
	staleScan       = time.Hour
	freshFinal      = time.Minute      // finished, and not with a result
	freshUnfinished = 15 * time.Second // may be finished in a moment; not shorter than settleGap, or no two looks would agree
	freshTrouble    = 10 * time.Second
	freshStart      = time.Minute

	retryAfter    = 5 * time.Second // how long a source that does not answer is left alone
	stalePatience = time.Second     // how long it is waited for while there is an earlier answer
)

// lasting is a life that is read anew when 70 % of it are over.
func lasting(fresh, stale time.Duration) life {
	return life{fresh: fresh, refresh: fresh * 7 / 10, stale: stale}
}

// jitter is a time longer or shorter by up to a fifth, so that replicas do not
// march in step.
func jitter(d time.Duration) time.Duration {
	fifth := d / 5
	return d - fifth + rand.N(2*fifth+1) //nolint:gosec // no secret
}

// lifeOfResolution: one by digest is immutable, if it is of the digest asked for.
func lifeOfResolution(key factKey, r Resolution) life {
	switch {
	case key.kind == digestFact && r.Digest == key.name:
		return lasting(freshDigest, staleDigest)
	case key.kind == tagFact && r.Digest != "":
		return lasting(jitter(freshTag), staleTag)
	default:
		return lasting(jitter(freshTrouble), 0)
	}
}

// lifeOfScan is long only for what cannot be better in a moment. Whatever is not
// known to be so lives shortly, and never stands in for a newer answer.
func lifeOfScan(s Scan, now time.Time) life {
	switch {
	case finished(s) && s.settled(now) && s.whole() && s.Type != Basic && now.Sub(s.CompletedAt) <= SettleWindow:
		// Two looks agreed, and a third may yet say more.
		return lasting(jitter(freshUnfinished), 0)
	case finished(s) && s.settled(now) && s.whole():
		return lasting(freshScan, staleScan)
	case s.Trouble == nil && s.Status.final():
		return lasting(jitter(freshFinal), 0)
	default:
		l := lasting(jitter(freshUnfinished), 0)
		l.refresh = max(l.refresh, settleGap) // two looks any closer say nothing
		return l
	}
}

func finished(s Scan) bool { return s.Trouble == nil && unfinished(s) == nil }

// final reports whether a status will not turn into a result by itself.
func (s Status) final() bool {
	switch s {
	case StatusFailed, StatusUnsupported, StatusExpired, StatusArchived:
		return true
	default:
		return false
	}
}

// whole reports whether the list is one that a verdict can rest on under any
// policy: as long as AWS counts, and with no status that this version does not
// know.
func (s Scan) whole() bool {
	var listed, counted [Critical + 1]int
	for i := range s.Findings {
		if s.Findings[i].Status >= StatusUnknown {
			return false
		}
		listed[s.Findings[i].Severity.known()]++
	}
	for severity, n := range s.Counts {
		counted[severity.known()] += max(n, 0)
	}
	for severity, n := range counted {
		if n > listed[severity] {
			return false
		}
	}
	return true
}

// lifeOfStart: neither asked again in the background, nor bridged.
func lifeOfStart() life {
	fresh := jitter(freshStart)
	return life{fresh: fresh, refresh: fresh}
}

// keep is the age after which the fact is of no use. An unsettled result is
// held longer than it answers: for the next look to agree with.
func (l life) keep() time.Duration { return max(l.fresh, l.stale) + SettleWindow }
