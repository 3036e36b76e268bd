package report_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/gate"
)

// junitReport is the document as readers of JUnit see it.
type junitReport struct {
	junitTotals
	Suites []struct {
		junitTotals
		Name  string `xml:"name,attr"`
		Cases []struct {
			Name    string    `xml:"name,attr"`
			Failure *struct{} `xml:"failure"`
			Error   *struct{} `xml:"error"`
			Skipped *struct {
				Message string `xml:"message,attr"`
			} `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

type junitTotals struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
}

func (n junitTotals) plus(m junitTotals) junitTotals {
	return junitTotals{n.Tests + m.Tests, n.Failures + m.Failures, n.Errors + m.Errors, n.Skipped + m.Skipped}
}

func parseJUnit(t *testing.T, verdicts ...gate.Verdict) junitReport {
	t.Helper()
	var r junitReport
	if err := xml.Unmarshal([]byte(render(t, "junit", verdicts...)), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// The totals are what the test cases come to: readers believe one or the other.
func TestJUnitAddsUp(t *testing.T) {
	for name, verdicts := range odd() {
		r := parseJUnit(t, verdicts...)
		if len(r.Suites) != len(verdicts) {
			t.Errorf("%s: %d suites", name, len(r.Suites))
		}
		var all junitTotals
		for _, s := range r.Suites {
			var n junitTotals
			for _, c := range s.Cases {
				n.Tests++
				if c.Failure != nil {
					n.Failures++
				}
				if c.Error != nil {
					n.Errors++
				}
				if c.Skipped != nil {
					n.Skipped++
				}
			}
			if n != s.junitTotals {
				t.Errorf("%s: %s says %+v and has %+v", name, s.Name, s.junitTotals, n)
			}
			all = all.plus(n)
		}
		if all != r.junitTotals {
			t.Errorf("%s: says %+v and has %+v", name, r.junitTotals, all)
		}
	}
}

func TestJUnitOutcomes(t *testing.T) {
	want := []junitTotals{
		{Tests: 7, Failures: 2},        // denied on one of two platforms, three limits each
		{Tests: 4},                     // allowed
		{Tests: 1, Errors: 1},          // pending
		{Tests: 1, Errors: 1},          // unavailable
		{7, 3, 0, len(web().Excepted)}, // an exploit, two limits
	}
	for i, s := range parseJUnit(t, append(several(), web())...).Suites {
		if s.junitTotals != want[i] {
			t.Errorf("%s: %+v, want %+v", s.Name, s.junitTotals, want[i])
		}
	}
}

func TestJUnitSaysWhyFindingsWereSkipped(t *testing.T) {
	v := web()
	var skipped []string
	for _, c := range parseJUnit(t, v).Suites[0].Cases {
		if c.Skipped != nil {
			skipped = append(skipped, c.Name+": "+c.Skipped.Message)
		}
	}
	for i, x := range v.Excepted {
		for _, want := range []string{x.ID, x.Exceptions[0].Statement, x.Exceptions[0].Source} {
			if !strings.Contains(skipped[i], want) {
				t.Errorf("%q is not in %s", want, skipped[i])
			}
		}
	}
}

// A reader that keeps test cases by name must keep them all.
func TestJUnitLongDetailEnds(t *testing.T) {
	text := render(t, "junit", thousand(1000))
	if !strings.Contains(text, "and more; the JSON report has all") || len(text) > 60_000 {
		t.Errorf("%d bytes", len(text))
	}
}
