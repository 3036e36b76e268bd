package main

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/ecr-gate/ecr-gate/gate"
)

// FuzzManifests: of whatever Kubernetes itself reads as a pod, every image is found,
// or the file is refused; and a file that is taken names an image.
func FuzzManifests(f *testing.F) {
	f.Add("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - {name: a, image: x:1}\n  initContainers: [{image: 'y'}]\n  volumes: [{name: v, image: {reference: z}}]\n")
	f.Add("kind: Deployment\nspec: {template: {spec: {containers: [{image: x}], ephemeralContainers: [{image: y}]}}}\n---\nkind: List\nitems: [{spec: {containers: [{image: z}]}}]\n")
	f.Add("x: &a {image: x}\nspec: {containers: [*a, {<<: *a}]}\n")
	f.Add("spec:\n  ? containers\n  : - image: !!binary eA==\n1: 2\n")
	f.Add("{\"spec\":{\"containers\":[{\"image\":\"x\"}],\"containers\":[]}}")
	f.Add("a: &a [*a]\nspec: {containers: [{image: 1.10}]}\n\u009b31m: {")
	f.Fuzz(func(t *testing.T, text string) {
		found, err := manifestImages(strings.NewReader(text), "-")
		if err != nil {
			if line := err.Error(); gate.Clean(line) != line {
				t.Errorf("no clean line: %q", line)
			}
			return
		}
		if len(found) == 0 {
			t.Error("nothing to judge, and no error")
		}
		var pod corev1.Pod
		asJSON, err := yaml.YAMLToJSON([]byte(text)) // as kubectl does
		if err != nil || strings.Contains("\n"+text, "\n---") || json.Unmarshal(asJSON, &pod) != nil {
			return
		}
		for _, image := range podImagesOf(&pod.Spec) {
			if image != "" && !slices.Contains(found, image) {
				t.Errorf("%q runs, and is not among %q", image, found)
			}
		}
	})
}

// podImagesOf are the images of a pod as Kubernetes reads it.
func podImagesOf(spec *corev1.PodSpec) []string {
	var images []string
	for i := range spec.InitContainers {
		images = append(images, spec.InitContainers[i].Image)
	}
	for i := range spec.Containers {
		images = append(images, spec.Containers[i].Image)
	}
	for i := range spec.EphemeralContainers {
		images = append(images, spec.EphemeralContainers[i].Image)
	}
	for i := range spec.Volumes {
		if len(spec.Containers) > 0 && spec.Volumes[i].Image != nil {
			images = append(images, spec.Volumes[i].Image.Reference)
		}
	}
	return images
}
