package gate

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/package-url/packageurl-go"
	"pgregory.net/rapid"
)

// The words are few, so that findings and exceptions meet.
var (
	someIDs        = []string{"CVE-1", "CVE-2", "CVE-3", "GHSA-1", ""}
	someNames      = []string{"openssl", "zlib1g", "lodash", ""}
	someVersions   = []string{"", "1", "2"}
	someSeverities = []Severity{Untriaged, Informational, Low, Medium, High, Critical, Severity(77)}
	someDigests    = []string{indexDigest, amdDigest, armDigest}
)

func pick[T any](t *rapid.T, label string, from []T) T { return rapid.SampledFrom(from).Draw(t, label) }

func somePackage(t *rapid.T) Package {
	p := Package{Name: pick(t, "package", someNames), Version: pick(t, "version", someVersions), FixedIn: pick(t, "fixed in", someVersions)}
	if rapid.Bool().Draw(t, "language") {
		p.Path, p.PURL = "app/"+p.Name, "pkg:npm/"+p.Name+"@"+p.Version
	}
	return p
}

func someFinding(t *rapid.T) Finding {
	f := Finding{
		ID:       pick(t, "id", someIDs),
		Severity: pick(t, "severity", someSeverities),
		Fix:      pick(t, "fix", []Fix{FixUnknown, FixNo, FixPartial, FixYes}),
		Status:   pick(t, "status", []FindingStatus{Active, Active, Active, Suppressed, Closed, StatusUnknown}),
		Exploit:  rapid.IntRange(0, 4).Draw(t, "exploit") == 0,
		Title:    pick(t, "title", []string{"", "a", "b"}),
	}
	for range rapid.IntRange(0, 2).Draw(t, "related") {
		f.Related = append(f.Related, pick(t, "related id", someIDs))
	}
	for range rapid.IntRange(0, 3).Draw(t, "packages") {
		f.Packages = append(f.Packages, somePackage(t))
	}
	if rapid.Bool().Draw(t, "observed") {
		f.FirstObserved = now.Add(-time.Duration(rapid.IntRange(-10, 100).Draw(t, "hours observed")) * time.Hour)
	}
	return f
}

func someList(t *rapid.T) []Finding {
	return rapid.SliceOfN(rapid.Custom(someFinding), 0, 6).Draw(t, "findings")
}

// someScan is mostly of a kind that can be judged.
func someScan(t *rapid.T) Scan {
	s := Scan{
		Platform: pick(t, "platform", []string{"linux/amd64", "linux/arm64", ""}),
		Digest:   pick(t, "digest", someDigests),
		Type:     pick(t, "type", []ScanType{Basic, Basic, Enhanced, Enhanced, ""}),
		Status: pick(t, "status", []Status{StatusComplete, StatusActive, StatusComplete, StatusActive,
			StatusPending, StatusFailed, StatusUnsupported, StatusExpired, "", "NEW"}),
		CompletedAt: now.Add(-pick(t, "age", []time.Duration{-time.Hour, time.Minute, time.Hour, 1000 * time.Hour})),
		ReadAt:      now,
		Findings:    someList(t),
	}
	if rapid.IntRange(0, 9).Draw(t, "not done") == 0 {
		s.CompletedAt = time.Time{}
	}
	if rapid.IntRange(0, 9).Draw(t, "trouble") == 0 {
		s.Trouble = &Trouble{Cause: pick(t, "cause", []Cause{NoScan, NoAccess, NotReadable}), Passing: rapid.Bool().Draw(t, "passing")}
	}
	return s
}

func someScans(t *rapid.T) []Scan {
	return rapid.SliceOfN(rapid.Custom(someScan), 1, 3).Draw(t, "scans")
}

// disturb adds what makes a list's length matter: counts, and an earlier look.
func disturb(t *rapid.T, scans []Scan) {
	for i := range scans {
		if rapid.Bool().Draw(t, "counts") {
			scans[i].Counts = map[Severity]int{pick(t, "counted", someSeverities): rapid.IntRange(-1, 4).Draw(t, "count")}
		}
		if rapid.Bool().Draw(t, "looked before") {
			before := scans[i]
			before.ReadAt = now.Add(-time.Minute)
			if rapid.Bool().Draw(t, "differently") {
				before.Findings = someList(t)
			}
			r := before.Reading()
			scans[i].Previous = &r
		}
	}
}

func somePolicy(t *rapid.T) Policy {
	p := Policy{
		Name:             "dev",
		UntriagedAs:      pick(t, "untriaged as", someSeverities),
		FixableOnly:      rapid.Bool().Draw(t, "fixable only"),
		IgnoreSuppressed: rapid.Bool().Draw(t, "ignore suppressed"),
		IgnoreExploits:   rapid.Bool().Draw(t, "ignore exploits"),
		MaxScanAge:       pick(t, "max age", []time.Duration{0, 0, 24 * time.Hour}),
		StartScan:        rapid.Bool().Draw(t, "start scan"),
		Unscannable:      pick(t, "unscannable", []Unscannables{DenyUnscannable, WarnUnscannable, AllowUnscannable}),
		Limits:           map[Severity]int{},
		Grace:            map[Severity]time.Duration{},
	}
	for range rapid.IntRange(0, 4).Draw(t, "limits") {
		p.Limits[pick(t, "limited", someSeverities)] = rapid.IntRange(0, 4).Draw(t, "limit")
	}
	if rapid.Bool().Draw(t, "grace") {
		p.Grace[pick(t, "grace of", someSeverities)] = 24 * time.Hour
	}
	if rapid.IntRange(0, 3).Draw(t, "blocking") == 0 {
		p.Blocked = []string{pick(t, "blocked", someIDs)}
	}
	return p
}

func someException(t *rapid.T) Exception {
	e := Exception{Source: pick(t, "source", []string{"a", "b", ""}), MaxSeverity: pick(t, "max severity", []Severity{Untriaged, Untriaged, Low, High, Critical})}
	if rapid.IntRange(0, 3).Draw(t, "by id") > 0 {
		e.IDs = rapid.SliceOfN(rapid.SampledFrom(someIDs), 1, 2).Draw(t, "ids")
	}
	if rapid.IntRange(0, 2).Draw(t, "by package") == 0 {
		e.Packages = []PackageName{{pick(t, "name", someNames), pick(t, "version", someVersions)}}
	}
	if rapid.IntRange(0, 3).Draw(t, "by purl") == 0 {
		e.PURLs = []packageurl.PackageURL{{Type: "npm", Name: pick(t, "purl", someNames), Version: pick(t, "version", someVersions)}}
	}
	if rapid.IntRange(0, 3).Draw(t, "by path") == 0 {
		e.Paths = []string{pick(t, "path", []string{"app/*", "srv/**", "["})}
	}
	if rapid.IntRange(0, 3).Draw(t, "by repository") == 0 {
		e.Repositories = []string{pick(t, "repository", []string{"shop/*", "other/**", ""})}
	}
	if rapid.IntRange(0, 3).Draw(t, "by digest") == 0 {
		e.Digests = []string{pick(t, "digest", someDigests)}
	}
	e.UntilFixed = rapid.IntRange(0, 3).Draw(t, "until fixed") == 0
	if rapid.Bool().Draw(t, "expires") {
		e.ExpiresAt = now.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "hours")) * time.Hour)
	}
	return e
}

func someExceptions(t *rapid.T) []Exception {
	return rapid.SliceOfN(rapid.Custom(someException), 0, 5).Draw(t, "exceptions")
}

// plus returns the scans with one more finding somewhere in one of them.
func plus(t *rapid.T, scans []Scan) []Scan {
	grown := slices.Clone(scans)
	i := rapid.IntRange(0, len(scans)-1).Draw(t, "which scan")
	at := rapid.IntRange(0, len(scans[i].Findings)).Draw(t, "where")
	grown[i].Findings = slices.Insert(slices.Clone(scans[i].Findings), at, someFinding(t))
	return grown
}

func TestAnotherFindingNeverTurnsDeniedIntoAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, exceptions, scans := somePolicy(t), someExceptions(t), someScans(t)
		disturb(t, scans)
		before := judge(p, exceptions, scans...)
		after := judge(p, exceptions, plus(t, scans)...)
		if before.Outcome == Denied && after.Outcome == Allowed {
			t.Fatalf("was %s\nis  %s", before.Reason, after.Reason)
		}
	})
}

// Where nothing says how long the list should be. AWS's counts do, and so does an
// earlier look: there the missing finding may be the very one awaited.
func TestAnotherFindingNeverHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, exceptions, scans := somePolicy(t), someExceptions(t), someScans(t)
		before := judge(p, exceptions, scans...)
		after := judge(p, exceptions, plus(t, scans)...)
		if before.Outcome.worse(after.Outcome) {
			t.Fatalf("was %s\nis  %s", before.Reason, after.Reason)
		}
	})
}

// The two exceptions to the rule above, so that nobody takes them for faults.
func TestTheAwaitedFindingHelps(t *testing.T) {
	one, two := finding("CVE-1", High), finding("CVE-2", Low)
	s := with(basic(), func(s *Scan) { s.Counts = map[Severity]int{High: 1} })
	wantVerdict(t, judge(dev(), nil, s), Unavailable, CountsDisagree)
	wantVerdict(t, judge(dev(), nil, with(s, func(s *Scan) { s.Findings = []Finding{one} })), Allowed, WithinPolicy)

	s = with(enhanced(one, two), func(s *Scan) { s.CompletedAt, s.ReadAt = now.Add(-time.Minute), now.Add(-settleGap) })
	r := s.Reading()
	s.ReadAt, s.Previous = now, &r
	wantVerdict(t, judge(dev(), nil, with(s, func(s *Scan) { s.Findings = s.Findings[:1] })), Pending, NotSettled)
	wantVerdict(t, judge(dev(), nil, s), Allowed, WithinPolicy)
}

func TestAnotherScanNeverHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, exceptions, scans := somePolicy(t), someExceptions(t), someScans(t)
		disturb(t, scans)
		before := judge(p, exceptions, scans...)
		after := judge(p, exceptions, append(slices.Clip(scans), someScan(t))...)
		if before.Outcome.worse(after.Outcome) {
			t.Fatalf("was %s\nis  %s", before.Reason, after.Reason)
		}
	})
}

func TestAnotherExceptionNeverHurts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, exceptions, scans := somePolicy(t), someExceptions(t), someScans(t)
		disturb(t, scans)
		before := judge(p, exceptions, scans...)
		at := rapid.IntRange(0, len(exceptions)).Draw(t, "where")
		after := judge(p, slices.Insert(slices.Clone(exceptions), at, someException(t)), scans...)
		if before.Outcome == Allowed && after.Outcome != Allowed {
			t.Fatalf("was %s\nis  %s", before.Reason, after.Reason)
		}
	})
}

func TestExpiryNeverHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, exceptions, scans := somePolicy(t), someExceptions(t), someScans(t)
		disturb(t, scans)
		expired := slices.Clone(exceptions)
		for i := range expired {
			if rapid.Bool().Draw(t, "expire") {
				expired[i].ExpiresAt = now
			}
		}
		before, after := judge(p, exceptions, scans...), judge(p, expired, scans...)
		if after.Outcome == Allowed && before.Outcome != Allowed {
			t.Fatalf("was %s\nis  %s", before.Reason, after.Reason)
		}
	})
}

// A finding of no known severity passes no policy that limits what it counts as.
func TestTheUntriagedNeverPassesALimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, scans := somePolicy(t), someScans(t)
		as := p.UntriagedAs.known()
		_, limited := p.Limits[as]
		limited = limited || len(p.Limits) == 0 || as == Untriaged
		if limited {
			n := 1
			if as != Untriaged && len(p.Limits) > 0 {
				n += p.Limits[as]
			}
			word := rapid.String().Filter(func(w string) bool { return ParseSeverity(w) == Untriaged }).Draw(t, "word")
			for i := range n {
				scans[0].Findings = append(scans[0].Findings, finding("NEW-"+string(rune('a'+i)), ParseSeverity(word)))
			}
			// What cannot be scanned has no findings to count.
			v := judge(with(p, func(p *Policy) { p.Unscannable = DenyUnscannable }), nil, scans...)
			if v.Outcome == Allowed {
				t.Fatal(v.Reason)
			}
		}
	})
}

// Same policy, image, scans and time give the same bytes, in whatever order AWS
// lists the findings.
func TestSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, exceptions, scans := somePolicy(t), someExceptions(t), someScans(t)
		disturb(t, scans)
		bytes := func(v Verdict) string {
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw) + "\n" + v.Detail(1000) + "\n" + v.Detail(5000)
		}
		first := judge(p, exceptions, scans...)
		again := judge(p, exceptions, scans...)
		if bytes(first) != bytes(again) {
			t.Fatalf("twice:\n%s\n%s", bytes(first), bytes(again))
		}
		shuffled := slices.Clone(scans)
		for i := range shuffled {
			list := slices.Clone(shuffled[i].Findings)
			random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
			random.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
			shuffled[i].Findings = list
		}
		if other := judge(p, exceptions, shuffled...); bytes(first) != bytes(other) {
			t.Fatalf("shuffled:\n%s\n%s", bytes(first), bytes(other))
		}
		wantWellFormed(t, first)
	})
}

// Evaluate changes nothing it was given.
func TestEvaluateIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, exceptions, scans := somePolicy(t), someExceptions(t), someScans(t)
		disturb(t, scans)
		text := func() string {
			raw, err := json.Marshal([]any{p, exceptions, scans})
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		before := text()
		judge(p, exceptions, scans...)
		if after := text(); after != before {
			t.Fatalf("was %s\nis  %s", before, after)
		}
	})
}

func TestSentencesOfAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(label string) string { return rapid.StringN(0, 300, -1).Draw(t, label) }
		img := Image{Written: text("written"), Registry: text("registry"), Repository: text("repository"), Tag: text("tag"), Digest: text("digest")}
		s := someScan(t)
		s.Platform, s.Description = text("platform"), text("description")
		for i := range s.Findings {
			s.Findings[i].ID = text("id")
			s.Findings[i].Packages = []Package{{Name: text("name"), Version: text("version"), FixedIn: text("fixed in")}}
		}
		p := somePolicy(t)
		p.Name = text("policy")
		v := Evaluate(p, nil, img, []Scan{s, basic()}, now)
		wantWellFormed(t, v)
		wantWellFormed(t, Unjudged(p.Name, img, &Trouble{Cause: NotReadable, Text: text("trouble"), Mend: text("mend")}))
	})
}
