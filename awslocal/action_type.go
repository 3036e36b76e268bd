package awslocal

import (
	"encoding/json"
	"slices"
)

// actionTypeID names an action type, on the wire too.
type actionTypeID struct {
	Category string `json:"category"`
	Owner    string `json:"owner"`
	Provider string `json:"provider"`
	Version  string `json:"version"`
}

// actionType is a registered custom action type.
type actionType struct {
	ID         actionTypeID     `json:"id"`
	Settings   json.RawMessage  `json:"settings,omitempty"`
	Properties []actionProperty `json:"actionConfigurationProperties"`
	Input      artifactCount    `json:"inputArtifactDetails"`
	Output     artifactCount    `json:"outputArtifactDetails"`
	definition []byte           // the request that made it
	deleted    bool
}

type actionProperty struct {
	Name        *string `json:"name"`
	Required    *bool   `json:"required"`
	Key         *bool   `json:"key"`
	Secret      *bool   `json:"secret"`
	Queryable   bool    `json:"queryable"`
	Description *string `json:"description,omitempty"`
	Type        *string `json:"type,omitempty"`
}

type artifactCount struct {
	Least *int `json:"minimumCount"`
	Most  *int `json:"maximumCount"`
}

type actionTypeRequest struct {
	Category   *string          `json:"category"`
	Provider   *string          `json:"provider"`
	Version    *string          `json:"version"`
	Settings   json.RawMessage  `json:"settings"`
	Properties []actionProperty `json:"configurationProperties"`
	Input      artifactCount    `json:"inputArtifactDetails"`
	Output     artifactCount    `json:"outputArtifactDetails"`
}

// The constraints of the CodePipeline service model; the categories are those
// the user guide allows for custom actions.
var (
	customCategories = constraint{enum: []string{"Build", "Deploy", "Test", "Invoke"}}
	providers        = constraint{min: 1, max: 35, pattern: whole(`[0-9A-Za-z_-]+`)}
	versions         = constraint{min: 1, max: 9, pattern: whole(`[0-9A-Za-z_-]+`)}
	propertyNames    = constraint{min: 1, max: 50}
	propertyTypes    = constraint{enum: []string{"String", "Number", "Boolean"}}
	descriptions     = constraint{min: 1, max: 160}
)

func (r actionTypeRequest) id() actionTypeID {
	return actionTypeID{deref(r.Category), "Custom", deref(r.Provider), deref(r.Version)}
}

func (r actionTypeRequest) checkID(v *violations) {
	v.required("category", r.Category, customCategories)
	v.required("provider", r.Provider, providers)
	v.required("version", r.Version, versions)
}

func (r actionTypeRequest) check() error {
	var v violations
	r.checkID(&v)
	r.Input.check(&v, "inputArtifactDetails")
	r.Output.check(&v, "outputArtifactDetails")
	v.size("configurationProperties", len(r.Properties), 0, 10)
	queryable := 0
	for _, p := range r.Properties {
		p.check(&v)
		if p.Queryable {
			queryable++
		}
	}
	if queryable > 1 {
		v.add("configurationProperties", queryable, "Only one property may be queryable")
	}
	return v.failure("ValidationException")
}

func (c artifactCount) check(v *violations, field string) {
	if c.Least == nil || c.Most == nil {
		v.add(field, "null", "Member must hold minimumCount and maximumCount")
		return
	}
	v.number(field+".minimumCount", c.Least, 0, 5)
	v.number(field+".maximumCount", c.Most, 0, 5)
	if *c.Least > *c.Most {
		v.add(field, *c.Least, "minimumCount must not be above maximumCount")
	}
}

func (p actionProperty) check(v *violations) {
	const field = "configurationProperties.member"
	v.required(field+".name", p.Name, propertyNames)
	v.text(field+".description", p.Description, descriptions)
	v.text(field+".type", p.Type, propertyTypes)
	if p.Required == nil || p.Key == nil || p.Secret == nil {
		v.add(field, deref(p.Name), "Member must hold required, key and secret")
		return
	}
	if p.Queryable && (!*p.Required || *p.Secret) {
		v.add(field, deref(p.Name), "A queryable property must be required and not secret")
	}
}

// createActionType refuses a type that exists, and one that was deleted and
// comes back changed: AWS wants a new version then.
func (p *pipelineService) createActionType(c call, in actionTypeRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := in.id()
	old := p.actionType(id)
	if old != nil && (!old.deleted || string(old.definition) != string(c.body)) {
		return nil, refuse("ValidationException", "ActionType (Category: '%s', Provider: '%s', Owner: 'Custom', Version: '%s') already exists",
			id.Category, id.Provider, id.Version)
	}
	if old == nil {
		old = &actionType{}
		p.types = append(p.types, old)
	}
	*old = actionType{id, in.Settings, append([]actionProperty{}, in.Properties...), in.Input, in.Output, c.body, false}
	return map[string]any{"actionType": old}, nil
}

func (p *pipelineService) deleteActionType(_ call, in actionTypeRequest) (any, error) {
	var v violations
	in.checkID(&v)
	if err := v.failure("ValidationException"); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.actionType(in.id()); t != nil {
		t.deleted = true
	}
	return struct{}{}, nil
}

type listActionTypesRequest struct {
	Owner string `json:"actionOwnerFilter"`
}

// listActionTypes knows the custom types only, AWS's own are not listed.
func (p *pipelineService) listActionTypes(_ call, in listActionTypesRequest) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := []actionType{}
	for _, t := range p.types {
		if !t.deleted && (in.Owner == "" || in.Owner == t.ID.Owner) {
			found = append(found, *t)
		}
	}
	return map[string]any{"actionTypes": found}, nil
}

func (p *pipelineService) actionType(id actionTypeID) *actionType {
	i := slices.IndexFunc(p.types, func(t *actionType) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	return p.types[i]
}

func (t *actionType) queryable() string {
	for _, p := range t.Properties {
		if p.Queryable {
			return *p.Name
		}
	}
	return ""
}
