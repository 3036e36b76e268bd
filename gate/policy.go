package gate

import (
	"time"

	"github.com/bmatcuk/doublestar/v4"
)

// Unscannables says what becomes of an image that ECR cannot scan.
type Unscannables uint8

// The zero value refuses.
const (
	DenyUnscannable Unscannables = iota
	WarnUnscannable
	AllowUnscannable
)

// Policy says what is tolerated. The zero value tolerates nothing.
type Policy struct {
	Name string
	// Images are globs over registry/repository; empty: every image.
	Images []string
	// Limits is the tolerated number per severity. A severity left out is not
	// limited; with no entry at all every severity is limited to 0.
	Limits map[Severity]int
	// UntriagedAs is what a finding counts as whose severity nobody has set. Left
	// Untriaged, such a finding is never tolerated.
	UntriagedAs Severity
	// FixableOnly passes over findings that no upgrade mends.
	FixableOnly bool
	// IgnoreSuppressed passes over what Inspector's suppression rules hide.
	IgnoreSuppressed bool
	// Grace passes over findings first observed more recently than this.
	Grace map[Severity]time.Duration
	// IgnoreExploits counts a finding with a known exploit like any other;
	// otherwise it denies whatever its severity, its age and its fix.
	IgnoreExploits bool
	// MaxScanAge: older results are not judged. 0: any age.
	MaxScanAge time.Duration
	// StartScan allows StartImageScan where there is no scan or it is too old.
	StartScan   bool
	Unscannable Unscannables
	// Blocked are vulnerability IDs that deny, exceptions or not.
	Blocked []string
	// Baseline is a tag of the image's repository. Only findings that its image does
	// not have count against the limits; where it cannot be read, every finding
	// counts. What is blocked or exploited denies all the same.
	Baseline string
}

// Default is the policy for images that no other one matches, and the only one
// without a configuration file: no CRITICAL, no HIGH, untriaged as HIGH.
func Default() Policy {
	return Policy{
		Name:        "built-in",
		Limits:      map[Severity]int{Critical: 0, High: 0},
		UntriagedAs: High,
	}
}

// Matches reports whether the policy is for this image. A glob that cannot be
// read matches everything: the policy is then too wide rather than passed over.
func (p Policy) Matches(img Image) bool {
	return p.matches(img.Registry + "/" + img.Repository)
}

func (p Policy) matches(name string) bool {
	if len(p.Images) == 0 {
		return true
	}
	for _, glob := range p.Images {
		if ok, err := doublestar.Match(glob, name); ok || err != nil {
			return true
		}
	}
	return false
}

// limit returns how many findings of a severity are tolerated, and whether the
// severity is limited at all.
func (p Policy) limit(s Severity) (tolerated int, limited bool) {
	if len(p.Limits) == 0 || s == Untriaged {
		return 0, true
	}
	tolerated, limited = p.Limits[s]
	return tolerated, limited
}

// weigh returns what a severity counts as under this policy.
func (p Policy) weigh(s Severity) Severity {
	if s = s.known(); s == Untriaged {
		return p.UntriagedAs.known()
	}
	return s
}
