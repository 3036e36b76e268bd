package awslocal

// scanningRule has one rule for all repositories.
type scanningRule struct {
	Frequency string           `json:"scanFrequency"`
	Filters   []scanningFilter `json:"repositoryFilters"`
}

type scanningFilter struct {
	Filter string `json:"filter"`
	Type   string `json:"filterType"`
}

var everyRepository = []scanningFilter{{"*", "WILDCARD"}}

func (e *ecrService) scanning(account string) (scanType, frequency string) {
	if e.enhanced(account) {
		return "ENHANCED", "CONTINUOUS_SCAN"
	}
	return "BASIC", "SCAN_ON_PUSH"
}

// registryScanning answers for the caller's own registry: the request names
// none.
func (e *ecrService) registryScanning(c call, _ struct{}) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	scanType, frequency := e.scanning(c.caller.account)
	return map[string]any{
		"registryId": c.caller.account,
		"scanningConfiguration": map[string]any{
			"scanType": scanType,
			"rules":    []scanningRule{{frequency, everyRepository}},
		},
	}, nil
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
		if _, ok := e.registries[id][name]; ok {
			found = append(found, e.repositoryRule(id, name))
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

func (e *ecrService) repositoryRule(id registryID, name string) map[string]any {
	_, frequency := e.scanning(id.account)
	return map[string]any{
		"repositoryArn":      "arn:aws:ecr:" + id.region + ":" + id.account + ":repository/" + name,
		"repositoryName":     name,
		"scanOnPush":         frequency == "SCAN_ON_PUSH",
		"scanFrequency":      frequency,
		"appliedScanFilters": everyRepository,
	}
}
