package gate

import (
	"slices"
	"testing"
	"time"
)

// People read the list from the top. Of two findings, the one in front is told by
// the first member in which they differ; all the later ones speak for the other.
func TestWorstFirst(t *testing.T) {
	front := Finding{
		ID: "CVE-1", Severity: High, Exploit: true, Fix: FixUnknown, Status: Active, Related: []string{"CVE-8"}, Title: "a", URL: "a",
		Packages:      []Package{{Name: "a", Version: "1", FixedIn: "1", Path: "a", PURL: "pkg:deb/a"}},
		FirstObserved: now,
	}
	back := front
	back.Packages = slices.Clone(front.Packages)
	inPackage := func(change func(*Package)) func(*Finding) {
		return func(f *Finding) { change(&f.Packages[0]) }
	}
	// The last member first, so that what was changed already never decides.
	for _, step := range []struct {
		member string
		behind func(*Finding) // makes it come second by this member
		ahead  func(*Finding) // then makes it come first by this member, for the next one to beat
	}{
		{"first observed", func(f *Finding) { f.FirstObserved = now.Add(1) }, func(f *Finding) { f.FirstObserved = now.Add(-1) }},
		{"URL", func(f *Finding) { f.URL = "b" }, func(f *Finding) { f.URL = "" }},
		{"title", func(f *Finding) { f.Title = "b" }, func(f *Finding) { f.Title = "" }},
		{"related", func(f *Finding) { f.Related = []string{"CVE-9"} }, func(f *Finding) { f.Related = nil }},
		{"status", func(f *Finding) { f.Status = Suppressed }, func(f *Finding) { f.Status = Active }},
		{"fix", func(f *Finding) { f.Fix = FixYes }, func(f *Finding) { f.Fix = FixUnknown }},
		{"package URL", inPackage(func(p *Package) { p.PURL = "pkg:deb/b" }), inPackage(func(p *Package) { p.PURL = "" })},
		{"path", inPackage(func(p *Package) { p.Path = "b" }), inPackage(func(p *Package) { p.Path = "" })},
		{"fixed in", inPackage(func(p *Package) { p.FixedIn = "2" }), inPackage(func(p *Package) { p.FixedIn = "0" })},
		{"version", inPackage(func(p *Package) { p.Version = "2" }), inPackage(func(p *Package) { p.Version = "" })},
		{"package", inPackage(func(p *Package) { p.Name = "b" }), inPackage(func(p *Package) { p.Name = "" })},
		{"ID", func(f *Finding) { f.ID = "CVE-2" }, func(f *Finding) { f.ID = "CVE-0" }},
		{"a fixed version", inPackage(func(p *Package) { p.FixedIn = "" }), inPackage(func(p *Package) { p.FixedIn = "1" })},
		{"a known exploit", func(f *Finding) { f.Exploit = false }, func(f *Finding) { f.Exploit = true }},
		{"severity", func(f *Finding) { f.Severity = Medium }, func(f *Finding) { f.Severity = Critical }},
	} {
		step.behind(&back)
		if worstFirst(&front, &back) >= 0 || worstFirst(&back, &front) <= 0 {
			t.Errorf("%s does not decide", step.member)
		}
		step.ahead(&back)
	}
	if worstFirst(&front, &front) != 0 {
		t.Error("a finding is not equal to itself")
	}
}

// AWS lists findings in no order; what is shown, and by which exception it was let
// pass, is always in the same one.
func TestOrderIsNotThatOfAWS(t *testing.T) {
	grace := time.Hour
	p := Policy{Name: "dev", Limits: map[Severity]int{Critical: 0}, Grace: map[Severity]time.Duration{Low: grace}}
	list := []Finding{
		finding("CVE-2", Critical, zlib()), finding("CVE-1", Critical, zlib()), finding("CVE-1", Critical, openssl()),
		finding("CVE-1", Critical, openssl(), zlib()), finding("CVE-9", Critical, fixed(zlib(), "2")),
	}
	exceptions := []Exception{{IDs: []string{"CVE-X2"}}, {IDs: []string{"CVE-X1"}}}
	for i, s := range []Severity{Low, Critical, High} {
		list = append(list, finding("CVE-X1", s, openssl()), finding("CVE-X2", s, with(zlib(), func(p *Package) { p.Version = string(rune('a' + i)) })))
	}
	want := judge(p, exceptions, enhanced(list...))
	slices.Reverse(list)
	got := judge(p, exceptions, enhanced(list...))
	wantEqual(t, "counted", got.Findings, want.Findings)
	wantEqual(t, "excepted", got.Excepted, want.Excepted)
	var order []string
	for _, x := range got.Excepted {
		order = append(order, x.Severity.String()+" "+x.ID)
	}
	wantEqual(t, "excepted, the worst first", order, []string{"CRITICAL CVE-X1", "CRITICAL CVE-X2", "HIGH CVE-X1", "HIGH CVE-X2", "LOW CVE-X1", "LOW CVE-X2"})
}

// A finding that two platforms share is said to be let pass by the exception that
// stands first in the file, whichever platform comes first.
func TestSharedFindingNamesTheFirstException(t *testing.T) {
	exceptions := []Exception{
		{IDs: []string{"CVE-1"}, Digests: []string{amdDigest}, Source: "first"},
		{IDs: []string{"CVE-1"}, Digests: []string{armDigest}, Source: "second"},
	}
	f := finding("CVE-1", Critical, openssl())
	amd, arm := on("linux/amd64", amdDigest, basic(f)), on("linux/arm64", armDigest, basic(f))
	for _, scans := range [][]Scan{{amd, arm}, {arm, amd}} {
		v := judge(dev(), exceptions, scans...)
		wantEqual(t, "excepted", len(v.Excepted), 1)
		wantEqual(t, "by", v.Excepted[0].Exceptions[0].Source, "first")
		wantEqual(t, "used", v.Used, []int{0, 1})
	}
}

// Of an image that is no index, what AWS lists twice is shown twice, as it counts
// twice: only platforms share findings.
func TestOneImageListsWhatAWSLists(t *testing.T) {
	f := finding("CVE-1", Medium, openssl())
	v := judge(dev(), nil, basic(f, f))
	wantEqual(t, "counted", len(v.Findings), 2)
	v = judge(dev(), []Exception{{IDs: []string{"CVE-1"}}}, basic(f, f))
	wantEqual(t, "excepted", len(v.Excepted), 2)
}
