package report

import (
	"slices"
	"testing"
)

// FuzzVersions: whatever somebody calls a version, the comparison is an order, and
// of a list of versions at least one stays, and none that was not there.
func FuzzVersions(f *testing.F) {
	f.Add("1.2.3", "1.2.3-4", "1:0.9")
	f.Add("1.1.1k", "1.1.1t", "1.1.1")
	f.Add("1.2.0.rc1", "1.2", "v1.2")
	f.Add("00.1", "0.01", "0:0.1")
	f.Add("99999999999999999999999", "1_2", "1.2~a")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, ok := compareVersions(a, b)
		ba, same := compareVersions(b, a)
		if ok != same || ok && ab != -ba {
			t.Errorf("%q and %q: %d %t, the other way round %d %t", a, b, ab, ok, ba, same)
		}
		if n, ok := compareVersions(a, a); !ok || n != 0 {
			t.Errorf("%q is not itself: %d %t", a, n, ok)
		}
		bc, further := compareVersions(b, c)
		if ac, all := compareVersions(a, c); ok && further && all && ab <= 0 && bc <= 0 && ac > 0 {
			t.Errorf("%q, %q, %q go round", a, b, c)
		}
		list := []string{a, b, c}
		top := highest(list)
		for _, v := range top {
			if !slices.Contains(list, v) || v == "" {
				t.Errorf("%q is none of %q", v, list)
			}
		}
		if len(top) == 0 && a+b+c != "" {
			t.Errorf("none of %q is left", list)
		}
	})
}
