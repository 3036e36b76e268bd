package awslocal

import "fmt"

var (
	actionCategories = constraint{enum: []string{"Source", "Build", "Deploy", "Test", "Invoke", "Approval", "Compute"}}
	actionOwners     = constraint{enum: []string{"AWS", "ThirdParty", "Custom"}}
	queryValues      = constraint{min: 1, max: 50, pattern: whole(`[a-zA-Z0-9_-]+`)}
	jobIDs           = constraint{pattern: whole(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)}
	nonces           = constraint{min: 1, max: 50}
)

type pollRequest struct {
	ActionType *struct {
		Category *string `json:"category"`
		Owner    *string `json:"owner"`
		Provider *string `json:"provider"`
		Version  *string `json:"version"`
	} `json:"actionTypeId"`
	MaxBatchSize *int              `json:"maxBatchSize"`
	Query        map[string]string `json:"queryParam"`
}

func (r pollRequest) check() error {
	var v violations
	if t := r.ActionType; t == nil {
		v.add("actionTypeId", "null", "Member must not be null")
	} else {
		v.required("actionTypeId.category", t.Category, actionCategories)
		v.required("actionTypeId.owner", t.Owner, actionOwners)
		v.required("actionTypeId.provider", t.Provider, providers)
		v.required("actionTypeId.version", t.Version, versions)
	}
	v.number("maxBatchSize", r.MaxBatchSize, 1, 0)
	v.size("queryParam", len(r.Query), 0, 1)
	for key, value := range r.Query {
		v.text("queryParam.key", &key, propertyNames)
		v.text("queryParam.value", &value, queryValues)
	}
	return v.failure("ValidationException")
}

func (r pollRequest) id() actionTypeID {
	t := r.ActionType
	return actionTypeID{*t.Category, *t.Owner, *t.Provider, *t.Version}
}

// batch: how many jobs come without maxBatchSize is documented nowhere.
func (r pollRequest) batch() int {
	if r.MaxBatchSize == nil {
		return 1
	}
	return *r.MaxBatchSize
}

// checkQuery holds the rule that a type with a queryable property is polled
// for a value of it, and one without is not.
func (r pollRequest) checkQuery(t *actionType) error {
	property := t.queryable()
	if property == "" && len(r.Query) == 0 {
		return nil
	}
	if _, ok := r.Query[property]; !ok {
		return refuse("ValidationException", "queryParam must name the queryable property of the action type, which is '%s'", property)
	}
	return nil
}

// poll hands out what there is and never waits.
func (p *pipelineService) poll(_ call, in pollRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.actionType(in.id())
	if t == nil || t.deleted {
		return nil, refuse("ActionTypeNotFoundException", "ActionType (Category: '%s', Provider: '%s', Owner: '%s', Version: '%s') is not available",
			in.id().Category, in.id().Provider, in.id().Owner, in.id().Version)
	}
	if err := in.checkQuery(t); err != nil {
		return nil, err
	}
	jobs := []jobBody{}
	for _, j := range p.waiting(in) {
		p.dispatch(j)
		jobs = append(jobs, p.body(j))
	}
	return map[string]any{"jobs": jobs}, nil
}

func (p *pipelineService) waiting(in pollRequest) []*job {
	var found []*job
	for _, j := range p.queue {
		if len(found) < in.batch() && j.typeID() == in.id() && j.matches(in.Query) {
			found = append(found, j)
		}
	}
	return found
}

func (j *job) matches(query map[string]string) bool {
	for key, value := range query {
		if j.Configuration[key] != value {
			return false
		}
	}
	return true
}

func (p *pipelineService) dispatch(j *job) {
	j.deliveries++
	if j.deliveries >= j.Deliveries {
		p.dequeue(j)
	}
	if j.nonce == "" {
		p.issued++
		j.nonce = fmt.Sprintf("nonce-%d", p.issued)
	}
	j.status = jobDispatched
}
