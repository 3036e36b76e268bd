package gate

import (
	"testing"
	"time"
)

func TestSettled(t *testing.T) {
	one := finding("CVE-2024-1", Low, openssl())
	two := finding("CVE-2024-2", Low, zlib())
	// earlier is the trace a look so long ago left of a list.
	earlier := func(ago time.Duration, list ...Finding) *Reading {
		s := enhanced(list...)
		s.CompletedAt, s.ReadAt = now.Add(-time.Minute), now.Add(-ago)
		r := s.Reading()
		return &r
	}
	tests := []struct {
		name     string
		scanType ScanType
		age      time.Duration
		list     []Finding
		previous *Reading
		settled  bool
	}{
		{"basic at once", Basic, 0, nil, nil, true},
		{"enhanced, moments ago", Enhanced, time.Minute, []Finding{one}, nil, false},
		{"enhanced, exactly at the window", Enhanced, SettleWindow, []Finding{one}, nil, false},
		{"enhanced, longer ago", Enhanced, SettleWindow + 1, []Finding{one}, nil, true},
		{"enhanced, empty, longer ago", Enhanced, SettleWindow + 1, nil, nil, true},
		{"unknown type is like enhanced", "", time.Minute, []Finding{one}, nil, false},
		{"a new type is like enhanced", "DEEP", time.Minute, []Finding{one}, nil, false},
		{"two reads agree", Enhanced, time.Minute, []Finding{one, two}, earlier(settleGap, one, two), true},
		{"two reads agree, in another order", Enhanced, time.Minute, []Finding{one, two}, earlier(settleGap, two, one), true},
		{"agree too soon", Enhanced, time.Minute, []Finding{one}, earlier(settleGap-time.Second, one), false},
		{"differ: grown", Enhanced, time.Minute, []Finding{one, two}, earlier(settleGap, one), false},
		{"differ: another", Enhanced, time.Minute, []Finding{two}, earlier(settleGap, one), false},
		{"differ: severity", Enhanced, time.Minute, []Finding{one},
			earlier(settleGap, with(one, func(f *Finding) { f.Severity = Medium })), false},
		{"differ: status", Enhanced, time.Minute, []Finding{one},
			earlier(settleGap, with(one, func(f *Finding) { f.Status = Suppressed })), false},
		{"differ: version", Enhanced, time.Minute, []Finding{one},
			earlier(settleGap, finding("CVE-2024-1", Low, with(openssl(), func(p *Package) { p.Version = "9" }))), false},
		{"differ: another scan", Enhanced, 50 * time.Second, []Finding{one}, earlier(settleGap, one), false},
		{"empty never by agreement", Enhanced, time.Minute, nil, earlier(time.Hour), false},
		{"an earlier look at nothing", Enhanced, time.Minute, []Finding{one}, &Reading{At: now.Add(-time.Hour)}, false},
		{"an earlier look from the future", Enhanced, time.Minute, []Finding{one}, earlier(-time.Hour, one), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := enhanced(test.list...)
			s.Type, s.CompletedAt, s.Previous = test.scanType, now.Add(-test.age), test.previous
			v := judge(dev(), nil, s)
			if test.settled {
				wantVerdict(t, v, Allowed, WithinPolicy)
				wantEqual(t, "readings", len(v.Readings()), 0)
				return
			}
			wantVerdict(t, v, Pending, NotSettled)
			wantEqual(t, "passing", v.Passing, true)
			wantEqual(t, "readings", len(v.Readings()), 1)
		})
	}
}

// Looks 5 s apart add up to the gap, as long as they agree.
func TestReadingsAddUp(t *testing.T) {
	list := []Finding{finding("CVE-2024-1", Low)}
	readings := map[string]Reading{}
	look := func(second int, list []Finding) Verdict {
		s := enhanced(list...)
		s.CompletedAt, s.ReadAt = now, now.Add(time.Duration(second)*time.Second)
		if r, ok := readings[s.Digest]; ok {
			s.Previous = &r
		}
		v := Evaluate(dev(), nil, shop(), []Scan{s}, s.ReadAt)
		readings = v.Readings()
		return v
	}
	wantVerdict(t, look(0, list), Pending, NotSettled)
	wantVerdict(t, look(5, list), Pending, NotSettled)
	list = append(list, finding("CVE-2024-2", Low)) // grown: from the start again
	wantVerdict(t, look(10, list), Pending, NotSettled)
	wantVerdict(t, look(15, list), Pending, NotSettled)
	wantVerdict(t, look(20, list), Allowed, WithinPolicy)
}

// Two lists that only look alike once run together are not the same.
func TestFingerprintKeepsFieldsApart(t *testing.T) {
	a := enhanced(finding("CVE-1", Low, Package{Name: "ab", Version: "c"}))
	b := enhanced(finding("CVE-1", Low, Package{Name: "a", Version: "bc"}))
	c := enhanced(finding("CVE-1", Low, Package{Name: "ab"}), finding("c", Low))
	if a.fingerprint() == b.fingerprint() || a.fingerprint() == c.fingerprint() {
		t.Error("different lists have the same fingerprint")
	}
	two := enhanced(finding("CVE-1", Low), finding("CVE-2", Low))
	for _, packages := range [][]Package{
		{{Name: "LOW", Version: "ACTIVECVE-2"}},
		{{Name: "LOW", Version: "ACTIVE"}, {}, {}, {}, {Version: "CVE-2"}}, // the fields, with as many zeros between as a length has bytes
	} {
		if one := enhanced(finding("CVE-1", Low, packages...)); one.fingerprint() == two.fingerprint() {
			t.Errorf("one finding in %q has the fingerprint of two", packages)
		}
	}
}
