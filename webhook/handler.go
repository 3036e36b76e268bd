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

	"github.com/ecr-gate/ecr-gate/gate"
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

	once      sync.Once
	slots     chan struct{}
	questions room           // for those of reviews that have many
	listing   sync.Mutex     // held while pods are listed
	seldom    rate.Sometimes // of overload, so that the log is not a load of its own
	telling   *rate.Limiter  // of Events
}

var (
	podResource       = schema.GroupResource{Resource: "pods"}
	namespaceResource = schema.GroupResource{Resource: "namespaces"}
)

// imageless are the pod's subresources through which no image can change. Any other,
// one of a later Kubernetes too, is judged as a pod: what cannot be read as one is
// refused.
var imageless = map[string]bool{
	"status": true, "resize": true, "binding": true, "eviction": true,
	"attach": true, "exec": true, "log": true, "portforward": true, "proxy": true,
}

// settings are those of the moment, with the gate that belongs to them.
func (h *Handler) settings() Settings {
	s := h.Settings()
	if s.Gate == nil {
		s.Gate = h.Gate
	}
	return s
}

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
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("could not check: the review has no operation that is known (%q)", gate.Clip(string(req.Operation), 40)))
	case resource == podResource && !imageless[req.SubResource]:
		return h.pod(ctx, req)
	case resource == namespaceResource && req.SubResource == "":
		return h.namespace(ctx, req)
	case templated[resource] && req.SubResource == "":
		return h.template(ctx, req)
	case resource == podResource, resource == namespaceResource, templated[resource]:
		return admission.Allowed("") // no image can change there, or none that is not judged as a pod's
	default:
		return admission.Allowed("").WithWarnings(gate.Clip(
			"ecr-gate judges pods, not "+resource.String()+": take it out of the webhook's rules", maxWarning))
	}
}

// pod judges a pod, or the ephemeral containers added to one.
func (h *Handler) pod(ctx context.Context, req admission.Request) admission.Response {
	if !h.enter() {
		return h.shed(ctx, req)
	}
	defer h.leave()
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
	settings := h.settings()
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
		return h.tooMany(ctx, req, p, m, len(images))
	}
	verdicts, err := h.ask(ctx, settings.Gate, images, policies, isDryRun(req))
	if err != nil {
		return h.overloaded(ctx, m)
	}
	r := reviewed{settings, m, policies, images, verdicts}
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

// prepare comes before the first use of what bounds reviews.
func (h *Handler) prepare() {
	h.once.Do(func() {
		if h.InFlight <= 0 {
			h.InFlight = DefaultInFlight
		}
		h.slots = make(chan struct{}, h.InFlight)
		h.questions = newSharedRoom(maxQuestions)
		h.seldom = rate.Sometimes{Interval: time.Second}
		h.telling = rate.NewLimiter(eventsEachSecond, eventBurst)
	})
}

// enter takes a slot, if there is one left. Who got one gives it back by leave.
func (h *Handler) enter() bool {
	h.prepare()
	select {
	case h.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (h *Handler) leave() { <-h.slots }

func isDryRun(req admission.Request) bool { return req.DryRun != nil && *req.DryRun }
