package webhook

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ecr-gate/ecr-gate/gate"
)

// eventReasons are how Events call an outcome.
var eventReasons = map[gate.Outcome]string{
	gate.Denied:      "ImageNotAllowed",
	gate.Pending:     "ImageNotReady",
	gate.Unavailable: "ImageNotChecked",
}

// Events are written to the API server and kept there for an hour, and whoever posts
// to the port can have one written. A rollout of many workloads fits.
const (
	eventsEachSecond = 5
	eventBurst       = 100
)

// event tells of a pod that was let in with a warning, or for the audit log only,
// where its team looks: at what made it. A pod of nobody's has no place yet, and
// whoever made it read the warning.
func (h *Handler) event(namespace string, p pod, r reviewed) {
	owner := p.controller()
	if h.Events == nil || owner == nil || !plausible(owner, namespace) {
		return
	}
	list := r.objections(r.modes.enforce) // let in all the same
	if len(list) == 0 {
		list = r.objections(r.modes.warn)
	}
	if len(list) == 0 {
		list = r.objections(r.modes.audit)
	}
	if len(list) == 0 || !h.telling.Allow() { // the gate's log has it all the same
		return
	}
	about := &corev1.ObjectReference{
		APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name, UID: owner.UID, Namespace: namespace,
	}
	h.Events.Eventf(about, nil, corev1.EventTypeWarning, eventReasons[list[0].verdict.Outcome], "AdmitPod", "%s", refusal(list))
}

// plausible reports whether there can be such an object. What is longer than any is
// no API server's: client-go would keep it for minutes, and etcd for an hour.
func plausible(owner *metav1.OwnerReference, namespace string) bool {
	const name, label = 253, 63 // as Kubernetes bounds them
	return len(owner.Name) <= name && len(owner.Kind) <= label && len(owner.APIVersion) <= name+len("/")+label &&
		len(owner.UID) <= 64 && len(namespace) <= label
}
