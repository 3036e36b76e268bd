package ecr

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

// rule is how a repository is scanned. The zero value is not known.
type rule struct {
	frequency types.ScanFrequency // empty: not known
	filters   []string            // by which it is covered
	flag      bool                // the repository's own, deprecated scanOnPush
}

// covers reports whether the repository's images are scanned by themselves.
func (r rule) covers() bool {
	return r.frequency == types.ScanFrequencyScanOnPush || r.frequency == types.ScanFrequencyContinuousScan
}

// rule finds out whether a rule covers the image's repository: ECR's own word, and
// where that is not to be had, what the registry's rules come to.
func (x *imageExamination) rule(ctx context.Context) {
	x.covered = x.repositoryRule(ctx)
	if x.covered.frequency == "" && x.scanning.known {
		x.covered = x.scanning.of(x.img.Repository)
	}
	const check = "scan rule"
	switch {
	case x.covered.frequency == "":
		return // the refusals above say so
	case x.covered.covers():
		x.sheet.OK(check, string(x.covered.frequency)+" by filter "+strings.Join(x.covered.filters, ", "))
	case x.scanning.scanType != gate.Enhanced && x.policy.StartScan:
		x.sheet.Warning(check, x.notCovered()+"; policy "+x.policy.Name+" has startScan, so the gate starts each scan itself", x.cover())
	default:
		x.sheet.Fault(check, x.notCovered(), x.cover())
	}
}

func (x *imageExamination) notCovered() string {
	text := "no rule covers " + x.img.Repository + " (" + string(x.covered.frequency) + "), so its images are not scanned by themselves"
	if x.scanning.known {
		text += "; the registry has " + x.scanning.filters()
	}
	if x.covered.flag {
		text += "; scanOnPush is on in the repository's own settings, which are deprecated and not what decides"
	}
	return text
}

func (x *imageExamination) cover() string {
	if !x.scanning.known {
		return "add a rule with filter " + x.img.Repository + " to the registry's scanning configuration (console: Private registry, Scanning)"
	}
	return "cover it, as somebody of account " + x.key.account + "; this replaces the registry's rules by the same and one filter more, which fits every name that contains it:\n" +
		x.scanning.covering(x.key, x.img.Repository)
}

// repositoryRule asks ECR. The request names no registry, so it is about the asking
// account's own.
func (x *imageExamination) repositoryRule(ctx context.Context) rule {
	if x.foreign(x.key) {
		return rule{}
	}
	ctx, cancel := x.source.call(ctx)
	defer cancel()
	out, err := x.client.BatchGetRepositoryScanningConfiguration(ctx, &ecr.BatchGetRepositoryScanningConfigurationInput{
		RepositoryNames: []string{x.img.Repository},
	})
	a := asked{"ecr:BatchGetRepositoryScanningConfiguration", "*", x.key, onlyDoctor}
	if !x.permission(x.sheet, a, err) || err != nil || len(out.ScanningConfigurations) != 1 {
		return rule{}
	}
	found := out.ScanningConfigurations[0]
	return rule{found.ScanFrequency, filterNames(found.AppliedScanFilters), found.ScanOnPush}
}

func filterNames(filters []types.ScanningRepositoryFilter) []string {
	names := make([]string, len(filters))
	for i, f := range filters {
		names[i] = aws.ToString(f.Filter)
	}
	return names
}

// of is what the registry's rules come to for a repository. Of several that fit, the
// continuous one wins (ECR user guide, image-scanning-filters).
func (s *scanning) of(repository string) rule {
	found := rule{frequency: types.ScanFrequencyManual}
	for _, r := range s.rules {
		fit := slices.DeleteFunc(filterNames(r.RepositoryFilters), func(f string) bool { return !fits(f, repository) })
		if len(fit) > 0 && found.frequency != types.ScanFrequencyContinuousScan {
			found = rule{frequency: r.ScanFrequency, filters: fit}
		}
	}
	return found
}

// fits reports whether a filter is for a repository: one without * is for every name
// that contains it.
func fits(filter, repository string) bool {
	if !strings.Contains(filter, "*") {
		return strings.Contains(repository, filter)
	}
	parts := strings.Split(filter, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(repository)
}

// covering is the command that adds a filter. It sets the whole configuration, so it
// repeats the rules there are.
func (s *scanning) covering(key clientKey, filter string) string {
	frequency := types.ScanFrequencyScanOnPush
	if s.scanType == gate.Enhanced {
		frequency = types.ScanFrequencyContinuousScan
	}
	type wireFilter struct {
		Filter string `json:"filter"`
		Type   string `json:"filterType"`
	}
	type wireRule struct {
		Frequency string       `json:"scanFrequency"`
		Filters   []wireFilter `json:"repositoryFilters"`
	}
	rules, added := []wireRule{}, false
	for _, r := range s.rules {
		w := wireRule{Frequency: string(r.ScanFrequency), Filters: []wireFilter{}}
		for _, name := range filterNames(r.RepositoryFilters) {
			w.Filters = append(w.Filters, wireFilter{name, "WILDCARD"})
		}
		if r.ScanFrequency == frequency {
			w.Filters, added = append(w.Filters, wireFilter{filter, "WILDCARD"}), true
		}
		rules = append(rules, w)
	}
	if !added {
		rules = append(rules, wireRule{string(frequency), []wireFilter{{filter, "WILDCARD"}}})
	}
	text, err := json.Marshal(rules)
	if err != nil {
		panic(err) // texts
	}
	return "aws ecr put-registry-scanning-configuration --region " + key.region + " --scan-type " + string(s.scanType) + " --rules '" + string(text) + "'"
}
