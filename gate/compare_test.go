package gate

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func compareScans(image, baseline []Scan, now time.Time) Comparison {
	return Comparison{Image: "the image", Baseline: "the baseline"}.of(image, baseline, now)
}

func ids(findings []Finding) []string {
	list := []string{}
	for _, f := range findings {
		list = append(list, f.ID)
	}
	return list
}

func TestCompare(t *testing.T) {
	a, b, c := finding("CVE-1", Critical, openssl()), finding("CVE-2", High, zlib()), finding("CVE-3", Low, lodash())
	upgraded := with(a, func(f *Finding) {
		f.Packages = []Package{{Name: "openssl", Version: "3.0.12-1", PURL: "pkg:deb/debian/openssl@3.0.12-1"}}
	})
	closed := with(b, func(f *Finding) { f.Status = Closed })
	both := finding("CVE-4", High, openssl(), zlib())
	half := finding("CVE-4", High, openssl())
	nameless := finding("CVE-5", High)
	amd := func(s Scan) Scan { return on("linux/amd64", amdDigest, s) }
	arm := func(s Scan) Scan { return on("linux/arm64", armDigest, s) }
	one := func(f ...Finding) []Scan { return []Scan{enhanced(f...)} }
	tests := []struct {
		name              string
		image, baseline   []Scan
		new, gone, stayed []string
	}{
		{"all three", one(a, b), one(b, c), []string{"CVE-1"}, []string{"CVE-3"}, []string{"CVE-2"}},
		{"nothing on either side", one(), one(), []string{}, []string{}, []string{}},
		{"worst first", one(c, b, a), one(), []string{"CVE-1", "CVE-2", "CVE-3"}, []string{}, []string{}},
		{"upgraded, and no better", one(upgraded), one(a), []string{}, []string{}, []string{"CVE-1"}},
		{"closed in the image", one(closed), one(b), []string{}, []string{"CVE-2"}, []string{}},
		{"closed in the baseline", one(b), one(closed), []string{"CVE-2"}, []string{}, []string{}},
		{"in one package more", one(both), one(half), []string{"CVE-4"}, []string{}, []string{}},
		{"in one package less", one(half), one(both), []string{}, []string{}, []string{"CVE-4"}},
		{"of no package, which nobody can tell apart", one(nameless), one(nameless), []string{"CVE-5"}, []string{"CVE-5"}, []string{}},
		{"over all platforms, each once", []Scan{amd(enhanced(a)), arm(enhanced(a, b))}, []Scan{amd(enhanced(b)), arm(enhanced(c))},
			[]string{"CVE-1"}, []string{"CVE-3"}, []string{"CVE-2"}},
		{"an index beside a plain image", []Scan{amd(enhanced(a)), arm(enhanced(b))}, one(a, b), []string{}, []string{}, []string{"CVE-1", "CVE-2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := compareScans(test.image, test.baseline, now)
			wantEqual(t, "compared", c.Compared, true)
			wantEqual(t, "new", ids(c.New), test.new)
			wantEqual(t, "gone", ids(c.Gone), test.gone)
			wantEqual(t, "stayed", ids(c.Stayed), test.stayed)
		})
	}
}

// Of an image that was not read whole nobody can say what is new in it, and what
// is gone.
func TestCompareNeedsBoth(t *testing.T) {
	whole := enhanced(finding("CVE-1", High, openssl()))
	bad := map[string]Scan{
		"zero":    {},
		"trouble": {Trouble: &Trouble{Cause: NoAccess, Text: "AWS refused access"}},
		"running": with(whole, func(s *Scan) { s.Status = StatusInProgress }),
		"settles": with(whole, func(s *Scan) { s.CompletedAt = now }),
		"expired": with(whole, func(s *Scan) { s.Status = StatusExpired }),
		"in part": with(whole, func(s *Scan) { s.Counts = map[Severity]int{High: 2} }),
	}
	for name, s := range bad {
		for side, c := range map[string]Comparison{
			"image":    compareScans([]Scan{whole, s}, []Scan{whole}, now),
			"baseline": compareScans([]Scan{whole}, []Scan{whole, s}, now),
		} {
			if c.Compared || c.Reason == "" || len(c.New)+len(c.Gone)+len(c.Stayed) > 0 {
				t.Errorf("%s, of the %s: %+v", name, side, c)
			}
		}
	}
	for _, c := range []Comparison{compareScans(nil, []Scan{whole}, now), compareScans([]Scan{whole}, nil, now)} {
		if c.Compared || c.Reason == "" {
			t.Errorf("no scans: %+v", c)
		}
	}
	if (Comparison{}).Compared {
		t.Error("the zero value compared something")
	}
}

// What counts since a baseline is what a comparison calls new.
func TestComparisonAgreesWithTheVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known := func(f Finding) bool { return f.Status < StatusUnknown }
		keep := func(list []Finding) []Finding {
			return slices.DeleteFunc(list, func(f Finding) bool { return !known(f) })
		}
		image, before := keep(someList(t)), keep(someList(t))
		c := compareScans([]Scan{enhanced(image...)}, []Scan{enhanced(before...)}, now)
		v := judgeSince(Policy{Baseline: "prod", IgnoreExploits: true}, prod(enhanced(before...)), enhanced(image...))
		counted := map[string]bool{}
		for _, f := range v.Findings {
			counted[f.key()] = true
		}
		if len(c.New) != len(counted) {
			t.Fatalf("new %v, counted %v", ids(c.New), ids(v.Findings))
		}
		for _, f := range c.New {
			if !counted[f.key()] {
				t.Fatalf("%s is new and does not count", f.Line())
			}
		}
	})
}
