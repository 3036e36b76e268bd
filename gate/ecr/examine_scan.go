package ecr

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// scan looks at one manifest's scan: whether it can be judged, and not how it would
// be.
func (x *imageExamination) scan(ctx context.Context, m gate.Manifest, scan gate.Scan) {
	v := gate.Evaluate(x.policy, nil, x.img, []gate.Scan{scan}, x.Now())
	check := "scan"
	if m.Platform != "" {
		check += " of " + m.Platform
	}
	switch v.Cause {
	case gate.WithinPolicy, gate.OverPolicy, gate.Blocked, gate.Exploitable:
		x.sheet.OK(check, x.finished(scan))
	case gate.NoScan:
		x.noScan(ctx, check, m)
	case gate.NotFinished, gate.NotSettled:
		x.sheet.Warning(check, x.running(scan, v.Cause), "look again in some minutes; if it stays so for an hour, push the image again")
	case gate.TooOld:
		x.tooOld(check, scan, v)
	case gate.Expired:
		x.sheet.Fault(check, "Amazon Inspector no longer watches it (SCAN_ELIGIBILITY_EXPIRED), so its findings are out of date", x.here(revive))
	case gate.Archived:
		x.sheet.Fault(check, "it is archived in ECR, and neither scanned nor pulled", "restore it, which has it scanned again:\n"+x.restoreCommand("imageDigest="+m.Digest))
	case gate.Unscannable:
		x.unscannable(check, scan)
	default:
		x.unjudged(check, v)
	}
}

// revive: a longer duration does not bring back what has expired.
const revive = "rebuild and push it, so that Inspector watches it anew; for images that are used longer, lengthen the duration before it is over:\n" +
	"aws inspector2 update-configuration --region REGION --ecr-configuration rescanDuration=LIFETIME"

// here is a mend with the image's Region in it.
func (x *imageExamination) here(mend string) string {
	return strings.ReplaceAll(mend, "REGION", x.key.region)
}

func (x *imageExamination) finished(s gate.Scan) string {
	kind := "scan"
	switch s.Type {
	case gate.Basic:
		kind = "basic scan"
	case gate.Enhanced:
		kind = "enhanced scan"
	}
	return fmt.Sprintf("a finished %s (%s), %s old, can be judged; ecr-gate check says how", kind, s.Status, age(x.Now().Sub(s.CompletedAt)))
}

// age is a duration in the largest unit that it fills.
func age(d time.Duration) string {
	day := 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	default:
		return fmt.Sprintf("%d minutes", max(d, 0)/time.Minute)
	}
}

func (x *imageExamination) running(s gate.Scan, cause gate.Cause) string {
	if cause == gate.NotSettled {
		return "it was scanned a moment ago, and findings may still come in"
	}
	return "its scan is not finished (" + string(s.Status) + ")"
}

func (x *imageExamination) tooOld(check string, s gate.Scan, v gate.Verdict) {
	old := x.Now().Sub(s.CompletedAt)
	if old < 0 {
		x.sheet.Fault(check, "its scan is dated in the future", "set this machine's clock")
		return
	}
	found := fmt.Sprintf("its scan is %s old, and policy %s takes none that is older than %s (maxScanAge)", age(old), x.policy.Name, age(x.policy.MaxScanAge))
	if v.WantsScan {
		x.sheet.Warning(check, found+"; the gate starts a new one (startScan)", "none needed; until it is done the image is not ready")
		return
	}
	mend := "push it again, or raise maxScanAge of policy " + x.policy.Name
	if s.Type == gate.Basic || s.Type == "" && x.scanning.scanType == gate.Basic {
		mend = "start a new one, or let the gate do so with startScan: true in policy " + x.policy.Name + ":\n" + x.startCommand(s.Digest)
	} else if x.covered.frequency != "" && x.covered.frequency != "CONTINUOUS_SCAN" {
		mend += "; CONTINUOUS_SCAN in the scan rule keeps results fresh"
	}
	x.sheet.Fault(check, found, mend)
}

// startCommand starts a basic scan by hand.
func (x *imageExamination) startCommand(digest string) string {
	return "aws ecr start-image-scan" + x.imageArguments("imageDigest="+digest)
}

func (x *imageExamination) imageArguments(id string) string {
	return " --region " + x.key.region + " --registry-id " + x.key.account +
		" --repository-name " + x.img.Repository + " --image-id " + id
}

func (x *imageExamination) restoreCommand(id string) string {
	return "aws ecr update-image-storage-class --target-storage-class STANDARD" + x.imageArguments(id)
}

func (x *imageExamination) unscannable(check string, s gate.Scan) {
	found := "ECR cannot scan it (" + string(s.Status)
	if s.Description != "" {
		found += ": " + s.Description
	}
	found += ")"
	if x.policy.Unscannable != gate.DenyUnscannable {
		x.sheet.Warning(check, found+", and policy "+x.policy.Name+" lets it pass", "build it on a distribution that ECR scans")
		return
	}
	x.sheet.Fault(check, found+", and policy "+x.policy.Name+" denies that",
		"build it on a distribution that ECR scans, or decide that it may pass: unscannable: warn in a policy for these images")
}

// unjudged is every other reason why there is no verdict, in the verdict's words.
func (x *imageExamination) unjudged(check string, v gate.Verdict) {
	if v.Passing {
		x.sheet.Unknown(check, v.Reason, v.Next)
		return
	}
	x.sheet.Fault(check, v.Reason, v.Next)
}

// noScan says why there is none, as far as that can be found out.
func (x *imageExamination) noScan(ctx context.Context, check string, m gate.Manifest) {
	const none = "ECR knows of no scan of it"
	switch {
	case x.foreign(x.key):
		x.hidden = true // told once, with the account
	case x.scanning.scanType == gate.Enhanced:
		x.uncovered(ctx, check, m)
	case x.policy.StartScan:
		x.sheet.Warning(check, none+"; policy "+x.policy.Name+" has startScan, so the gate starts one", "none needed; until it is done the image is not ready")
	case x.covered.frequency != "" && !x.covered.covers():
		x.sheet.Fault(check, none+", as no rule covers its repository", "see scan rule, above; it is for images pushed from then on, so for this one:\n"+x.startCommand(m.Digest))
	case x.covered.covers():
		x.sheet.Fault(check, none+", though a rule covers its repository: it was pushed before that, or a moment ago", "start one:\n"+x.startCommand(m.Digest))
	default:
		x.sheet.Fault(check, none, "see that a scan rule covers the repository, and push it again; with basic scanning, or start one:\n"+x.startCommand(m.Digest))
	}
}
