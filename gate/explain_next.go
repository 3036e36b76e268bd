package gate

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// nextStep is what to do about a finding that denies.
func nextStep(t traced) string {
	f := t.finding
	var fixed, open []string
	for _, p := range f.Packages {
		name := cmp.Or(Clip(p.Name, 40), "the package")
		if p.FixedIn != "" {
			fixed = append(fixed, name+" to "+Clip(p.FixedIn, 40))
		} else {
			open = append(open, name)
		}
	}
	upgrades, rest := few(unique(fixed)), cmp.Or(few(unique(open)), "the package")
	except := exceptStep(t)
	switch {
	case len(fixed) > 0 && len(open) == 0:
		return "upgrade " + upgrades + ", rebuild and push"
	case len(fixed) > 0:
		return "no fix clears all of it; upgrade " + upgrades + ", and take " + rest + " out" + except
	case f.Fix == FixNo:
		return "no fix is known; take " + rest + " out" + except
	default: // a basic scan never says
		return "the scan names no fix; update " + rest + " or the base image" + except
	}
}

// exceptStep is the command that excepts the finding as narrowly as its scan tells;
// empty where no exception would help.
func exceptStep(t traced) string {
	f := t.finding
	if t.decision.fate == isBlocked || f.ID == "" {
		return ""
	}
	command := ", or except it: ecr-gate exceptions add --file exceptions.yaml --id " + shellWord(f.ID)
	var names []string
	for _, p := range f.Packages {
		names = append(names, p.Name)
	}
	for _, name := range unique(names) {
		if name == "" {
			continue
		}
		command += " --package " + shellWord(name)
	}
	return command + " --expires 30d --statement WHY"
}

func unique(texts []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(texts)))
}

// plainWord is what a shell takes as it stands.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9@][A-Za-z0-9@._+:/=-]*$`)

// shellWord writes a name of somebody else's so that the command can be pasted.
func shellWord(text string) string {
	text = Clip(text, 80)
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
