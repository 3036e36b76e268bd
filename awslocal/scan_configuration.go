package awslocal

import (
	"regexp"
	"slices"
	"strings"
)

// ScanningConfiguration is what a registry scans with, and which of its
// repositories it scans by itself.
type ScanningConfiguration struct {
	ScanType string         // BASIC, which an empty one is too, or ENHANCED
	Rules    []ScanningRule // none: nothing is scanned by itself
}

// ScanningRule is for the repositories that one of its filters fits.
type ScanningRule struct {
	Frequency string   // SCAN_ON_PUSH, CONTINUOUS_SCAN or MANUAL
	Filters   []string // of type WILDCARD
}

// SetScanningConfiguration sets what an account's registries scan. Without it
// one rule covers all repositories. An empty account is the server's own.
//
// It is what is told of the configuration: what a scan says stays with the
// image, whatever covers it.
func (s *Server) SetScanningConfiguration(account string, c ScanningConfiguration) {
	if account == "" {
		account = s.opts.Account
	}
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	s.ecr.scanTypes[account] = c.ScanType
	s.ecr.scanRules[account] = append([]ScanningRule{}, c.Rules...)
}

// SetScanOnPush sets a repository's own, deprecated flag, which decides nothing;
// see SetScans for the repository.
func (s *Server) SetScanOnPush(repository string, on bool) {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	if repo, ok := s.ecr.named(repository); ok {
		repo.scanOnPush = on
	}
}

type scanningRule struct {
	Frequency string           `json:"scanFrequency"`
	Filters   []scanningFilter `json:"repositoryFilters"`
}

type scanningFilter struct {
	Filter string `json:"filter"`
	Type   string `json:"filterType"`
}

// scanning is the account's configuration, one rule for all if nobody set any.
func (e *ecrService) scanning(account string) ScanningConfiguration {
	scanType, frequency := "BASIC", "SCAN_ON_PUSH"
	if e.enhanced(account) {
		scanType, frequency = "ENHANCED", "CONTINUOUS_SCAN"
	}
	rules, set := e.scanRules[account]
	if !set {
		rules = []ScanningRule{{Frequency: frequency, Filters: []string{"*"}}}
	}
	return ScanningConfiguration{scanType, rules}
}

// registryScanning answers for the caller's own registry: the request names
// none.
func (e *ecrService) registryScanning(c call, _ struct{}) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	configuration := e.scanning(c.caller.account)
	rules := make([]scanningRule, len(configuration.Rules))
	for i, r := range configuration.Rules {
		rules[i] = scanningRule{r.Frequency, wildcards(r.Filters)}
	}
	return map[string]any{
		"registryId": c.caller.account,
		"scanningConfiguration": map[string]any{
			"scanType": configuration.ScanType,
			"rules":    rules,
		},
	}, nil
}

func wildcards(filters []string) []scanningFilter {
	list := make([]scanningFilter, len(filters))
	for i, f := range filters {
		list[i] = scanningFilter{f, "WILDCARD"}
	}
	return list
}

type repositoryScanningRequest struct {
	Names []string `json:"repositoryNames"`
}

func (r repositoryScanningRequest) check() error {
	var v violations
	v.size("repositoryNames", len(r.Names), 1, 25)
	for _, name := range r.Names {
		v.text("repositoryNames", &name, repositoryNames)
	}
	return v.failure("InvalidParameterException")
}

func (e *ecrService) repositoryScanning(c call, in repositoryScanningRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	found, missing := []map[string]any{}, []map[string]any{}
	for _, name := range in.Names {
		id := registryID{c.caller.account, c.region}
		if repo, ok := e.registries[id][name]; ok {
			found = append(found, e.repositoryRule(id, name, repo))
			continue
		}
		missing = append(missing, map[string]any{
			"repositoryName": name,
			"failureCode":    "REPOSITORY_NOT_FOUND",
			"failureReason":  "The repository does not exist",
		})
	}
	return map[string]any{"scanningConfigurations": found, "failures": missing}, nil
}

func (e *ecrService) repositoryRule(id registryID, name string, repo *repository) map[string]any {
	frequency, filters := e.scanning(id.account).of(name)
	return map[string]any{
		"repositoryArn":      "arn:aws:ecr:" + id.region + ":" + id.account + ":repository/" + name,
		"repositoryName":     name,
		"scanOnPush":         frequency == "SCAN_ON_PUSH" || repo.scanOnPush,
		"scanFrequency":      frequency,
		"appliedScanFilters": wildcards(filters),
	}
}

// of is how often a repository is scanned, and by which filters. Of several rules
// that fit, the continuous one wins (user guide, image-scanning-filters). What no
// rule fits is scanned by hand, which Inspector calls SCAN_FREQUENCY_MANUAL too.
func (c ScanningConfiguration) of(repository string) (frequency string, filters []string) {
	frequency = "MANUAL"
	for _, r := range c.Rules {
		fit := slices.DeleteFunc(slices.Clone(r.Filters), func(f string) bool { return !fits(f, repository) })
		if len(fit) > 0 && frequency != "CONTINUOUS_SCAN" {
			frequency, filters = r.Frequency, fit
		}
	}
	return frequency, filters
}

// fits: a filter without * fits every name that contains it.
func fits(filter, repository string) bool {
	if !strings.Contains(filter, "*") {
		return strings.Contains(repository, filter)
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(filter), `\*`, ".*")
	return whole(pattern).MatchString(repository)
}
