package webhook

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// place is where in a pod an image is named.
type place string

const (
	inContainer          place = "container"
	inInitContainer      place = "init container"
	inEphemeralContainer place = "ephemeral container"
	inImageVolume        place = "image volume"
)

// use is one place of a pod that names an image.
type use struct {
	place place
	name  string // of the container or the volume
	image string // as written
}

func (u use) String() string { return string(u.place) + " " + strconv.Quote(u.name) }

// byImage puts the places of each image together, in the pod's order.
func byImage(uses []use) [][]use {
	if len(uses) == 1 { // as in most pods
		return [][]use{uses}
	}
	list := make([][]use, 0, len(uses))
	at := make(map[string]int, len(uses))
	for _, u := range uses {
		i, ok := at[u.image]
		if !ok {
			i = len(list)
			at[u.image] = i
			list = append(list, nil)
		}
		list[i] = append(list[i], u)
	}
	return list
}

// podSpec is what this door reads of a pod's spec, of any version: the names of
// what runs and of the images it runs. A pod is large and this is the hot path, so
// the other members are passed over.
type podSpec struct {
	InitContainers      finite[container] `json:"initContainers"`
	Containers          finite[container] `json:"containers"`
	EphemeralContainers finite[container] `json:"ephemeralContainers"`
	Volumes             finite[volume]    `json:"volumes"`
	SchedulingGates     finite[struct{}]  `json:"schedulingGates"`
}

// maxMembers is more than any pod has of anything: the API server keeps an object
// below 1.5 MiB, and a container takes some hundred bytes.
const maxMembers = 1000

// finite is a list with an end. Of a small body a very long list can be made, in
// memory and in the log.
type finite[T any] []T

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (b *finite[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*b = nil
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	if d.PeekKind() != '[' {
		return errors.New("what should be a list is none")
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if len(*b) == maxMembers {
			return fmt.Errorf("a list has more than %d members", maxMembers)
		}
		var zero T
		*b = append(*b, zero)
		if err := json.UnmarshalDecode(d, &(*b)[len(*b)-1]); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

type container struct {
	Name  string `json:"name"`
	Image string `json:"image"`
}

type volume struct {
	Name  string `json:"name"`
	Image *struct {
		Reference string `json:"reference"`
	} `json:"image"`
}

// uses lists every place that names an image, in the order in which the pod
// starts them.
func (s podSpec) uses() []use {
	list := make([]use, 0, len(s.InitContainers)+len(s.Containers)+len(s.EphemeralContainers))
	for _, v := range s.Volumes {
		// An image volume without a reference mounts nothing.
		if v.Image != nil && v.Image.Reference != "" {
			list = append(list, use{inImageVolume, v.Name, v.Image.Reference})
		}
	}
	for _, group := range []struct {
		place      place
		containers []container
	}{
		{inInitContainer, s.InitContainers},
		{inContainer, s.Containers},
		{inEphemeralContainer, s.EphemeralContainers},
	} {
		for _, c := range group.containers {
			list = append(list, use{group.place, c.Name, c.Image})
		}
	}
	return list
}

// pod is what is read of a pod object.
type pod struct {
	Metadata struct {
		Name            string                        `json:"name"`
		GenerateName    string                        `json:"generateName"`
		OwnerReferences finite[metav1.OwnerReference] `json:"ownerReferences"`
	} `json:"metadata"`
	Spec podSpec `json:"spec"`
}

// readPod decodes a pod and refuses one in which there is nothing to judge: the
// API server stores none without a container.
func readPod(raw []byte) (pod, error) {
	var p pod
	if len(raw) == 0 {
		return p, errors.New("the review holds no pod")
	}
	// As strict as the API server: a key in other letters is another key, and one
	// that stands twice is refused.
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("the pod in the review cannot be read: %w", plainly(err))
	}
	if len(p.Spec.Containers) == 0 {
		return p, errors.New("the pod in the review has no containers")
	}
	return p, nil
}

// newUses are the uses of the reviewed pod that have to be judged: all of them on
// CREATE, on UPDATE those whose (name, image) pair was not there before. Places
// are compared by name and never by index, so reordering hides nothing. A pod held
// back by a scheduling gate has started nothing yet, and its tags may have moved
// since: every change of it is judged as if it came now.
func newUses(p pod, req admission.Request) ([]use, error) {
	uses := p.Spec.uses()
	if req.Operation != admissionv1.Update || len(req.OldObject.Raw) == 0 {
		return uses, nil
	}
	old, err := readPod(req.OldObject.Raw)
	if err != nil {
		return nil, err
	}
	if len(old.Spec.SchedulingGates) > 0 {
		return uses, nil
	}
	before := map[use]bool{}
	for _, u := range old.Spec.uses() {
		before[u] = true
	}
	var changed []use
	for _, u := range uses {
		if !before[u] {
			changed = append(changed, u)
		}
	}
	return changed, nil
}

// controller is the owner that made the pod, nil if it says none. It is believed
// for where to put an Event and for nothing else: whoever writes a pod can write
// its owners.
func (p pod) controller() *metav1.OwnerReference {
	for i, owner := range p.Metadata.OwnerReferences {
		if owner.Controller != nil && *owner.Controller {
			return &p.Metadata.OwnerReferences[i]
		}
	}
	return nil
}

// name is the pod's, or what its name will start with.
func (p pod) name() string {
	if p.Metadata.Name == "" {
		return p.Metadata.GenerateName
	}
	return p.Metadata.Name
}
