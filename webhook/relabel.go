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

// What is looked at of a namespace when it is labelled. Pods have up to 1.5 MiB each,
// so that few of them are in memory at a time.
const (
	maxListedPods  = 500
	podsAtATime    = 20
	maxListedBytes = 32 << 20
)

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
	const busy = "the running pods were not looked at: ecr-gate is busy"
	// A list is dear to the API server, and anybody may be able to ask for one.
	if !h.listing.TryLock() {
		return []string{busy}
	}
	defer h.listing.Unlock()
	running, whole, err := h.listRunning(ctx, namespace)
	if err != nil {
		h.Log.ErrorContext(ctx, "cannot list the namespace's pods", "namespace", namespace, "error", err)
		return []string{"the running pods were not looked at: they could not be listed"}
	}
	warnings, err := h.forecastRunning(ctx, running, policy)
	if err != nil {
		return []string{busy}
	}
	if !whole {
		warnings = append(warnings, fmt.Sprintf("only the first %d running pods were looked at", len(running)))
	}
	return warnings
}

// listRunning lists the pods page by page and keeps of each what is judged; not
// whole: there are more than may be looked at.
func (h *Handler) listRunning(ctx context.Context, namespace string) (running []runningPod, whole bool, err error) {
	kept := keptPods{images: map[string]string{}}
	for read, size, next := 0, 0, ""; ; {
		var page corev1.PodList
		if err := h.Pods.List(ctx, &page, client.InNamespace(namespace), client.Limit(podsAtATime), client.Continue(next)); err != nil {
			return nil, false, err
		}
		for i := range page.Items {
			size += page.Items[i].Size()
			if !kept.add(&page.Items[i]) {
				return kept.pods, false, nil
			}
		}
		read += len(page.Items)
		switch next = page.Continue; {
		case next == "":
			return kept.pods, true, nil
		case read >= maxListedPods, size >= maxListedBytes:
			return kept.pods, false, nil
		}
	}
}

// forecastRunning judges pods as if they came now. What there was no answer on in
// time says nothing of a pod, so it is counted apart. An error says that there was no
// room to judge them.
func (h *Handler) forecastRunning(ctx context.Context, running []runningPod, policy string) ([]string, error) {
	m := modes{enforce: policy, warn: None, audit: None}
	var all []use
	for _, p := range running {
		all = append(all, p.uses...)
	}
	policies, settings := m.policies(), h.settings()
	verdicts, err := h.ask(ctx, settings.Gate, byImage(all), policies, true)
	if err != nil {
		return nil, err
	}
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
	return warnings, nil
}

type runningPod struct {
	name string
	uses []use // one of each image
}

// longImage is longer than any image that can be read, so that what is cut there
// cannot be read either.
const longImage = 2048

// keptPods are what is left of pods that were listed.
type keptPods struct {
	pods   []runningPod
	images map[string]string // of all of them, each text once
}

// add keeps a pod, but for one that has ended: it will not start again. It is false
// for a pod with which there are more images than one review may ask for.
func (k *keptPods) add(p *corev1.Pod) bool {
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return true
	}
	kept := runningPod{name: p.Name}
	for _, uses := range byImage(specOf(&p.Spec).uses()) {
		u := uses[0]
		u.image = u.image[:min(len(u.image), longImage)]
		image, ok := k.images[u.image]
		if !ok {
			if len(k.images) == maxImages {
				return false
			}
			image = strings.Clone(u.image)
			k.images[image] = image
		}
		u.image = image
		kept.uses = append(kept.uses, u)
	}
	k.pods = append(k.pods, kept)
	return true
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
