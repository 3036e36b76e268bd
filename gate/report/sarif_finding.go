package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/ecr-gate/ecr-gate/gate"
)

// target is the image as SARIF names places: by a relative URI. Tag and digest are
// no part of it, so that the next build's findings are the same ones.
type target struct{ uri string }

func newTarget(v gate.Verdict) target {
	name := "image"
	if img, err := gate.ParseImage(v.Image); err == nil {
		name = img.Registry + "/" + img.Repository
	} else if written := brief(v.Image, 200); written != "" {
		name = written
	}
	return target{(&url.URL{Path: strings.TrimLeft(name, "/")}).String()}
}

// locationOf has a line, for GitHub shows no result without one.
func locationOf(image target, place int) *sarif.Location {
	return sarif.NewLocationWithPhysicalLocation(sarif.NewPhysicalLocation().
		WithArtifactLocation(sarif.NewSimpleArtifactLocation(image.uri).WithIndex(place)).
		WithRegion(sarif.NewRegion().WithStartLine(1)))
}

// logicalLocations are the packages, each once: SARIF takes no two alike, and
// several files may hold the same one.
func logicalLocations(packages []gate.Package) []*sarif.LogicalLocation {
	locations := make([]*sarif.LogicalLocation, 0, len(packages))
	seen := map[[2]string]bool{}
	for _, p := range packages {
		name := cmp.Or(brief(p.Name, longestName), "package")
		qualified := cmp.Or(brief(p.PURL, 300), strings.TrimSuffix(name+"@"+brief(p.Version, longestVersion), "@"))
		if key := [2]string{name, qualified}; !seen[key] {
			seen[key] = true
			locations = append(locations, sarif.NewLogicalLocation().WithName(name).WithFullyQualifiedName(qualified).WithKind("package"))
		}
	}
	return locations
}

// fingerprints tell a finding from others, however often the image is built: they
// hold neither digest nor version. GitHub goes by primaryLocationLineHash alone,
// and would make one of the source line, of which there is none.
func fingerprints(image string, f gate.Finding) map[string]string {
	fields := []string{image, f.ID}
	var packages []string
	for _, p := range f.Packages {
		packages = append(packages, p.Name+"\x00"+p.UnversionedPURL()+"\x00"+p.Path)
	}
	slices.Sort(packages)
	sum := sha256.Sum256([]byte(strings.Join(append(fields, packages...), "\x00\x00")))
	hash := hex.EncodeToString(sum[:16])
	return map[string]string{"ecrGateFinding/v1": hash, "primaryLocationLineHash": hash + ":1"}
}

func properties(f gate.Finding) *sarif.PropertyBag {
	bag := sarif.NewPropertyBag().Add("severity", f.Severity.String()).Add("fix", f.Fix.String())
	if f.Exploit {
		bag.Add("exploit", true)
	}
	if !f.FirstObserved.IsZero() {
		bag.Add("firstObserved", instant(f.FirstObserved))
	}
	var packages []map[string]string
	for _, p := range f.Packages {
		packages = append(packages, withoutEmpty(map[string]string{
			"name": brief(p.Name, longestName), "version": brief(p.Version, longestVersion), "fixedIn": brief(p.FixedIn, longestVersion),
			"path": strings.TrimLeft(brief(p.Path, 300), "/"), // in the image
		}))
	}
	if packages != nil {
		bag.Add("packages", packages)
	}
	return bag
}

func withoutEmpty(m map[string]string) map[string]string {
	for k, v := range m {
		if v == "" {
			delete(m, k)
		}
	}
	return m
}

func cleaned(texts []string) []string {
	clean := make([]string, len(texts))
	for i, text := range texts {
		clean[i] = gate.Clean(text)
	}
	return clean
}

func newRule(id string, f gate.Finding) *sarif.ReportingDescriptor {
	rule := describe(sarif.NewRule(id), cmp.Or(brief(f.Title, longestTitle), id))
	if link := webAddress(f.URL); link != "" {
		rule.WithHelpURI(link)
	}
	return rule
}

func describe(rule *sarif.ReportingDescriptor, text string) *sarif.ReportingDescriptor {
	words := sarif.NewMultiformatMessageString().WithText(escapeMessage(text))
	return rule.WithShortDescription(words).WithFullDescription(words).WithHelp(words)
}

// scores stand for severities where GitHub wants a CVSS score, which ECR does not
// always give: the middle of the band that GitHub calls by the same name.
var scores = map[gate.Severity]string{gate.Critical: "9.5", gate.High: "8.0", gate.Medium: "5.5", gate.Low: "2.0", gate.Informational: "0.1"}

// worsen raises the rule's level and score to those of a finding.
func worsen(rule *sarif.ReportingDescriptor, s gate.Severity) {
	if rule.Properties == nil {
		rule.WithProperties(sarif.NewPropertyBag().WithTags([]string{"security", "vulnerability"}))
		rule.WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(levelOf(s)))
	}
	score, scored := scores[s]
	held, _ := rule.Properties.Properties["security-severity"].(string)
	if scored && score > held { // each has one digit before the point
		rule.Properties.Add("security-severity", score)
		rule.DefaultConfiguration.WithLevel(levelOf(s))
	}
}

// levelOf never calls a finding that nobody has triaged a mere note.
func levelOf(s gate.Severity) string {
	switch s {
	case gate.Critical, gate.High:
		return sarif.LevelError
	case gate.Low, gate.Informational:
		return sarif.LevelNote
	case gate.Medium, gate.Untriaged:
	}
	return sarif.LevelWarning
}

func message(text string) *sarif.Message {
	return sarif.NewTextMessage(escapeMessage(text))
}

var messageEscapes = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "{", "{{", "}", "}}")

// escapeMessage keeps a text from being read as a link, [text](target), or as a
// placeholder, {0} (SARIF 2.1.0, 3.11).
func escapeMessage(text string) string { return messageEscapes.Replace(gate.Clean(text)) }
