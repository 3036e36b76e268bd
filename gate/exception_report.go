package gate

import (
	"slices"
	"time"
)

// SoonExpiring is how long before its end an exception is reported.
const SoonExpiring = 14 * 24 * time.Hour

// ExceptionState is what there is to say of an exception.
type ExceptionState string

// The states worth reporting. An exception may be both used and soon expiring.
const (
	ExceptionExpired  ExceptionState = "expired"
	ExceptionExpiring ExceptionState = "expiring"
	ExceptionUnused   ExceptionState = "unused" // matched nothing in this image
)

// ExceptionReport is an exception that wants somebody's attention.
type ExceptionReport struct {
	State ExceptionState `json:"state"`
	IDs   []string       `json:"ids,omitempty"`
	ExceptionNote
}

// exceptionReports are on every exception whose repositories and digests include the
// image. Whether one is unused can be said only where every platform's findings
// were looked at.
func (r *rules) exceptionReports(v Verdict) []ExceptionReport {
	if len(r.exceptions) == 0 {
		return nil
	}
	digests := make([]string, len(v.Manifests))
	for i, m := range v.Manifests {
		digests[i] = m.Digest
	}
	judged := !slices.ContainsFunc(v.Manifests, func(m ManifestVerdict) bool { return !m.judged() })
	var reports []ExceptionReport
	for i, e := range r.exceptions {
		_, used := slices.BinarySearch(v.Used, i)
		if state := e.state(r.now, used || !judged); state != "" && e.AppliesTo(r.img, digests...) {
			reports = append(reports, ExceptionReport{state, e.IDs, e.note()})
		}
	}
	return reports
}

func (e Exception) state(now time.Time, used bool) ExceptionState {
	switch {
	case e.Lapsed(now):
		return ExceptionExpired
	case !used:
		return ExceptionUnused
	case !e.ExpiresAt.IsZero() && e.ExpiresAt.Sub(now) <= SoonExpiring:
		return ExceptionExpiring
	default:
		return ""
	}
}

// MergeReports puts the reports of several verdicts together: an exception is
// unused only if no image used it, and each is named once.
func MergeReports(verdicts []Verdict) []ExceptionReport {
	used := map[string]bool{}
	for _, v := range verdicts {
		for _, x := range v.Excepted {
			for _, n := range x.Exceptions {
				used[n.Source] = true
			}
		}
	}
	var merged []ExceptionReport
	seen := map[string]bool{}
	for _, v := range verdicts {
		for _, e := range v.Exceptions {
			if seen[e.Source] || e.State == ExceptionUnused && used[e.Source] {
				continue
			}
			seen[e.Source] = true
			merged = append(merged, e)
		}
	}
	return merged
}
