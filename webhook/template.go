package webhook

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/gate"
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

// template warns about the pods that a workload will make, and has their scans in
// the cache by the time that they come.
func (h *Handler) template(ctx context.Context, req admission.Request) admission.Response {
	if !h.enter() {
		return admission.Allowed("") // its pods will be told
	}
	defer h.leave()
	images := byImage(templateUses(req.Object.Raw))
	if len(images) > maxImages { // before any is parsed
		return admission.Allowed("") // so will they
	}
	if images = judgeable(images); len(images) == 0 {
		return admission.Allowed("")
	}
	settings := h.settings()
	labels, err := h.labels(ctx, req.Namespace)
	if err != nil {
		return admission.Allowed("") // and here
	}
	m := settings.modes(labels)
	policies := m.policies()
	if len(policies) == 0 {
		return admission.Allowed("")
	}
	verdicts, err := h.ask(ctx, settings.Gate, images, policies, isDryRun(req))
	if err != nil {
		return admission.Allowed("") // and if there is no room now
	}
	r := reviewed{settings, m, policies, images, verdicts}
	return admission.Allowed("").WithWarnings(r.forecast()...)
}

// judgeable leaves out what no kubelet could run: templates hold placeholders,
// such as Istio's image: auto, that a mutating webhook replaces in the pod.
func judgeable(images [][]use) [][]use {
	return slices.DeleteFunc(images, func(uses []use) bool {
		image := uses[0].image
		return image == "auto" || !parses(image)
	})
}

func parses(image string) bool {
	_, err := gate.ParseImage(image)
	return err == nil
}
