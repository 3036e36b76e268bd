package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

// drawPod is any pod that names images, in any place.
func drawPod(t *rapid.T) *corev1.Pod {
	name := rapid.StringMatching(`[a-z]{0,3}`)
	image := rapid.OneOf(rapid.StringMatching(`[a-z]{1,2}(:[0-9])?`), rapid.String())
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name.Draw(t, "name")}}
	containers := func(label string) []corev1.Container {
		list := make([]corev1.Container, rapid.IntRange(0, 3).Draw(t, label))
		for i := range list {
			list[i] = corev1.Container{Name: name.Draw(t, "container"), Image: strings.ToValidUTF8(image.Draw(t, "image"), ""), Command: []string{"image"}}
		}
		return list
	}
	pod.Spec.Containers = containers("containers")
	pod.Spec.InitContainers = containers("init containers")
	for _, c := range containers("ephemeral containers") {
		pod.Spec.EphemeralContainers = append(pod.Spec.EphemeralContainers, corev1.EphemeralContainer{
			EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: c.Name, Image: c.Image}, TargetContainerName: "a",
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "volumes") {
		v := corev1.Volume{Name: name.Draw(t, "volume")}
		switch rapid.IntRange(0, 2).Draw(t, "kind of volume") {
		case 0:
			v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		case 1:
			v.Image = &corev1.ImageVolumeSource{}
		case 2:
			v.Image = &corev1.ImageVolumeSource{Reference: strings.ToValidUTF8(image.Draw(t, "reference"), "")}
		}
		pod.Spec.Volumes = append(pod.Spec.Volumes, v)
	}
	return pod
}

// A running pod, which the client decodes, and the same pod in a review are read
// alike: what labelling a namespace warns of is what is refused afterwards.
func TestBothReadingsOfAPodAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		object := drawPod(t)
		raw, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		reviewed, err := readPod(raw)
		if (err != nil) != (len(object.Spec.Containers) == 0) {
			t.Fatalf("%v: %s", err, raw)
		}
		if err != nil {
			return
		}
		if inReview, inList := reviewed.Spec.uses(), specOf(&object.Spec).uses(); !slices.Equal(inReview, inList) {
			t.Errorf("in the review %v, in the list %v", inReview, inList)
		}
		template, err := json.Marshal(map[string]any{"spec": map[string]any{"template": object}})
		if err != nil {
			t.Fatal(err)
		}
		if inTemplate := templateUses(template); !slices.Equal(inTemplate, reviewed.Spec.uses()) {
			t.Errorf("in the template %v, in the review %v", inTemplate, reviewed.Spec.uses())
		}
	})
}

// Every member of a pod's spec that can name an image is read. A new one in the API
// makes this fail, and is to be added to podSpec.
func TestNoMemberWithAnImageIsForgotten(t *testing.T) {
	var pod corev1.Pod
	var spec podSpec
	fill := `{"containers":[{"image":"1"}],"initContainers":[{"image":"2"}],"ephemeralContainers":[{"image":"3"}],"volumes":[{"image":{"reference":"4"}}]}`
	if err := json.Unmarshal([]byte(fill), &pod.Spec); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(fill), &spec); err != nil {
		t.Fatal(err)
	}
	known := []string{"containers.image", "ephemeralContainers.image", "initContainers.image", "volumes.image.reference"}
	if got := imageMembers(corev1.PodSpec{}); !slices.Equal(got, known) {
		t.Errorf("the API has %v, this door reads %v", got, known)
	}
	if n := len(spec.uses()); n != len(known) {
		t.Errorf("%d of %d are read", n, len(known))
	}
}

func TestRunningPodsThatHaveEnded(t *testing.T) {
	pod := func(name string, phase corev1.PodPhase) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.PodStatus{Phase: phase}}
	}
	kept := keptPods{images: map[string]string{}}
	for _, p := range []corev1.Pod{
		pod("pending", corev1.PodPending), pod("running", corev1.PodRunning), pod("done", corev1.PodSucceeded),
		pod("failed", corev1.PodFailed), pod("unknown", corev1.PodUnknown), pod("new", ""),
	} {
		if !kept.add(&p) {
			t.Errorf("%s is too many", p.Name)
		}
	}
	var names []string
	for _, p := range kept.pods {
		names = append(names, p.name)
	}
	if want := []string{"pending", "running", "unknown", "new"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

// Of pods that were listed each image is kept once, and no more of it than is needed to
// see that it cannot be read; of too many images none is left out unsaid.
func TestKeptPodsAreSmall(t *testing.T) {
	pod := func(images ...string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
		for _, image := range images {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "a", Image: image})
		}
		return p
	}
	kept := keptPods{images: map[string]string{}}
	long := "example.com/" + strings.Repeat("a", 1<<20)
	for range 2 {
		if !kept.add(pod("nginx", long, "nginx", long, "nginx")) {
			t.Error("two images are too many")
		}
	}
	for _, p := range kept.pods {
		if len(p.uses) != 2 || p.uses[0].image != "nginx" || len(p.uses[1].image) > 2048 || parses(p.uses[1].image) {
			t.Errorf("%d uses: %.80v", len(p.uses), p.uses)
		}
	}
	if a, b := kept.pods[0].uses[1].image, kept.pods[1].uses[1].image; unsafe.StringData(a) != unsafe.StringData(b) {
		t.Error("the same image is kept twice")
	}
	many := make([]string, maxImages-2)
	for i := range many {
		many[i] = fmt.Sprintf("many:%d", i)
	}
	if !kept.add(pod(many...)) || kept.add(pod("nginx", "one-more")) || !kept.add(pod("nginx")) || len(kept.pods) != 4 {
		t.Errorf("%d images, of %d pods", len(kept.images), len(kept.pods))
	}
}

// The largest group first, pods by name, the same bytes whatever the map's order.
func TestGrouped(t *testing.T) {
	groups := map[string][]string{
		"b is bad": {"web-2", "web-1", "web-3"}, "a is bad": {"api-2", "api-1"}, "c is bad": {"job-2", "job-1"}, "d is bad": {strings.Repeat("x", 60)},
	}
	want := []string{
		"running pod web-1 (and 2 other pods) would now be refused: b is bad",
		"running pod api-1 (and 1 other pods) would now be refused: a is bad",
		"running pod job-1 (and 1 other pods) would now be refused: c is bad",
		"running pod " + strings.Repeat("x", 39) + "… would now be refused: d is bad",
	}
	for range 5 {
		if got := grouped(groups); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	}
	many := map[string][]string{}
	for i := range 20 {
		many[strings.Repeat("x", i+1)] = []string{"web"}
	}
	if got := grouped(many); len(got) != maxWarnings || got[maxWarnings-1] != "and 13 more images" {
		t.Errorf("%q", got)
	}
	if got := grouped(nil); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// A pod goes by its name, and by what its name will start with where it has none yet.
func TestNameOfAPod(t *testing.T) {
	for want, metadata := range map[string]string{
		"web-1": `{"name":"web-1","generateName":"web-"}`, "web-": `{"generateName":"web-"}`, "": `{}`,
	} {
		p, err := readPod([]byte(`{"metadata":` + metadata + `,"spec":{"containers":[{}]}}`))
		if err != nil || p.name() != want {
			t.Errorf("got %q, %v, want %q", p.name(), err, want)
		}
	}
}

// What cannot be read is said in words of ours: the place, and what is wrong there.
func TestUnreadableInPlainWords(t *testing.T) {
	for raw, want := range map[string]string{
		`[]`:                                    "/: what stands there is of another type",
		`{"spec":7}`:                            "/spec: what stands there is of another type",
		`{"spec":{"containers":"x"}}`:           "/spec/containers: what should be a list is none",
		`{"spec":{"containers":[{"image":7}]}}`: "/spec/containers/0/image: what stands there is of another type",
	} {
		if _, err := readPod([]byte(raw)); err == nil || err.Error() != "the pod in the review cannot be read: "+want {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
