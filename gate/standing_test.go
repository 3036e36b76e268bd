package gate

import "testing"

func TestStandings(t *testing.T) {
	found := []Finding{finding("CVE-1", Critical), finding("CVE-2", High), finding("CVE-3", Untriaged), finding("CVE-4", Low)}
	tests := []struct {
		name   string
		policy Policy
		scan   Scan
		want   []Standing
	}{
		{"untriaged count as HIGH", dev(), basic(found...), []Standing{
			{Severity: Critical, Counted: 1}, {Severity: High, Counted: 2, Allowed: 1, Untriaged: 1}, {Severity: Medium, Allowed: 2},
		}},
		{"untriaged count as what is not limited", with(dev(), func(p *Policy) { p.UntriagedAs = Low }), basic(found...), []Standing{
			{Severity: Critical, Counted: 1}, {Severity: High, Counted: 1, Allowed: 1}, {Severity: Medium, Allowed: 2},
		}},
		{"untriaged are never tolerated", with(dev(), func(p *Policy) { p.UntriagedAs = Untriaged }), basic(found...), []Standing{
			{Severity: Critical, Counted: 1}, {Severity: High, Counted: 1, Allowed: 1}, {Severity: Medium, Allowed: 2}, {Severity: Untriaged, Counted: 1},
		}},
		{"untriaged are never tolerated, and there are none", with(dev(), func(p *Policy) { p.UntriagedAs = Untriaged }), basic(), []Standing{
			{Severity: Critical}, {Severity: High, Allowed: 1}, {Severity: Medium, Allowed: 2},
		}},
		{"without limits all are limited", Policy{UntriagedAs: High}, basic(finding("CVE-4", Low)), []Standing{
			{Severity: Critical}, {Severity: High}, {Severity: Medium}, {Severity: Low, Counted: 1}, {Severity: Informational},
		}},
		{"not finished", dev(), with(basic(), func(s *Scan) { s.Status = StatusPending }), nil},
		{"not readable", dev(), Scan{Trouble: &Trouble{Cause: NoAccess}}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := judge(test.policy, nil, test.scan)
			wantEqual(t, "standings", v.Standings(v.Manifests[0]), test.want)
			over := false
			for _, s := range test.want {
				over = over || s.Over()
			}
			if over != (v.Cause == OverPolicy) {
				t.Errorf("over a limit is %t, and the verdict is %s", over, v.Reason)
			}
		})
	}
}
