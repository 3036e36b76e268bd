package webhook

import (
	"github.com/go-json-experiment/json"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// templated are the resources that make pods from a template, whichever of their
// versions is reviewed.
var templated = map[schema.GroupResource]bool{
	{Group: "apps", Resource: "deployments"}:        true,
	{Group: "apps", Resource: "statefulsets"}:       true,
	{Group: "apps", Resource: "daemonsets"}:         true,
	{Group: "apps", Resource: "replicasets"}:        true,
	{Group: "batch", Resource: "jobs"}:              true,
	{Group: "batch", Resource: "cronjobs"}:          true,
	{Group: "", Resource: "replicationcontrollers"}: true,
}

// workload is what is read of any of them: a CronJob holds its template one level
// deeper.
type workload struct {
	Spec struct {
		Template    podTemplate `json:"template"`
		JobTemplate struct {
			Spec struct {
				Template podTemplate `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
	} `json:"spec"`
}

type podTemplate struct {
	Spec podSpec `json:"spec"`
}

// templateUses lists the images that the workload's pods will run; nil for an
// object that cannot be read, for templates are only warned about.
func templateUses(raw []byte) []use {
	var w workload
	if err := json.Unmarshal(raw, &w); err != nil {
		return nil
	}
	return append(w.Spec.Template.Spec.uses(), w.Spec.JobTemplate.Spec.Template.Spec.uses()...)
}
