package admission_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

const (
	registry = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/"
	clean    = registry + "api:1"
	bad      = registry + "web:1"
	refusal  = "image not allowed: " + bad
)

func (s *server) stock() {
	done := time.Now().Add(-time.Hour)
	scan := awslocal.Scan{Status: "ACTIVE", CompletedAt: done, SourceUpdatedAt: done, EnhancedFindings: []awslocal.EnhancedFinding{}}
	s.aws.PutImage(awslocal.Image{Repository: "shop/api", Tags: []string{"1"}, Scans: []awslocal.Scan{scan}})
	scan.EnhancedFindings = []awslocal.EnhancedFinding{{ID: "CVE-2026-1234", Severity: "CRITICAL", Fix: "YES",
		Packages: []awslocal.Package{{Name: "openssl", Version: "3.0.7", Manager: "OS", FixedIn: "3.0.15-1"}}}}
	s.aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{"1"}, Scans: []awslocal.Scan{scan}})
}

func podOf(images ...string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "case-"}}
	for i, image := range images {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: fmt.Sprintf("c%d", i), Image: image})
	}
	return pod
}

func TestPods(t *testing.T) {
	with := func(change func(*corev1.PodSpec)) *corev1.Pod {
		pod := podOf(clean)
		change(&pod.Spec)
		return pod
	}
	cases := map[string]struct {
		namespace string
		pod       *corev1.Pod
		refused   string // empty: allowed
	}{
		"clean":                      {"dev", podOf(clean), ""},
		"vulnerable":                 {"dev", podOf(bad), refusal},
		"vulnerable beside clean":    {"dev", podOf(clean, bad), refusal},
		"vulnerable init container":  {"dev", with(func(s *corev1.PodSpec) { s.InitContainers = []corev1.Container{{Name: "init", Image: bad}} }), refusal},
		"vulnerable image volume":    {"dev", with(func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{imageVolume(bad)} }), refusal},
		"registry in capitals":       {"dev", podOf(strings.Replace(bad, "amazonaws", "AmazonAWS", 1)), "image not allowed"},
		"an image that is no image":  {"dev", podOf("shop/web:1:2"), "could not check"},
		"vulnerable, not covered":    {"free", podOf(bad), ""},
		"vulnerable, in kube-system": {"kube-system", podOf(bad), ""},
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			c := cases[name]
			_, err := shared.client.CoreV1().Pods(c.namespace).Create(t.Context(), c.pod, metav1.CreateOptions{})
			want(t, err, c.refused)
		})
	}
}

func imageVolume(image string) corev1.Volume {
	return corev1.Volume{Name: "model", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: image}}}
}

// want fails the test unless the request was refused so, or allowed if that is empty.
func want(t *testing.T, err error, refused string) {
	t.Helper()
	switch {
	case err == nil && refused != "":
		t.Errorf("allowed, want a refusal that says %q", refused)
	case err != nil && (refused == "" || !strings.Contains(err.Error(), refused)):
		t.Errorf("want %q, got %v", refused, err)
	}
}

// An update that changes no image is not even sent: it must not wait for AWS.
func TestUpdatesOfAPod(t *testing.T) {
	pods := shared.client.CoreV1().Pods("dev")
	pod, err := pods.Create(t.Context(), podOf(clean), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer shared.aws.Inject(awslocal.Fault{Operation: "*", Status: 500, Code: "InternalFailure"})()
	pod.Labels = map[string]string{"seen": "yes"}
	pod, err = pods.Update(t.Context(), pod, metav1.UpdateOptions{})
	want(t, err, "")
	pod.Spec.Containers[0].Image = registry + "unknown:1"
	_, err = pods.Update(t.Context(), pod, metav1.UpdateOptions{})
	want(t, err, "could not check")
}

func TestEphemeralContainers(t *testing.T) {
	pods := shared.client.CoreV1().Pods("dev")
	pod, err := pods.Create(t.Context(), podOf(clean), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for image, refused := range map[string]string{bad: refusal, clean: ""} {
		looked := pod.DeepCopy()
		looked.Spec.EphemeralContainers = []corev1.EphemeralContainer{
			{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "look", Image: image}},
		}
		_, err = pods.UpdateEphemeralContainers(t.Context(), pod.Name, looked, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
		want(t, err, refused)
	}
}

// heard collects warnings.
type heard struct {
	mu    sync.Mutex
	texts []string
}

func (h *heard) HandleWarningHeader(_ int, _, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts = append(h.texts, text)
}

func TestDeploymentsAreWarnedAbout(t *testing.T) {
	warnings := &heard{}
	config := rest.CopyConfig(shared.config)
	config.WarningHandler = warnings
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	create := func(ctx context.Context, image string) error {
		labels := map[string]string{"app": "case"}
		_, err := client.AppsV1().Deployments("dev").Create(ctx, &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "case-"},
			Spec: appsv1.DeploymentSpec{
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: podOf(image).Spec},
			},
		}, metav1.CreateOptions{})
		return err
	}
	want(t, create(t.Context(), clean), "")
	if len(warnings.texts) != 0 {
		t.Errorf("a clean Deployment is warned about: %q", warnings.texts)
	}
	want(t, create(t.Context(), bad), "")
	if len(warnings.texts) != 1 || !strings.Contains(warnings.texts[0], "its pods will be refused: ") || !strings.Contains(warnings.texts[0], refusal) {
		t.Errorf("the person reads %q", warnings.texts)
	}
}
