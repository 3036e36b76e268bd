package report

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestHighest(t *testing.T) {
	tests := []struct {
		what     string
		versions []string
		want     []string
	}{
		{"nothing", nil, nil},
		{"no version", []string{"", ""}, nil},
		{"one", []string{"1.0"}, []string{"1.0"}},
		{"the same twice", []string{"1.0", "1.0", ""}, []string{"1.0"}},
		{"numbers, not texts", []string{"1.9", "1.10", "1.2"}, []string{"1.10"}},
		{"dpkg", []string{"3.0.14-1~deb12u1", "3.0.15-1~deb12u1", "3.0.15-1~deb12u2"}, []string{"3.0.15-1~deb12u2"}},
		{"rpm", []string{"1.1.1k-9.el8_7", "1.1.1k-12.el8_9"}, []string{"1.1.1k-12.el8_9"}},
		{"rpm, a later build", []string{"1.1.1k-9.el8", "1.1.1k-9.el8_7"}, []string{"1.1.1k-9.el8_7"}},
		{"apk", []string{"1.1.1q-r0", "1.1.1t-r0", "1.1.1t-r1"}, []string{"1.1.1t-r1"}},
		{"an epoch wins", []string{"9.0", "1:2.0"}, []string{"1:2.0"}},
		{"epoch 0 is none", []string{"0:9.0", "8.0"}, []string{"0:9.0"}},
		{"the same, written otherwise", []string{"9.0", "0:9.0", "09.0"}, []string{"09.0"}},
		{"a further part", []string{"2.13.4", "2.13.4.2"}, []string{"2.13.4.2"}},
		{"leading zeros", []string{"2026.09.1", "2026.10.1"}, []string{"2026.10.1"}},
		{"Go", []string{"v0.0.0-20220314234659-1baeb1ce4c0b", "v0.17.0"}, []string{"v0.17.0"}},
		{"long numbers", []string{"1.99999999999999999999999", "1.100000000000000000000000"}, []string{"1.100000000000000000000000"}},
		// dpkg puts 1.0-1 after 1.0, semver before; nobody has said which it is.
		{"a suffix may be a revision or a candidate", []string{"1.0", "1.0-1"}, []string{"1.0", "1.0-1"}},
		{"a tilde", []string{"1.0", "1.0~rc1"}, []string{"1.0", "1.0~rc1"}},
		{"words", []string{"1.0-alpha", "1.0-rc"}, []string{"1.0-alpha", "1.0-rc"}},
		{"a letter or none", []string{"1.1.1", "1.1.1k"}, []string{"1.1.1", "1.1.1k"}},
		{"candidate of the next", []string{"1.2", "1.2.0.rc1"}, []string{"1.2", "1.2.0.rc1"}},
		{"two kinds, a higher one of each", []string{"1.0", "1.0-1", "1.0-2"}, []string{"1.0", "1.0-2"}},
		{"no epoch", []string{"a:1", "a:2", ":"}, []string{":", "a:2"}},
	}
	for _, test := range tests {
		for range 2 {
			if got := highest(test.versions); !slices.Equal(got, test.want) {
				t.Errorf("%s: of %q %q, want %q", test.what, test.versions, got, test.want)
			}
			slices.Reverse(test.versions)
		}
	}
}

// A hostile list is cut short, and says so.
func TestHighestOfMany(t *testing.T) {
	var versions []string
	for i := range 100 {
		versions = append(versions, fmt.Sprintf("1-%c%c", 'a'+i/10, 'a'+i%10))
	}
	if got := highest(versions); len(got) != 21 || got[20] != "…" {
		t.Errorf("%d: %q", len(got), got)
	}
}

func TestCompareVersionsIsAnOrder(t *testing.T) {
	version := rapid.StringMatching(`([0-9]:)?[0-9]{1,2}([.\-~+_][0-9a-c]{0,2}){0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := version.Draw(t, "a"), version.Draw(t, "b")
		ab, okAB := compareVersions(a, b)
		ba, okBA := compareVersions(b, a)
		if okAB != okBA || okAB && ab != -ba {
			t.Errorf("%q, %q: %d %t, the other way %d %t", a, b, ab, okAB, ba, okBA)
		}
		if c, ok := compareVersions(a, a); !ok || c != 0 {
			t.Errorf("%q is not itself", a)
		}
	})
}
