package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ecr-gate/ecr-gate/gate"
)

// Refusal is why a review was refused without a verdict on any image.
type Refusal string

// The refusals, as the metric ecr_gate_reviews_refused_total names them.
const (
	Overload         Refusal = "overload"          // too many reviews in hand, or images of theirs
	TooLarge         Refusal = "too_large"         // more bytes than any review has
	Unreadable       Refusal = "unreadable"        // no pod in it, or none that can be read
	TooManyImages    Refusal = "too_many_images"   // a pod of more than one review may ask for
	NamespaceUnknown Refusal = "namespace_unknown" // the namespace's labels could not be read
	Connections      Refusal = "connections"       // no review yet: a connection that was closed, for there were too many
)

// Refusals lists them all.
func Refusals() []Refusal {
	return []Refusal{Overload, TooLarge, Unreadable, TooManyImages, NamespaceUnknown, Connections}
}

func (h *Handler) refused(r Refusal) {
	if h.Refused != nil {
		h.Refused(r)
	}
}

func (h *Handler) unreadable(ctx context.Context, req admission.Request, err error) admission.Response {
	h.refused(Unreadable)
	h.Log.WarnContext(ctx, "a review cannot be read", "namespace", req.Namespace, "requestId", string(req.UID), "error", err)
	return admission.Errored(http.StatusBadRequest, errors.New(gate.Clip("could not check: "+err.Error(), maxFirstLine)))
}

// namespaceUnknown refuses where nobody can say which policy holds.
func (h *Handler) namespaceUnknown(ctx context.Context, req admission.Request, err error) admission.Response {
	h.refused(NamespaceUnknown)
	text := "could not be read; try again"
	if apierrors.IsNotFound(err) {
		text = "could not be read, for it does not exist; create it first"
	}
	h.Log.WarnContext(ctx, "cannot read a namespace's labels", "namespace", req.Namespace, "requestId", string(req.UID), "error", err)
	return admission.Denied("could not check: the labels of namespace " + strconv.Quote(gate.Clip(req.Namespace, 63)) + " " + text)
}

// tooMany answers for a pod of more images than one review may ask for.
func (h *Handler) tooMany(ctx context.Context, req admission.Request, p pod, m modes, images int) admission.Response {
	h.refused(TooManyImages)
	h.Log.WarnContext(ctx, "a pod names too many images", "namespace", gate.Clip(req.Namespace, maxLogged),
		"pod", gate.Clip(p.name(), maxLogged), "images", images, "requestId", gate.Clip(string(req.UID), maxLogged))
	return without(m, fmt.Sprintf("could not check: the pod names more than %d images; split it up", maxImages))
}

// shed answers for a review that there was no time for.
func (h *Handler) shed(ctx context.Context, req admission.Request) admission.Response {
	labels, err := h.labels(ctx, req.Namespace)
	if err != nil {
		h.overload(ctx)
		return h.namespaceUnknown(ctx, req, err)
	}
	return h.overloaded(ctx, h.Settings().modes(labels))
}

// overloaded is the answer to a review too many, or with too many images beside
// those of others. A gate that lets pass what it has no time for could be opened by
// making it busy.
func (h *Handler) overloaded(ctx context.Context, m modes) admission.Response {
	h.overload(ctx)
	return without(m, "could not check: ecr-gate has too many reviews in hand; Kubernetes tries again by itself")
}

func (h *Handler) overload(ctx context.Context) {
	h.refused(Overload)
	h.seldom.Do(func() {
		h.Log.WarnContext(ctx, "too many reviews in hand; some are refused", "inFlight", cap(h.slots), "questions", maxQuestions)
	})
}

// without is the answer where there is no verdict to give.
func without(m modes, text string) admission.Response {
	if m.enforce == None {
		return admission.Allowed("").WithWarnings(text)
	}
	return admission.Denied(text)
}
