package gate

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The texts hold one another, begin alike and are short, as far as that is what
// the packing goes by.
func anyText(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "a", "abc", "abcd", "CVE-1", "CVE-1 - abcd", "https://x/CVE-1", "pkg:npm/abcd@1.2.3", "1.2.3", "app/abcd/1.2.3"}),
		rapid.StringN(0, 80, 200),
	).Draw(t, label)
}

func anyTime(t *rapid.T, label string) time.Time {
	if rapid.Bool().Draw(t, label+" is zero") {
		return time.Time{}
	}
	zone := pick(t, label+" zone", []*time.Location{time.UTC, time.Local, time.FixedZone("", 3600)})
	return time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, label), rapid.Int64Range(0, 999_999_999).Draw(t, label+" nanoseconds")).In(zone)
}

// anyList is nil, empty or filled.
func anyList[T any](t *rapid.T, label string, most int, one func(*rapid.T) T) []T {
	if rapid.IntRange(0, 3).Draw(t, label+" is nil") == 0 {
		return nil
	}
	return rapid.SliceOfN(rapid.Custom(one), 0, most).Draw(t, label)
}

func anyPackage(t *rapid.T) Package {
	return Package{
		Name: anyText(t, "name"), Version: anyText(t, "version"), FixedIn: anyText(t, "fixed in"),
		Path: anyText(t, "path"), PURL: anyText(t, "purl"),
	}
}

func anyFinding(t *rapid.T) Finding {
	return Finding{
		ID: anyText(t, "id"), Severity: Severity(rapid.Byte().Draw(t, "severity")),
		Related:  anyList(t, "related", 3, func(t *rapid.T) string { return anyText(t, "related ID") }),
		Packages: anyList(t, "packages", 3, anyPackage),
		Fix:      Fix(rapid.Byte().Draw(t, "fix")), Exploit: rapid.Bool().Draw(t, "exploit"),
		Status: FindingStatus(rapid.Byte().Draw(t, "status")),
		Title:  anyText(t, "title"), URL: anyText(t, "url"), FirstObserved: anyTime(t, "first observed"),
	}
}

func anyScan(t *rapid.T) Scan {
	s := Scan{
		Platform: anyText(t, "platform"), Digest: anyText(t, "digest"),
		Type: ScanType(anyText(t, "type")), Status: Status(anyText(t, "status")), Description: anyText(t, "description"),
		CompletedAt: anyTime(t, "completed at"), SourceAt: anyTime(t, "source at"), ReadAt: anyTime(t, "read at"),
		Findings: anyList(t, "findings", 5, anyFinding),
		Pages:    rapid.Int().Draw(t, "pages"), Stale: rapid.Bool().Draw(t, "stale"),
	}
	if rapid.Bool().Draw(t, "counts") {
		s.Counts = map[Severity]int{}
		for range rapid.IntRange(0, 6).Draw(t, "counted") {
			s.Counts[Severity(rapid.Byte().Draw(t, "counted severity"))] = rapid.Int().Draw(t, "count")
		}
	}
	if rapid.Bool().Draw(t, "looked before") {
		s.Previous = &Reading{Fingerprint: anyText(t, "fingerprint"), At: anyTime(t, "looked at")}
	}
	if rapid.Bool().Draw(t, "trouble") {
		s.Trouble = &Trouble{Cause: NoScan, Text: anyText(t, "trouble"), Passing: true}
	}
	return s
}

func TestCachePackedScanIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyScan(t)
		if diff := cmp.Diff(want, pack(want).unpack()); diff != "" { // tells nil from empty
			t.Fatal(diff)
		}
	})
}

// fill sets everything that can be set to something that is not zero.
func fill(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = now
		return
	case **Trouble: // packed as it is
		*x = &Trouble{Text: name}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(name)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(7)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), name)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, name)
		fill(t, value, name)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), name+"."+v.Type().Field(i).Name)
		}
	default:
		t.Fatalf("%s is of a kind that this test cannot fill: %s", name, v.Kind())
	}
}

// A field added to Scan, Finding, Package or Reading has to be packed too.
func TestCachePacksEveryField(t *testing.T) {
	var want Scan
	fill(t, reflect.ValueOf(&want).Elem(), "scan")
	if diff := cmp.Diff(want, pack(want).unpack()); diff != "" {
		t.Error("forgotten when a scan is packed:\n", diff)
	}
}

// What a caller does to a scan, or to a part of it, is done to no other.
func TestCacheUnpackedScansShareNothing(t *testing.T) {
	list := []Finding{
		{ID: "CVE-1", Related: []string{"a"}, Packages: []Package{openssl(), zlib()}},
		{ID: "CVE-2", Related: []string{"b"}, Packages: []Package{lodash()}},
	}
	s := basic(list...)
	s.Counts, s.Previous, s.Trouble = map[Severity]int{High: 1}, &Reading{Fingerprint: "f"}, &Trouble{Text: "text"}
	packed := pack(s)
	want, got := packed.unpack(), packed.unpack()

	first := &got.Findings[0]
	first.ID, first.Packages[0].Name, first.Related[0] = "changed", "changed", "changed"
	_ = append(first.Packages, Package{Name: "changed"})
	_ = append(first.Related, "changed")
	_ = append(got.Findings[:1], Finding{ID: "changed"})
	got.Counts[High], got.Previous.Fingerprint, got.Trouble.Text = 99, "changed", "changed"

	if diff := cmp.Diff(want, packed.unpack()); diff != "" {
		t.Error("what is held has changed:\n", diff)
	}
	got = packed.unpack()
	_ = append(got.Findings[0].Packages, Package{Name: "changed"})
	_ = append(got.Findings[0].Related, "changed")
	if diff := cmp.Diff(want.Findings[1], got.Findings[1]); diff != "" {
		t.Error("the next finding has changed:\n", diff)
	}
}

// inspected is a scan as Inspector's are: IDs and titles of their own, packages
// with several findings each, one package in four from a language's manager. Of
// no two images are the texts the same.
func inspected(image, findings int) Scan {
	s := enhanced()
	s.Digest = fmt.Sprintf("sha256:%064x", image)
	s.Findings = make([]Finding, findings)
	s.Counts = map[Severity]int{}
	for i := range s.Findings {
		id := fmt.Sprintf("CVE-%d-%d", 2019+i%8, 1000+(image*131+i*37)%48000)
		pkg := image*17 + i*3/5
		p := Package{
			Name:    fmt.Sprintf("lib%s%d", []string{"ssl", "gnutls", "systemd", "xml", "python-stdlib"}[pkg%5], pkg),
			Version: fmt.Sprintf("%d.%d.%d-%dubuntu%d.%d", pkg%9, pkg%23, image%40, pkg%7, pkg%4, image%30),
			FixedIn: fmt.Sprintf("%d.%d.%d-%dubuntu%d.%d", pkg%9, pkg%23, image%40, pkg%7, pkg%4, image%30+i%5+1),
		}
		p.PURL = "pkg:deb/ubuntu/" + p.Name + "@" + p.Version
		url := "https://nvd.nist.gov/vuln/detail/" + id
		if i%3 == 0 {
			url = fmt.Sprintf("https://people.canonical.com/~ubuntu-security/cve/%d/%s", 2019+i%8, id)
		}
		packages := []Package{p}
		if i%4 == 0 {
			p.Path = fmt.Sprintf("usr/src/app/%d/node_modules/%s/package.json", image, p.Name)
			p.PURL = "pkg:npm/" + p.Name + "@" + p.Version
			packages = []Package{p}
		}
		if i%2 == 0 {
			q := p
			q.Name += "-dev"
			q.PURL = "pkg:deb/ubuntu/" + q.Name + "@" + q.Version
			packages = append(packages, q)
		}
		severity := []Severity{Medium, Low, Low, Informational}[i%4]
		s.Counts[severity]++
		s.Findings[i] = Finding{
			ID: id, Title: id + " - " + packages[0].Name, URL: url, Severity: severity, Packages: packages,
			Fix: FixYes, FirstObserved: now.Add(-time.Duration(i%40) * 1234567 * time.Millisecond),
		}
	}
	return s
}

// lenient lets the findings of [inspected] pass.
func lenient() Policy {
	return Policy{Name: "dev", Limits: map[Severity]int{Critical: 0, High: 0, Medium: 1000}, UntriagedAs: High}
}

func bytesOf(s Scan) int {
	n := 0
	for _, f := range s.Findings {
		n += len(f.ID) + len(f.Title) + len(f.URL)
		for _, p := range f.Packages {
			n += len(p.Name) + len(p.Version) + len(p.FixedIn) + len(p.Path) + len(p.PURL)
		}
	}
	return n
}

var scanSink Scan

// ballast is heap as of a process whose cache is full: without it a benchmark
// measures the garbage collector, which comes round every few hundred reads.
var ballast []byte

func withBallast(b *testing.B) {
	b.Helper()
	ballast = make([]byte, 128<<20)
	b.Cleanup(func() { ballast = nil })
}

func BenchmarkCacheUnpack(b *testing.B) {
	withBallast(b)
	for _, n := range []int{0, 20, 100, 1000} {
		s := inspected(1, n)
		packed := pack(s)
		b.Run(fmt.Sprintf("findings=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				scanSink = packed.unpack()
			}
			b.ReportMetric(float64(len(packed.blob)), "packed-B")
			b.ReportMetric(float64(bytesOf(s)), "text-B")
		})
	}
}

func BenchmarkCachePack(b *testing.B) {
	s := inspected(1, 100)
	b.ReportAllocs()
	for b.Loop() {
		pack(s)
	}
}

// BenchmarkCachedVerdict is what a review costs once scan and digest are known.
func BenchmarkCachedVerdict(b *testing.B) {
	withBallast(b)
	for _, n := range []int{20, 100} {
		packed := pack(inspected(1, n))
		b.Run(fmt.Sprintf("findings=%d", n), func(b *testing.B) {
			policy := lenient()
			b.ReportAllocs()
			for b.Loop() {
				sink = Evaluate(policy, nil, shop(), []Scan{packed.unpack()}, now)
			}
			if sink.Outcome != Allowed {
				b.Fatal(sink.Reason)
			}
		})
	}
}

// BenchmarkCachedCheck is the same from the reference to the verdict, through a
// cache that holds both facts.
func BenchmarkCachedCheck(b *testing.B) {
	withBallast(b)
	for _, n := range []int{20, 100} {
		b.Run(fmt.Sprintf("findings=%d", n), func(b *testing.B) {
			source := &asked{scan: func(context.Context, Manifest) (Scan, error) { return inspected(1, n), nil }}
			c := NewCache(source, CacheOptions{Now: func() time.Time { return now }})
			defer c.Close()
			g := &Gate{Source: c, Policies: []Policy{lenient()}, Now: func() time.Time { return now }}
			req := Request{Image: shop().Written}
			b.ReportAllocs()
			for b.Loop() {
				sink = g.Check(context.Background(), req)
			}
			if sink.Outcome != Allowed || source.scans.Load() != 1 {
				b.Fatal(sink.Reason, source.scans.Load())
			}
		})
	}
}

// Names, versions and IDs are found in the longer texts that hold them.
func TestCachePackFindsTheShorterInTheLonger(t *testing.T) {
	s := inspected(1, 100)
	packed, text := len(pack(s).blob), bytesOf(s)
	t.Logf("%d bytes of text packed into %d", text, packed)
	if packed > text*4/5 {
		t.Errorf("%d bytes of text packed into %d", text, packed)
	}
}
