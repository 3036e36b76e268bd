package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// DefaultInFlight is how many reviews are judged at a time where nothing else is
// said; more are shed. Each costs some tens of kilobytes while it waits.
const DefaultInFlight = 1024

// Handler judges admission reviews. It implements [admission.Handler] and not the
// typed Validator, whose every error is a 403: "denied" and "could not check"
// would be one. Its fields must not change after first use; Gate, Settings and Log
// are needed.
type Handler struct {
	Gate     Checker
	Settings func() Settings // asked once for each review
	// Namespaces tells a namespace's labels; nil: none is watched and the settings
	// hold everywhere.
	Namespaces Namespaces
	// Pods reads pods from the API server, to tell who labels a namespace which
	// would be refused; nil: nobody is told.
	Pods client.Reader
	// Events are for warn and audit; nil: none.
	Events   events.EventRecorder
	Log      *slog.Logger
	InFlight int // reviews judged at a time; 0: [DefaultInFlight]
	// Refused is told of every review that was refused without a verdict; nil:
	// nobody is.
	Refused func(Refusal)

	once    sync.Once
	slots   chan struct{}
	listing sync.Mutex     // held while pods are listed
	seldom  rate.Sometimes // of overload, so that the log is not a load of its own
}

var (
	podResource       = schema.GroupResource{Resource: "pods"}
	namespaceResource = schema.GroupResource{Resource: "namespaces"}
)

// Handle answers one review. Every kind of request has a decision of its own; what
// is not known to name images is let pass with a warning, for what it may make in
// the end are pods, and those are judged.
func (h *Handler) Handle(ctx context.Context, req admission.Request) admission.Response {
	resource := schema.GroupResource{Group: req.Resource.Group, Resource: req.Resource.Resource}
	switch {
	case resource.Resource == "":
		return admission.Errored(http.StatusBadRequest, errors.New("could not check: the review names no resource"))
	case req.Operation == admissionv1.Delete, req.Operation == admissionv1.Connect:
		return admission.Allowed("")
	case req.Operation != admissionv1.Create && req.Operation != admissionv1.Update:
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("could not check: the review has no operation that is known (%q)", clip(string(req.Operation), 40)))
	case resource == podResource && (req.SubResource == "" || req.SubResource == "ephemeralcontainers"):
		return h.pod(ctx, req)
	case resource == namespaceResource && req.SubResource == "":
		return h.namespace(ctx, req)
	case templated[resource] && req.SubResource == "":
		return h.template(ctx, req)
	case resource == podResource, resource == namespaceResource, templated[resource]:
		return admission.Allowed("") // status, scale, binding, eviction, resize: no image can change there
	default:
		return admission.Allowed("").WithWarnings(clip(
			"ecr-gate judges pods, not "+resource.String()+": take it out of the webhook's rules", maxWarning))
	}
}

// pod judges a pod, or the ephemeral containers added to one.
func (h *Handler) pod(ctx context.Context, req admission.Request) admission.Response {
	release, ok := h.enter()
	if !ok {
		return h.shed(ctx, req)
	}
	defer release()
	p, err := readPod(req.Object.Raw)
	if err != nil {
		return h.unreadable(ctx, req, err)
	}
	uses, err := newUses(p, req)
	if err != nil {
		return h.unreadable(ctx, req, err)
	}
	if len(uses) == 0 {
		return admission.Allowed("")
	}
	settings := h.Settings()
	labels, err := h.labels(ctx, req.Namespace)
	if err != nil {
		return h.namespaceUnknown(ctx, req, err)
	}
	m := settings.modes(labels)
	policies := m.policies()
	if len(policies) == 0 {
		return admission.Allowed("")
	}
	images := byImage(uses)
	if len(images) > maxImages {
		return h.tooMany(m)
	}
	r := reviewed{settings, m, images, h.judge(ctx, images, policies, isDryRun(req))}
	r.log(ctx, h.Log, req, p)
	response := r.response()
	if response.Allowed && !isDryRun(req) {
		h.event(req.Namespace, p, r)
	}
	return response
}

// labels are the namespace's; none where no namespace is watched.
func (h *Handler) labels(ctx context.Context, namespace string) (map[string]string, error) {
	if h.Namespaces == nil {
		return nil, nil
	}
	return h.Namespaces.Labels(ctx, namespace)
}

// enter takes a slot, if there is one left.
func (h *Handler) enter() (release func(), ok bool) {
	h.once.Do(func() {
		if h.InFlight <= 0 {
			h.InFlight = DefaultInFlight
		}
		h.slots = make(chan struct{}, h.InFlight)
		h.seldom = rate.Sometimes{Interval: time.Second}
	})
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, true
	default:
		return nil, false
	}
}

func isDryRun(req admission.Request) bool { return req.DryRun != nil && *req.DryRun }

// template warns about the pods that a workload will make, and has their scans in
// the cache by the time that they come.
func (h *Handler) template(ctx context.Context, req admission.Request) admission.Response {
	release, ok := h.enter()
	if !ok {
		return admission.Allowed("") // its pods will be told
	}
	defer release()
	images := byImage(judgeable(templateUses(req.Object.Raw)))
	if len(images) == 0 || len(images) > maxImages {
		return admission.Allowed("") // so will they
	}
	settings := h.Settings()
	labels, err := h.labels(ctx, req.Namespace)
	if err != nil {
		return admission.Allowed("") // and here
	}
	m := settings.modes(labels)
	policies := m.policies()
	if len(policies) == 0 {
		return admission.Allowed("")
	}
	r := reviewed{settings, m, images, h.judge(ctx, images, policies, isDryRun(req))}
	return admission.Allowed("").WithWarnings(r.forecast()...)
}

// judgeable leaves out what no kubelet could run: templates hold placeholders,
// such as Istio's image: auto, that a mutating webhook replaces in the pod.
func judgeable(uses []use) []use {
	var list []use
	for _, u := range uses {
		if u.image != "auto" && parses(u.image) {
			list = append(list, u)
		}
	}
	return list
}
