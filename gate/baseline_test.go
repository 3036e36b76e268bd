package gate

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

const (
	prodDigest    = "sha256:9999999999999999999999999999999999999999999999999999999999999999"
	prodArmDigest = "sha256:8888888888888888888888888888888888888888888888888888888888888888"
	prodAmdDigest = "sha256:7777777777777777777777777777777777777777777777777777777777777777"
)

// prod is a baseline of one manifest.
func prod(scan Scan) *Baseline {
	return &Baseline{Digest: prodDigest, Manifests: []Manifest{{Digest: prodDigest}}, Scans: []Scan{on("", prodDigest, scan)}}
}

// prodIndex is a baseline of two platforms.
func prodIndex(amd, arm Scan) *Baseline {
	return &Baseline{
		Digest:    prodDigest,
		Manifests: []Manifest{{"linux/amd64", prodAmdDigest}, {"linux/arm64", prodArmDigest}},
		Scans:     []Scan{on("linux/amd64", prodAmdDigest, amd), on("linux/arm64", prodArmDigest, arm)},
	}
}

func sinceProd(change func(*Policy)) Policy {
	p := with(dev(), func(p *Policy) { p.Baseline = "prod" })
	if change != nil {
		change(&p)
	}
	return p
}

func judgeSince(p Policy, b *Baseline, scans ...Scan) Verdict {
	return Case{Policy: p, Image: shop(), Scans: scans, Baseline: b, Now: now}.Verdict()
}

// Only what the baseline does not have counts, and what denies by itself does so
// all the same.
func TestBaseline(t *testing.T) {
	old, fresh := finding("CVE-2024-1", Critical, openssl()), finding("CVE-2024-2", Critical, zlib())
	exploited := with(old, func(f *Finding) { f.Exploit = true })
	tests := []struct {
		name    string
		policy  Policy
		before  []Finding
		now     []Finding
		outcome Outcome
		cause   Cause
		skipped Skipped
		counts  map[Severity]int
	}{
		{"nothing new", sinceProd(nil), []Finding{old}, []Finding{old}, Allowed, WithinPolicy, Skipped{Baseline: 1}, map[Severity]int{}},
		{"one new", sinceProd(nil), []Finding{old}, []Finding{old, fresh}, Denied, OverPolicy, Skipped{Baseline: 1}, map[Severity]int{Critical: 1}},
		{"all new", sinceProd(nil), nil, []Finding{old}, Denied, OverPolicy, Skipped{}, map[Severity]int{Critical: 1}},
		{"one gone", sinceProd(nil), []Finding{old, fresh}, nil, Allowed, WithinPolicy, Skipped{}, map[Severity]int{}},
		{"the policy names none", dev(), []Finding{old}, []Finding{old}, Denied, OverPolicy, Skipped{}, map[Severity]int{Critical: 1}},
		{"blocked denies", sinceProd(func(p *Policy) { p.Blocked = []string{"CVE-2024-1"} }), []Finding{old}, []Finding{old},
			Denied, Blocked, Skipped{}, map[Severity]int{Critical: 1}},
		{"exploited denies", sinceProd(nil), []Finding{exploited}, []Finding{exploited}, Denied, Exploitable, Skipped{}, map[Severity]int{Critical: 1}},
		{"exploited, which the policy does not go by", sinceProd(func(p *Policy) { p.IgnoreExploits = true }), []Finding{exploited}, []Finding{exploited},
			Allowed, WithinPolicy, Skipped{Baseline: 1}, map[Severity]int{}},
		{"of unknown status", sinceProd(nil), []Finding{old}, []Finding{with(old, func(f *Finding) { f.Status = StatusUnknown })},
			Unavailable, UnknownStatus, Skipped{Baseline: 1}, map[Severity]int{}},
		{"what is skipped anyway is not the baseline's", sinceProd(func(p *Policy) { p.FixableOnly = true }),
			[]Finding{old}, []Finding{with(old, func(f *Finding) { f.Fix = FixNo })}, Allowed, WithinPolicy, Skipped{Unfixable: 1}, map[Severity]int{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := judgeSince(test.policy, prod(enhanced(test.before...)), enhanced(test.now...))
			wantVerdict(t, v, test.outcome, test.cause)
			wantEqual(t, "skipped", v.Skipped, test.skipped)
			wantEqual(t, "counts", counts(v), test.counts)
			wantEqual(t, "warnings", v.Warnings, nil)
			wantEqual(t, "note", v.Baseline != nil, test.policy.Baseline != "")
			wantWellFormed(t, v)
		})
	}
}

// AWS counts what the baseline has too: its counts are held against the list.
func TestBaselineLeavesTheCrossCheck(t *testing.T) {
	old := finding("CVE-2024-1", Critical, openssl())
	s := with(enhanced(old), func(s *Scan) { s.Counts = map[Severity]int{Critical: 2} })
	wantVerdict(t, judgeSince(sinceProd(nil), prod(enhanced(old)), s), Unavailable, CountsDisagree)
}

// useless are the baselines that say nothing, each with what a warning says of it.
func useless() map[string]struct {
	baseline *Baseline
	warning  string
	passing  bool
} {
	old := finding("CVE-2024-1", Critical, openssl())
	of := func(change func(*Scan)) *Baseline { return prod(with(enhanced(old), change)) }
	status := func(s Status, description string) *Baseline {
		return of(func(x *Scan) { x.Status, x.Description = s, description })
	}
	throttled := &Trouble{Cause: NotReadable, Passing: true, Text: "ECR is throttling our requests", Mend: "try again"}
	denied := &Trouble{Cause: NoAccess, Text: "AWS refused access", Mend: "grant ecr:BatchGetImage"}
	type row = struct {
		baseline *Baseline
		warning  string
		passing  bool
	}
	return map[string]row{
		"none":              {nil, "it was not read", false},
		"the zero value":    {&Baseline{}, "it was not read", false},
		"no scans":          {&Baseline{Digest: prodDigest, Manifests: []Manifest{{Digest: prodDigest}}}, "it was not read", false},
		"no manifests":      {&Baseline{Digest: prodDigest}, "it has no image for that platform", false},
		"throttled":         {&Baseline{Trouble: throttled}, "ECR is throttling our requests; try again", true},
		"no access":         {&Baseline{Trouble: denied}, "AWS refused access; grant ecr:BatchGetImage", false},
		"no such tag":       {&Baseline{Trouble: &Trouble{Cause: NotFound, Passing: true, Text: "ECR knows no such image"}}, "ECR knows no such image", false},
		"trouble and facts": {with(*prod(enhanced(old)), func(b *Baseline) { b.Trouble = denied }).at(), "AWS refused access", false},
		"scan throttled":    {of(func(s *Scan) { s.Trouble = throttled }), "ECR is throttling", true},
		"no scan":           {of(func(s *Scan) { s.Trouble = &Trouble{Cause: NoScan, Passing: true, Text: "ECR knows of no scan"} }), "ECR knows of no scan", false},
		"an empty answer":   {prod(Scan{}), "ECR answered without a scan status", false},
		"no status":         {status("", ""), "ECR answered without a scan status", false},
		"running":           {status(StatusInProgress, ""), "its scan is not finished (IN_PROGRESS)", false},
		"not completed":     {of(func(s *Scan) { s.CompletedAt = time.Time{} }), "its scan is not finished (ACTIVE)", false},
		"not settled":       {of(func(s *Scan) { s.CompletedAt = now }), "findings may still come in", false},
		"expired":           {status(StatusExpired, ""), "SCAN_ELIGIBILITY_EXPIRED", false},
		"archived":          {status(StatusArchived, ""), "archived", false},
		"failed":            {status(StatusFailed, "InternalError"), "its scan failed (InternalError)", false},
		"unsupported":       {status(StatusUnsupported, ""), "ECR cannot scan it", false},
		"unsupported too":   {status(StatusFailed, "UnsupportedImageError"), "ECR cannot scan it", false},
		"a new status":      {status("QUANTUM", ""), "does not know (QUANTUM)", false},
		"counts disagree":   {of(func(s *Scan) { s.Counts = map[Severity]int{Low: 7} }), "ECR counts more findings than it lists", false},
		"unknown finding":   {prod(enhanced(old, Finding{ID: "CVE-9", Status: StatusUnknown})), "some of unknown status", false},
		"the same digest":   {with(*prod(enhanced(old)), func(b *Baseline) { b.Digest = indexDigest }).at(), "it is the very image to judge", false},
		"the same manifest": {&Baseline{Digest: prodDigest, Manifests: []Manifest{{Digest: indexDigest}}, Scans: []Scan{enhanced(old)}}, "it is the very image to judge", false},
		"another platform":  {prodIndex(enhanced(old), enhanced(old)), "it has no image for that platform", false},
		"several images for the platform": {&Baseline{Digest: prodDigest, Manifests: []Manifest{{Digest: prodDigest}, {Digest: prodArmDigest}},
			Scans: []Scan{on("", prodDigest, enhanced(old)), on("", prodArmDigest, enhanced(old))}}, "it has several images for that platform", false},
	}
}

func (b Baseline) at() *Baseline { return &b }

// Whatever is wrong with the baseline, every finding counts and a warning says why.
func TestUselessBaselineIsStricter(t *testing.T) {
	old := finding("CVE-2024-1", Critical, openssl())
	for name, test := range useless() {
		t.Run(name, func(t *testing.T) {
			v := judgeSince(sinceProd(nil), test.baseline, enhanced(old))
			wantVerdict(t, v, Denied, OverPolicy)
			wantEqual(t, "counts", counts(v), map[Severity]int{Critical: 1})
			wantEqual(t, "skipped", v.Skipped, Skipped{})
			wantEqual(t, "measured by", v.Manifests[0].Baseline, "")
			if strings.Contains(v.Reason, "new CRITICAL") {
				t.Error(v.Reason)
			}
			if len(v.Warnings) != 1 || !strings.HasPrefix(v.Warnings[0], "baseline prod cannot be used, so every finding counts: ") ||
				!strings.Contains(v.Warnings[0], test.warning) || utf8.RuneCountInString(v.Warnings[0]) > MaxSentence {
				t.Errorf("warnings %q, want one with %q", v.Warnings, test.warning)
			}
			if unfinished := "its scan is not finished"; strings.Contains(v.Warnings[0], unfinished) != strings.HasPrefix(test.warning, unfinished) {
				t.Errorf("warnings %q, want one with %q", v.Warnings, test.warning)
			}
			wantEqual(t, "passing", v.Passing, test.passing)
			wantEqual(t, "within policy: passing", judgeSince(sinceProd(nil), test.baseline, enhanced()).Passing, false)
		})
	}
}

// A baseline is as old as the policy lets an image's own result be.
func TestBaselineAge(t *testing.T) {
	old := finding("CVE-2024-1", Critical, openssl())
	aged := sinceProd(func(p *Policy) { p.MaxScanAge, p.StartScan = 24*time.Hour, true })
	for _, test := range []struct {
		name    string
		policy  Policy
		age     time.Duration
		outcome Outcome
	}{
		{"young", aged, 24 * time.Hour, Allowed},
		{"too old", aged, 24*time.Hour + 1, Denied},
		{"dated in the future", aged, -clockSkew - 1, Denied},
		{"any age", sinceProd(nil), 9000 * time.Hour, Allowed},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := prod(with(basic(old), func(s *Scan) { s.CompletedAt = now.Add(-test.age) }))
			v := judgeSince(test.policy, b, basic(old))
			wantEqual(t, "outcome", v.Outcome, test.outcome)
			wantEqual(t, "warned", len(v.Warnings) > 0, test.outcome == Denied)
			wantEqual(t, "wants a scan", v.WantsScan, false)
		})
	}
}

// Each platform is measured by its own.
func TestBaselinePlatforms(t *testing.T) {
	old, other := finding("CVE-2024-1", Critical, openssl()), finding("CVE-2024-2", Critical, zlib())
	amd := func(s Scan) Scan { return on("linux/amd64", amdDigest, s) }
	arm := func(s Scan) Scan { return on("linux/arm64", armDigest, s) }

	v := judgeSince(sinceProd(nil), prodIndex(enhanced(old), enhanced(other)), amd(enhanced(old)), arm(enhanced(other)))
	wantVerdict(t, v, Allowed, WithinPolicy)
	wantEqual(t, "skipped", v.Skipped, Skipped{Baseline: 2})
	wantEqual(t, "measured by", []string{v.Manifests[0].Baseline, v.Manifests[1].Baseline}, []string{prodAmdDigest, prodArmDigest})
	wantEqual(t, "note", v.Baseline, &BaselineNote{"prod", prodDigest})

	v = judgeSince(sinceProd(nil), prodIndex(enhanced(old), enhanced(other)), amd(enhanced(old)), arm(enhanced(old)))
	wantVerdict(t, v, Denied, OverPolicy)
	if !strings.Contains(v.Reason, "on linux/arm64 has 1 new CRITICAL (0 allowed) since prod") {
		t.Error(v.Reason)
	}

	// The platform that the baseline lacks counts in full, the other does not.
	b := prodIndex(enhanced(old), enhanced(old))
	b.Manifests = b.Manifests[:1]
	v = judgeSince(sinceProd(nil), b, amd(enhanced(old)), arm(enhanced(old)))
	wantVerdict(t, v, Denied, OverPolicy)
	wantEqual(t, "amd64", v.Manifests[0].Outcome, Allowed)
	wantEqual(t, "arm64", v.Manifests[1].Outcome, Denied)
	wantEqual(t, "warnings", v.Warnings, []string{"baseline prod cannot be used for linux/arm64, so every finding counts: it has no image for that platform; build both for the same platforms"})

	// Trouble with all of it is said once.
	v = judgeSince(sinceProd(nil), nil, amd(enhanced(old)), arm(enhanced(old)))
	wantEqual(t, "warnings", len(v.Warnings), 1)

	// A manifest is not its own baseline in another index either.
	b = prodIndex(enhanced(old), enhanced(old))
	b.Manifests[1].Digest, b.Scans[1].Digest = armDigest, armDigest
	v = judgeSince(sinceProd(nil), b, amd(enhanced(old)), arm(enhanced(old)))
	wantEqual(t, "amd64", v.Manifests[0].Outcome, Allowed)
	wantEqual(t, "arm64", v.Manifests[1].Outcome, Denied)
}

func TestStaleBaselineIsAWarning(t *testing.T) {
	old := finding("CVE-2024-1", Critical, openssl())
	for name, b := range map[string]*Baseline{
		"tag":  with(*prod(enhanced(old)), func(b *Baseline) { b.Stale = true }).at(),
		"scan": prod(with(enhanced(old), func(s *Scan) { s.Stale = true })),
	} {
		v := judgeSince(sinceProd(nil), b, enhanced(old))
		wantVerdict(t, v, Allowed, WithinPolicy)
		wantEqual(t, name, v.Warnings, []string{staleWarning})
	}
}

func TestEvaluateKnowsNoBaseline(t *testing.T) {
	v := judge(sinceProd(nil), nil, enhanced(finding("CVE-2024-1", Critical, openssl())))
	wantVerdict(t, v, Denied, OverPolicy)
	wantEqual(t, "warnings", len(v.Warnings), 1)
	wantEqual(t, "note", v.Baseline, &BaselineNote{Tag: "prod"})
}

// someBaseline meets the image's findings often.
func someBaseline(t *rapid.T, scans []Scan) *Baseline {
	b := &Baseline{Digest: pick(t, "baseline", []string{prodDigest, prodDigest, indexDigest, ""})}
	for _, s := range scans {
		digest := pick(t, "baseline manifest", []string{prodDigest, prodArmDigest, prodAmdDigest, s.Digest})
		read := someScan(t)
		if rapid.Bool().Draw(t, "as the image") {
			read.Findings = slices.Clone(s.Findings)
		}
		b.Manifests = append(b.Manifests, Manifest{s.Platform, digest})
		b.Scans = append(b.Scans, on(s.Platform, digest, read))
	}
	if rapid.IntRange(0, 9).Draw(t, "baseline trouble") == 0 {
		b.Trouble = &Trouble{Cause: pick(t, "baseline cause", []Cause{NoAccess, NotReadable}), Passing: rapid.Bool().Draw(t, "baseline passing")}
	}
	return b
}

// A baseline never makes a verdict worse, makes it better only where the limits
// denied, and does no more with a finding less.
func TestBaselineProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, exceptions, scans := somePolicy(t), someExceptions(t), someScans(t)
		disturb(t, scans)
		b := someBaseline(t, scans)
		without := judge(p, exceptions, scans...)
		p.Baseline = "prod"
		c := Case{Policy: p, Exceptions: exceptions, Image: shop(), Scans: scans, Baseline: b, Now: now}
		v := c.Verdict()
		wantWellFormed(t, v)
		if v.Outcome.worse(without.Outcome) {
			t.Fatalf("a baseline hurts: was %s\nis %s", without.Reason, v.Reason)
		}
		if v.Outcome != without.Outcome && without.Cause != OverPolicy {
			t.Fatalf("a baseline helped against %s: %s", without.Cause, v.Reason)
		}
		c.Baseline = nil
		if none := c.Verdict(); none.Outcome != without.Outcome || none.Skipped != without.Skipped {
			t.Fatalf("no baseline: was %s\nis %s", without.Reason, none.Reason)
		}
		for i := range b.Scans {
			// One of unknown status spoils the baseline: without it, it may help.
			if n := len(b.Scans[i].Findings); n > 0 && b.Scans[i].Findings[n-1].Status < StatusUnknown {
				b.Scans[i].Findings = b.Scans[i].Findings[:n-1]
			}
		}
		c.Baseline = b
		if fewer := c.Verdict(); v.Outcome.worse(fewer.Outcome) {
			t.Fatalf("a finding taken from the baseline helps: was %s\nis %s", v.Reason, fewer.Reason)
		}
	})
}

// An exception that has ended must not go on by way of the image that it let
// through: what is released under it is the next baseline.
func TestBaselineDoesNotProlongAnException(t *testing.T) {
	old := finding("CVE-2024-1", Critical, openssl())
	for ended, want := range map[bool]Outcome{false: Allowed, true: Denied} {
		x := Exception{IDs: []string{"CVE-2024-1"}, ExpiresAt: now.Add(time.Hour)}
		if ended {
			x.ExpiresAt = now.Add(-time.Hour)
		}
		v := Case{
			Policy: sinceProd(nil), Image: shop(), Scans: []Scan{enhanced(old)}, Baseline: prod(enhanced(old)),
			Exceptions: []Exception{x}, Now: now,
		}.Verdict()
		if v.Outcome != want {
			t.Errorf("ended %t: %s, %s", ended, v.Outcome, v.Reason)
		}
	}
}
