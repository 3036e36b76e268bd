package gate

import (
	"context"
	"errors"
	"fmt"
)

// Cause says in one word why a verdict is what it is. Doors branch on it; people
// read [Verdict.Reason].
type Cause string

// Denied.
const (
	OverPolicy  Cause = "OverPolicy"  // more findings than tolerated
	Blocked     Cause = "Blocked"     // a finding on the policy's blocked list
	Exploitable Cause = "Exploitable" // a finding with a known exploit
	Unscannable Cause = "Unscannable" // ECR cannot scan the image and the policy denies that
)

// Allowed.
const (
	WithinPolicy Cause = "WithinPolicy"
)

// Pending.
const (
	NoScan      Cause = "NoScan"      // ECR knows of no scan (yet)
	NotFinished Cause = "NotFinished" // queued or running
	NotSettled  Cause = "NotSettled"  // finished moments ago, results may still grow
	TooOld      Cause = "TooOld"      // older than maxScanAge; Pending if a new one was asked for, else Unavailable
)

// Unavailable.
const (
	NotReadable    Cause = "NotReadable"    // AWS did not answer, or not in full
	NoAccess       Cause = "NoAccess"       // AWS refused us
	NotFound       Cause = "NotFound"       // no such image (yet)
	NoRepository   Cause = "NoRepository"   // no such repository
	NotECR         Cause = "NotECR"         // not an image in a private ECR registry
	NotListed      Cause = "NotListed"      // a registry the configuration does not list
	BadReference   Cause = "BadReference"   // not an image reference
	UnknownPolicy  Cause = "UnknownPolicy"  // the policy asked for does not exist
	BadImage       Cause = "BadImage"       // a manifest that cannot be judged
	Expired        Cause = "Expired"        // Inspector no longer watches the image
	Archived       Cause = "Archived"       // in archive storage
	ScanFailed     Cause = "ScanFailed"     // the scan broke, for no fault of the image that we know
	UnknownStatus  Cause = "UnknownStatus"  // a status or finding status this version does not know
	CountsDisagree Cause = "CountsDisagree" // AWS counts more than it lists
	Internal       Cause = "Internal"       // a fault of ours
)

// Trouble is why an image could not be judged: an error that names the mend.
type Trouble struct {
	Cause Cause
	Text  string // what is wrong; goes on after "could not check IMAGE: "
	Mend  string // what to do next; may be empty
	// Passing trouble may be gone in a moment: doors that can wait do.
	Passing bool
	// ScannedLately says of a scan that was not started that ECR started one within
	// [RescanAfter]: whoever knows only of an older one knows too little.
	ScannedLately bool
	Err           error // what lies beneath, for the log; may be nil
}

func (t *Trouble) Error() string {
	if t.Err == nil {
		return t.Text
	}
	return fmt.Sprintf("%s: %v", t.Text, t.Err)
}

func (t *Trouble) Unwrap() error { return t.Err }

// outcome is how trouble stands among verdicts: an image without a finished scan
// is worth waiting for, everything else could not be judged.
func (t *Trouble) outcome() Outcome {
	switch t.Cause {
	case NoScan, NotFinished:
		return Pending
	default:
		return Unavailable
	}
}

// contain turns a panic into an error: in a goroutine of ours it would take the
// whole process with it.
func contain(err *error) {
	if p := recover(); p != nil {
		*err = fault(fmt.Errorf("panic: %v", p))
	}
}

// AsTrouble makes trouble of any error. One that nobody has classified is ours,
// and whether it passes nobody can say: it is not waited for.
func AsTrouble(err error) *Trouble {
	var t *Trouble
	if errors.As(err, &t) {
		if t == nil { // a nil *Trouble in an error: the source has a fault
			return fault(errors.New("an error that says nothing"))
		}
		return t
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Trouble{Cause: NotReadable, Passing: true, Text: "there was no answer in time", Mend: "try again", Err: err}
	}
	return fault(err)
}

func fault(err error) *Trouble {
	return &Trouble{Cause: Internal, Text: "a fault of ecr-gate itself", Mend: "report it with ecr-gate's log", Err: err}
}
