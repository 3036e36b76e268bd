package webhook

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/gate"
)

// maxListedPods is how many pods of a namespace are looked at when it is labelled.
const maxListedPods = 500

// withoutPolicy is what becomes of pods where a label names no policy that exists.
var withoutPolicy = map[string]string{EnforceLabel: "refused", WarnLabel: "warned about", AuditLabel: "noted as unchecked"}

// namespace answers whoever labels one with what that will mean: a misspelt
// policy, and the running pods that would now be refused. It never rejects.
func (h *Handler) namespace(ctx context.Context, req admission.Request) admission.Response {
	named, before := metadataOf(req.Object.Raw), metadataOf(req.OldObject.Raw).Labels
	now := named.Labels
	settings := h.settings()
	m := settings.modes(now)
	var warnings []string
	for _, label := range []string{EnforceLabel, WarnLabel, AuditLabel} {
		if value, ok := now[label]; ok && value != before[label] && value != "" && !settings.knows(value) {
			warnings = append(warnings, gate.Clip(fmt.Sprintf("%s: there is no policy named %q, so every pod would be %s; write auto, none or one of %s",
				label, value, withoutPolicy[label], strings.Join(settings.Policies, ", ")), maxWarning))
		}
	}
	value, labelled := now[EnforceLabel]
	old, was := before[EnforceLabel]
	if len(warnings) > 0 || !labelled || was && old == value || m.enforce == None || req.Operation != admissionv1.Update {
		return admission.Allowed("").WithWarnings(warnings...)
	}
	if req.Name == "" || req.Name != named.Name {
		// Not the API server's: a list without a namespace would be of all of them.
		return admission.Allowed("").WithWarnings("the running pods were not looked at: the review names no namespace, or another one than its object")
	}
	return admission.Allowed("").WithWarnings(h.wouldBeRefused(ctx, req.Name, m.enforce)...)
}

// metadata is what this door reads of a namespace.
type metadata struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}

// metadataOf is empty where it cannot be read.
func metadataOf(raw []byte) metadata {
	var object struct {
		Metadata metadata `json:"metadata"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &object) != nil {
		return metadata{}
	}
	return object.Metadata
}

// wouldBeRefused judges the namespace's pods as if they came now: one warning for
// each thing that is wrong, with the first pod and how many others.
func (h *Handler) wouldBeRefused(ctx context.Context, namespace, policy string) []string {
	if h.Pods == nil {
		return nil
	}
	// A list is dear to the API server, and anybody may be able to ask for one.
	if !h.listing.TryLock() {
		return []string{"the running pods were not looked at: ecr-gate is busy"}
	}
	defer h.listing.Unlock()
	var pods corev1.PodList
	if err := h.Pods.List(ctx, &pods, client.InNamespace(namespace), client.Limit(maxListedPods)); err != nil {
		h.Log.ErrorContext(ctx, "cannot list the namespace's pods", "namespace", namespace, "error", err)
		return []string{"the running pods were not looked at: they could not be listed"}
	}
	running := runningPods(pods.Items)
	looked := running[:affordable(running)]
	warnings := h.forecastRunning(ctx, looked, policy)
	if pods.Continue != "" || len(looked) < len(running) {
		warnings = append(warnings, fmt.Sprintf("only the first %d running pods were looked at", len(looked)))
	}
	return warnings
}

// forecastRunning judges pods as if they came now. What there was no answer on in
// time says nothing of a pod, so it is counted apart.
func (h *Handler) forecastRunning(ctx context.Context, running []runningPod, policy string) []string {
	m := modes{enforce: policy, warn: None, audit: None}
	var all []use
	for _, p := range running {
		all = append(all, p.uses...)
	}
	policies, settings := m.policies(), h.settings()
	verdicts := judge(ctx, settings.Gate, byImage(all), policies, true)
	groups, unknown := map[string][]string{}, 0 // sentence -> pods
	for _, p := range running {
		r := reviewed{settings, m, policies, byImage(p.uses), verdicts}
		refused := denied(r.objections(policy))
		switch {
		case len(refused) == 0:
		case refused[0].verdict.Outcome == gate.Unavailable && refused[0].verdict.Passing:
			unknown++
		default:
			sentence := refused[0].sentence()
			groups[sentence] = append(groups[sentence], p.name)
		}
	}
	warnings := grouped(groups)
	if unknown > 0 {
		warnings = append(warnings, fmt.Sprintf("%d running pods could not be judged now: ECR gave no answer on their images", unknown))
	}
	return warnings
}

// affordable is how many of the pods, from the first, name no more images than one
// review may ask for.
func affordable(pods []runningPod) int {
	images := map[string]bool{}
	for i, p := range pods {
		for _, u := range p.uses {
			images[u.image] = true
		}
		if len(images) > maxImages {
			return i
		}
	}
	return len(pods)
}

type runningPod struct {
	name string
	uses []use
}

// runningPods leaves out pods that have ended: they will not start again.
func runningPods(pods []corev1.Pod) []runningPod {
	var list []runningPod
	for i := range pods {
		p := &pods[i]
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		list = append(list, runningPod{p.Name, specOf(&p.Spec).uses()})
	}
	return list
}

// specOf is what this door reads of a pod's spec.
func specOf(s *corev1.PodSpec) podSpec {
	var spec podSpec
	for _, c := range s.InitContainers {
		spec.InitContainers = append(spec.InitContainers, container{c.Name, c.Image})
	}
	for _, c := range s.Containers {
		spec.Containers = append(spec.Containers, container{c.Name, c.Image})
	}
	for _, c := range s.EphemeralContainers {
		spec.EphemeralContainers = append(spec.EphemeralContainers, container{c.Name, c.Image})
	}
	for i := range s.Volumes {
		if image := s.Volumes[i].Image; image != nil {
			v := volume{Name: s.Volumes[i].Name}
			v.Image = &struct {
				Reference string `json:"reference"`
			}{image.Reference}
			spec.Volumes = append(spec.Volumes, v)
		}
	}
	return spec
}

// grouped writes a warning for each group, the largest first.
func grouped(groups map[string][]string) []string {
	sentences := make([]string, 0, len(groups))
	for sentence, pods := range groups {
		slices.Sort(pods)
		sentences = append(sentences, sentence)
	}
	slices.SortFunc(sentences, func(a, b string) int {
		if n := len(groups[b]) - len(groups[a]); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	warnings := make([]string, len(sentences))
	for i, sentence := range sentences {
		pods := groups[sentence]
		who := "running pod " + gate.Clip(pods[0], 40)
		if more := len(pods) - 1; more > 0 {
			who += fmt.Sprintf(" (and %d other pods)", more)
		}
		warnings[i] = gate.Clip(who+" would now be refused: "+sentence, maxWarning)
	}
	return bounded(warnings)
}
