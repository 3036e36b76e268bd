package gate

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"slices"
	"time"
)

// ScanType is which scanner made a result. The zero value is "not known", which
// is treated as the stricter enhanced where results settle.
type ScanType string

// The two scanners of ECR.
const (
	Basic    ScanType = "BASIC"
	Enhanced ScanType = "ENHANCED"
)

// Status is the scan status in ECR's own words. It is an open set: the enum
// grew in 2021, 2025 and 2026. What is not listed here is never clean.
type Status string

// The scan statuses of the ECR API model of 2026-08.
const (
	StatusInProgress          Status = "IN_PROGRESS"
	StatusPending             Status = "PENDING"
	StatusComplete            Status = "COMPLETE"
	StatusActive              Status = "ACTIVE"
	StatusFailed              Status = "FAILED"
	StatusUnsupported         Status = "UNSUPPORTED_IMAGE"
	StatusExpired             Status = "SCAN_ELIGIBILITY_EXPIRED"
	StatusFindingsUnavailable Status = "FINDINGS_UNAVAILABLE"
	StatusLimitExceeded       Status = "LIMIT_EXCEEDED"
	StatusArchived            Status = "IMAGE_ARCHIVED"
)

// Scan is what was read of one platform manifest's scan. A scan that could not
// be read has Trouble set and nothing else that counts.
type Scan struct {
	Platform    string // os/arch[/variant]; empty: not known
	Digest      string // of the manifest
	Type        ScanType
	Status      Status
	Description string    // AWS's own words beside the status
	CompletedAt time.Time // zero: no finished scan
	SourceAt    time.Time // when the vulnerability data was last scanned; zero: not said
	Findings    []Finding // all pages, both shapes
	// Counts is AWS's findingSeverityCounts, a cross-check only. Nil: AWS gave
	// none, which is not the same as zero.
	Counts map[Severity]int
	Pages  int       // pages read
	ReadAt time.Time // when it was asked for

	// Previous is an earlier reading of the same manifest, to see whether the
	// result has settled. Nil: there is none.
	Previous *Reading

	// Stale: it was so a while ago, and the source gave no answer now.
	Stale bool

	Trouble *Trouble // not nil: why the scan could not be read
}

// Reading is the trace an earlier look at a scan left: enough to tell whether a
// later one agrees.
type Reading struct {
	Fingerprint string
	At          time.Time
}

// Reading returns the trace of this scan for a later look to compare with. Where
// the earlier trace agrees it stays, so that looks 5 s apart add up to the gap.
func (s Scan) Reading() Reading {
	fingerprint := s.fingerprint()
	if s.Previous != nil && s.Previous.Fingerprint == fingerprint {
		return *s.Previous
	}
	return Reading{Fingerprint: fingerprint, At: s.ReadAt}
}

// fingerprint is equal for two reads that found the same list, in whatever order.
func (s Scan) fingerprint() string {
	h := sha256.New()
	write(h, string(s.Status), s.CompletedAt.UTC().Format(time.RFC3339Nano))
	found := make([]string, len(s.Findings))
	for i, f := range s.Findings {
		found[i] = f.key() + "\x00" + f.Severity.String() + "\x00" + f.Status.String()
	}
	slices.Sort(found)
	write(h, found...)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}

// write feeds length-prefixed fields, so that no two lists run together.
func write(h hash.Hash, fields ...string) {
	var n [8]byte
	for _, f := range fields {
		binary.LittleEndian.PutUint64(n[:], uint64(len(f)))
		h.Write(n[:])
		h.Write([]byte(f))
	}
}

const (
	// SettleWindow is how long enhanced results roll in after the status says
	// done: AWS's own deep-learning-containers gate sleeps 120 s for it.
	SettleWindow = 2 * time.Minute
	// settleGap is how far apart two reads must be for their agreement to count.
	settleGap = 10 * time.Second
	// clockSkew is how far AWS's clock may run ahead of ours before a timestamp
	// counts as one from the future.
	clockSkew = 5 * time.Minute
)

// Settling is how it is known that a finished result will not grow any more. The
// zero value says that it is not known.
type Settling string

// The ways to tell.
const (
	SettledByType      Settling = "scanType"  // a basic result is whole when complete
	SettledByAge       Settling = "age"       // completed longer ago than SettleWindow
	SettledByAgreement Settling = "agreement" // two reads found the same
)

// settled reports whether a finished result will not grow any more.
func (s Scan) settled(now time.Time) bool { return s.settling(now) != "" }

// read is when the result was read, at the latest: one that was held for a while says
// nothing of what came in since. A reading from the future was dated by a clock that
// was wrong, and may be as old as any that still answers.
func (s Scan) read(now time.Time) time.Time {
	switch {
	case s.ReadAt.IsZero():
		return now
	case s.ReadAt.After(now):
		return now.Add(-staleScan)
	default:
		return s.ReadAt
	}
}

// settling says how that is known. Enhanced results appear seconds after the
// status says COMPLETE (aws/aws-sdk#289), so they are believed by age, or when two
// non-empty reads agree.
func (s Scan) settling(now time.Time) Settling {
	switch {
	case s.Type == Basic:
		return SettledByType
	case s.read(now).Sub(s.CompletedAt) > SettleWindow:
		return SettledByAge
	case len(s.Findings) > 0 && s.Previous != nil &&
		s.ReadAt.Sub(s.Previous.At) >= settleGap &&
		s.Previous.Fingerprint == s.fingerprint():
		return SettledByAgreement
	default:
		return ""
	}
}
