package report

import (
	"encoding/xml"
	"io"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// testsuites is JUnit's document, as far as all its readers agree.
type testsuites struct {
	XMLName xml.Name    `xml:"testsuites"`
	Name    string      `xml:"name,attr"`
	totals              // of all suites
	Suites  []testsuite `xml:"testsuite"`
}

type totals struct {
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Time     string `xml:"time,attr"` // some readers want one
}

// testsuite is one image.
type testsuite struct {
	Name string `xml:"name,attr"`
	totals
	Properties []property `xml:"properties>property"`
	Cases      []testcase `xml:"testcase"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// testcase is the verdict, a limit of one platform, or an excepted finding.
type testcase struct {
	Name      string   `xml:"name,attr"`
	Classname string   `xml:"classname,attr"`
	Time      string   `xml:"time,attr"`
	Failure   *problem `xml:"failure"`
	Error     *problem `xml:"error"`
	Skipped   *problem `xml:"skipped"`
}

type problem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",cdata"`
}

// JUnit writes one test suite for each image: what is denied has failed, what
// could not be judged is an error, what is excepted was skipped.
func JUnit(w io.Writer, verdicts []gate.Verdict) error {
	doc := testsuites{Name: "ecr-gate", totals: totals{Time: "0"}}
	for _, v := range verdicts {
		suite := suiteOf(v)
		doc.Suites = append(doc.Suites, suite)
		doc.Tests += suite.Tests
		doc.Failures += suite.Failures
		doc.Errors += suite.Errors
		doc.Skipped += suite.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func suiteOf(v gate.Verdict) testsuite {
	suite := testsuite{Name: imageName(v), totals: totals{Time: "0"}, Properties: propertiesOf(v)}
	suite.add(verdictCase(v))
	for _, m := range v.Manifests {
		for _, s := range v.Standings(m) {
			suite.add(limitCase(v, m, s))
		}
	}
	for _, x := range v.Excepted {
		suite.add(exceptedCase(v, x))
	}
	return suite
}

func (s *testsuite) add(c testcase) {
	c.Time = "0"
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func propertiesOf(v gate.Verdict) []property {
	list := []property{{"outcome", v.Outcome.String()}, {"policy", gate.Clean(v.Policy)}, {"digest", gate.Clean(v.Digest)}}
	if text := baseline(v); text != "" {
		list = append(list, property{"baseline", text})
	}
	for _, m := range v.Manifests {
		list = append(list, property{"evidence " + platformName(m), evidence(m)})
	}
	return list
}

func verdictCase(v gate.Verdict) testcase {
	c := testcase{Name: "verdict", Classname: imageName(v)}
	p := &problem{Message: gate.Clean(v.Reason), Type: brief(string(v.Cause), 40), Text: detail(v)}
	switch v.Outcome {
	case gate.Allowed:
	case gate.Pending, gate.Unavailable:
		c.Error = p
	default:
		c.Failure = p
	}
	return c
}

// longestDetail is enough for what a person reads of a failed test.
const longestDetail = 20_000

// detail is the next step and what clears which findings, in lines.
func detail(v gate.Verdict) string {
	var b strings.Builder
	if next := gate.Clean(v.Next); next != "" {
		b.WriteString("\nnext: " + next)
	}
	for _, f := range fixesOf(v) {
		b.WriteString("\n" + f.heading(len(v.Manifests)))
		for _, g := range f.Findings {
			if b.Len() > longestDetail {
				b.WriteString("\nand more; the JSON report has all\n")
				return b.String()
			}
			b.WriteString("\n  " + g.Line())
		}
	}
	b.WriteByte('\n')
	return b.String()
}

func limitCase(v gate.Verdict, m gate.ManifestVerdict, s gate.Standing) testcase {
	c := testcase{Name: s.Severity.String() + " findings, " + allowance(s.Allowed), Classname: imageName(v)}
	if len(v.Manifests) > 1 {
		c.Name += " on " + platformName(m)
	}
	if s.Over() {
		c.Failure = &problem{Message: s.Severity.String() + " " + standing(s), Type: string(gate.OverPolicy)}
	}
	return c
}

func exceptedCase(v gate.Verdict, x gate.ExceptedFinding) testcase {
	why := make([]string, len(x.Exceptions))
	for i, n := range x.Exceptions {
		why[i] = provenance(n)
		if reason := brief(n.Statement, longestReason); reason != "" {
			why[i] = reason + " (" + why[i] + ")"
		}
	}
	return testcase{
		Name: "excepted: " + x.Finding.Line(), Classname: imageName(v),
		Skipped: &problem{Message: strings.Join(why, "; ")},
	}
}
