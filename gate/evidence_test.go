package gate

import (
	"testing"
	"time"
)

// What a platform's judgement rests on is told, from the cache too.
func TestManifestSaysWhatItRestsOn(t *testing.T) {
	source := now.Add(-3 * time.Hour)
	whole := func(s *Scan) { s.Pages, s.SourceAt = 3, source }
	justNow := func(s *Scan) { s.CompletedAt = now.Add(-time.Minute) }
	found := finding("CVE-2024-1", Low, openssl())
	tests := []struct {
		name string
		scan Scan
		want Settling
	}{
		{"basic", with(basic(found), whole), SettledByType},
		{"enhanced, an hour ago", with(enhanced(found), whole), SettledByAge},
		{"enhanced, just now", with(with(enhanced(found), whole), justNow), ""},
		{"enhanced, just now, looked at before", with(with(with(enhanced(found), whole), justNow), func(s *Scan) {
			s.Previous = &Reading{s.fingerprint(), now.Add(-settleGap)}
		}), SettledByAgreement},
		{"not finished", with(with(basic(), whole), func(s *Scan) { s.Status = StatusInProgress }), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, scan := range []Scan{test.scan, pack(test.scan).unpack()} {
				m := judge(dev(), nil, scan).Manifests[0]
				if m.SettledBy != test.want || m.Pages != 3 || !m.SourceAt.Equal(source) {
					t.Errorf("settled by %q, %d pages, data of %s", m.SettledBy, m.Pages, m.SourceAt)
				}
			}
		})
	}
}

// Of an index each platform says which of the findings count on it.
func TestManifestFindings(t *testing.T) {
	both, arm, amd := finding("CVE-2024-2", Medium, openssl()), finding("CVE-2024-1", Critical, zlib()), finding("CVE-2024-3", Low, lodash())
	worse := both
	worse.Severity = High
	v := judge(dev(), []Exception{{IDs: []string{"CVE-2024-9"}}},
		on("linux/arm64", armDigest, enhanced(both, arm, both, finding("CVE-2024-5", High, zlib()))),
		on("linux/amd64", amdDigest, enhanced(amd, worse, finding("CVE-2024-9", High, zlib()))))
	ids := func(places []int) []string {
		var ids []string
		for _, i := range places {
			ids = append(ids, v.Findings[i].ID)
		}
		return ids
	}
	wantEqual(t, "on arm64", ids(v.Manifests[0].Findings), []string{"CVE-2024-1", "CVE-2024-2", "CVE-2024-5"})
	wantEqual(t, "on amd64", ids(v.Manifests[1].Findings), []string{"CVE-2024-2", "CVE-2024-3"})
	if plain := judge(dev(), nil, enhanced(both)); plain.Manifests[0].Findings != nil {
		t.Error("an image that is no index has nothing to tell apart:", plain.Manifests[0].Findings)
	}
}
