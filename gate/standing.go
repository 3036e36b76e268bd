package gate

// Standing is how many findings count against one limit of the policy.
type Standing struct {
	Severity  Severity
	Counted   int
	Allowed   int
	Untriaged int // how many of those counted have no severity of their own
}

// Over reports whether there are more than tolerated.
func (s Standing) Over() bool { return s.Counted > s.Allowed }

// Standings hold a platform's findings against the limits, the worst severity
// first. Every platform has the limits to itself. Nil where the findings were not
// looked at: nothing is known to be within any limit.
func (v Verdict) Standings(m ManifestVerdict) []Standing {
	if !m.judged() {
		return nil
	}
	policy := Policy{Limits: v.Limits, UntriagedAs: v.untriagedAs}
	untriagedAs := policy.weigh(Untriaged)
	var standings []Standing
	for _, s := range WorstFirst() {
		allowed, limited := policy.limit(s)
		standing := Standing{Severity: s, Counted: m.Counts[s], Allowed: allowed}
		switch {
		case s == Untriaged && (untriagedAs != Untriaged || standing.Counted == 0):
			continue // they count as something else, or there are none
		case s == untriagedAs && s != Untriaged:
			standing.Untriaged = m.Counts[Untriaged]
			standing.Counted += standing.Untriaged
		}
		if limited {
			standings = append(standings, standing)
		}
	}
	return standings
}
