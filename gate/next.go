package gate

import "fmt"

// next is what to do about it.
func (r *rules) next(d judgement) string {
	switch {
	case d.outcome == Allowed:
		return ""
	case d.trouble != nil && d.cause != NotFinished && d.cause != NoScan:
		return d.trouble.Mend
	case d.cause == NoScan:
		return "wait a minute, and if it stays so, see that scan on push covers repository " + Clip(r.img.Repository, 60)
	case d.cause == NotSettled:
		return "try again in 2 minutes"
	case d.outcome == Pending:
		return "wait for the scan and try again"
	case d.cause == Unscannable:
		return "build it on a base image that ECR can scan"
	default:
		return remedy(r.deciding(d))
	}
}

// deciding are the findings without which the image would pass.
func (r *rules) deciding(d judgement) []Finding {
	switch d.cause {
	case Blocked:
		return d.tally.blocked
	case Exploitable:
		return d.tally.exploitable
	}
	over := map[Severity]bool{}
	for _, s := range r.over(d.tally.weighed) {
		over[s] = true
	}
	var deciding []Finding
	for _, f := range d.tally.counted {
		if over[r.policy.weigh(f.Severity)] {
			deciding = append(deciding, *f)
		}
	}
	return deciding
}

// remedy names the upgrade for the worst finding that has one.
func remedy(findings []Finding) string {
	var best *Finding
	packages := map[string]bool{}
	newer := false // a newer base image may help
	for i, f := range findings {
		newer = newer || f.Fix != FixNo
		if !f.hasFixedVersion() {
			continue
		}
		packages[fixedPackage(f).Name] = true
		if best == nil || worstFirst(&f, best) < 0 {
			best = &findings[i]
		}
	}
	switch {
	case best != nil:
		p := fixedPackage(*best)
		text := fmt.Sprintf("upgrade %s to %s", Clip(p.Name, 40), Clip(p.FixedIn, 30))
		if more := len(packages) - 1; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		return text + ", rebuild and push"
	case newer:
		return "rebuild on a newer base image and push"
	default:
		return "no fix is known yet: remove the package or change the base image"
	}
}

func fixedPackage(f Finding) Package {
	for _, p := range f.Packages {
		if p.FixedIn != "" {
			return p
		}
	}
	return Package{}
}
