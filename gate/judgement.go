package gate

import "strings"

// judgement is what came of one platform manifest.
type judgement struct {
	scan    Scan
	outcome Outcome
	cause   Cause
	trouble *Trouble // set where the scan could not be judged
	tally   tally
	since   since
	warning string
	passing bool

	settling Settling
	rescan   bool // a new scan would help and is allowed
}

// judge applies the rules in order: can the scan be read, is it finished,
// settled and fresh, and only then what it found. Every return before the last
// one refuses, but for an image the policy lets pass unscanned.
func (r *rules) judge(s Scan) judgement {
	j := judgement{scan: s}
	if s.Trouble != nil {
		j.refuse(s.Trouble)
		j.rescan = s.Trouble.Cause == NoScan && r.policy.StartScan
		return j
	}
	if unscannable(s) {
		return r.judgeUnscannable(j)
	}
	if t := unfinished(s); t != nil {
		j.refuse(t)
		return j
	}
	if j.settling = s.settling(r.now); j.settling == "" {
		j.pend(NotSettled)
		return j
	}
	if !r.fresh(&j) {
		return j
	}
	r.judgeFindings(&j)
	return j
}

// worse reports whether j speaks for the image rather than k: the worse outcome,
// and of equals the one that waiting will not mend.
func (j judgement) worse(k judgement) bool {
	return j.outcome.worse(k.outcome) || j.outcome == k.outcome && !j.passing && k.passing
}

func (j *judgement) refuse(t *Trouble) {
	j.outcome, j.cause, j.trouble = t.outcome(), t.Cause, t
	j.passing = t.Passing || j.outcome == Pending
}

func (j *judgement) pend(cause Cause) {
	j.outcome, j.cause, j.passing = Pending, cause, true
}

// unscannable reports whether ECR says that it cannot scan the image at all.
// FAILED alone does not: a scan may fail for reasons of AWS's own.
func unscannable(s Scan) bool {
	return s.Status == StatusUnsupported ||
		s.Status == StatusFailed && strings.Contains(s.Description, "UnsupportedImageError")
}

func (r *rules) judgeUnscannable(j judgement) judgement {
	switch r.policy.Unscannable {
	case WarnUnscannable:
		j.warning = r.unscannableWarning()
		j.outcome, j.cause = Allowed, Unscannable
	case AllowUnscannable:
		j.outcome, j.cause = Allowed, Unscannable
	default:
		j.outcome, j.cause = Denied, Unscannable
	}
	return j
}

// unfinished returns why a scan's status is not that of a finished scan, and nil
// if it is: COMPLETE or ACTIVE, with the time of completion set. Either status
// has been seen before there was any result (aws/aws-sdk#288, #289).
func unfinished(s Scan) *Trouble {
	switch s.Status {
	case StatusComplete, StatusActive:
		if s.CompletedAt.IsZero() {
			return waiting(s.Status)
		}
		return nil
	case StatusInProgress, StatusPending:
		return waiting(s.Status)
	case StatusExpired:
		return &Trouble{Cause: Expired, Text: "Amazon Inspector no longer watches it (SCAN_ELIGIBILITY_EXPIRED), so its findings are out of date", Mend: "rebuild and push it again"}
	case StatusArchived:
		return &Trouble{Cause: Archived, Text: "it is archived in ECR and has no scan", Mend: "restore it, or push it again"}
	case StatusFailed:
		return &Trouble{Cause: ScanFailed, Text: "its scan failed" + inParens(s.Description), Mend: "push it again, or start a new scan"}
	case StatusLimitExceeded:
		return &Trouble{Cause: NotReadable, Passing: true, Text: "the registry used up its ECR scans of the day (LIMIT_EXCEEDED)", Mend: "try again later, or ask AWS for a higher quota"}
	case StatusFindingsUnavailable:
		return &Trouble{Cause: NotReadable, Passing: true, Text: "ECR has no findings to show (FINDINGS_UNAVAILABLE)", Mend: "try again"}
	case "":
		return &Trouble{Cause: UnknownStatus, Passing: true, Text: "ECR answered without a scan status", Mend: "try again"}
	default:
		return &Trouble{Cause: UnknownStatus, Passing: true, Text: "ECR reports a scan status that this version does not know (" + Clip(string(s.Status), 40) + ")", Mend: "update ecr-gate"}
	}
}

// waiting is Pending, dressed as trouble for the one table above.
func waiting(status Status) *Trouble {
	return &Trouble{Cause: NotFinished, Passing: true, Text: string(status)}
}

// fresh reports whether the result is young enough, and judges it if it is not.
func (r *rules) fresh(j *judgement) bool {
	t := r.outdated(j.scan)
	switch {
	case t == nil:
		return true
	case !t.Passing && r.policy.StartScan && j.scan.Type == Basic:
		j.pend(TooOld)
		j.rescan = true
	default:
		j.refuse(t)
	}
	return false
}

// outdated is why a result is too old for the policy. One from the future is: of
// its age nothing can be said.
func (r *rules) outdated(s Scan) *Trouble {
	switch {
	case r.policy.MaxScanAge <= 0:
		return nil
	case s.CompletedAt.After(r.now.Add(clockSkew)):
		return &Trouble{Cause: TooOld, Passing: true, Text: "its scan is dated in the future", Mend: "check this machine's clock"}
	case r.now.Sub(s.CompletedAt) > r.policy.MaxScanAge:
		return &Trouble{Cause: TooOld, Text: "its last scan is older than " + r.policyName() + " allows (maxScanAge)", Mend: "rebuild and push it, so that it is scanned again"}
	default:
		return nil
	}
}

// judgeFindings counts what was found and holds it against the limits.
func (r *rules) judgeFindings(j *judgement) {
	j.since = r.sinceBaseline(j.scan)
	j.tally = r.count(j.scan, &j.since)
	switch t := &j.tally; {
	case len(t.blocked) > 0:
		j.outcome, j.cause = Denied, Blocked
	case len(t.exploitable) > 0:
		j.outcome, j.cause = Denied, Exploitable
	case len(r.over(t.weighed)) > 0:
		j.outcome, j.cause = Denied, OverPolicy
		j.passing = j.since.passing // once the baseline can be read, it may be within policy
	case t.strange > 0:
		j.refuse(&Trouble{Cause: UnknownStatus, Passing: true, Text: "a finding has a status that this version does not know", Mend: "update ecr-gate"})
	case r.countsDisagree(j.scan) != nil:
		j.refuse(r.countsDisagree(j.scan))
	default:
		j.outcome, j.cause = Allowed, WithinPolicy
	}
}

// over lists the severities of which there are more than tolerated, worst first.
func (r *rules) over(weighed perSeverity) []Severity {
	var over []Severity
	for _, s := range WorstFirst() {
		if limit, limited := r.policy.limit(s); limited && weighed[s] > limit {
			over = append(over, s)
		}
	}
	return over
}

// countsDisagree is trouble where AWS counts more findings of a limited severity
// than it listed: pages were lost, or the result is still growing.
func (r *rules) countsDisagree(s Scan) *Trouble {
	var listed, counted perSeverity
	for i := range s.Findings {
		listed[r.policy.weigh(s.Findings[i].Severity)]++
	}
	for sev, n := range s.Counts {
		counted[r.policy.weigh(sev)] += max(n, 0)
	}
	for _, sev := range WorstFirst() {
		if _, limited := r.policy.limit(sev); limited && counted[sev] > listed[sev] {
			return &Trouble{Cause: CountsDisagree, Passing: true, Text: "ECR counts more " + sev.String() + " findings than it lists", Mend: "try again"}
		}
	}
	return nil
}
