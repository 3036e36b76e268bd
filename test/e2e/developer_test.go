package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// sentence is the verdict a developer reads, first line of every refusal.
func (l *lab) sentence(t *testing.T, w ware) string {
	t.Helper()
	images, err := shopImages(l.bed.Program)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := images[w.name()].Digest()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("image not allowed: %s (sha256:%s) has 1 CRITICAL (0 allowed), over policy dev; upgrade openssl to 3.0.15-1, rebuild and push", w.name(), digest.Hex[:12])
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s, namespace: %s}
spec:
  replicas: 2
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: %[3]q, imagePullPolicy: Never}]
`

// deploy is a developer who applies a Deployment: warned at once, told why it does
// not come up, and through as soon as the image is mended.
func deploy(t *testing.T, l *lab) {
	sentence := l.sentence(t, bad)
	told := l.apply(t, fmt.Sprintf(deployment, "web", "dev", bad.name())).ok(t)
	if want := "Warning: its pods will be refused: "; !strings.HasPrefix(told.err, want) || !strings.Contains(told.err, sentence) {
		t.Errorf("kubectl apply says\n%swant it to start with %q and hold\n%s", told.err, want, sentence)
	}
	l.eventually(t, "the ReplicaSet to say why there are no pods", func(ctx context.Context) error {
		return l.replicaFailure(ctx, "dev", "app=web", sentence)
	})
	l.kubectl(t, "describe", "deployment", "web", "--namespace=dev").ok(t).told(t, "ReplicaFailure")

	if told := l.apply(t, fmt.Sprintf(deployment, "web", "dev", clean.name())).ok(t); told.err != "" {
		t.Errorf("with a clean image kubectl apply says\n%s", told.err)
	}
	l.kubectl(t, "rollout", "status", "deployment/web", "--namespace=dev", "--timeout=60s").ok(t)
}

func (l *lab) replicaFailure(ctx context.Context, namespace, selector, sentence string) error {
	sets, err := l.Client.AppsV1().ReplicaSets(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return err
	}
	for _, set := range sets.Items {
		for _, condition := range set.Status.Conditions {
			if strings.Contains(condition.Message, sentence) && condition.Type == "ReplicaFailure" && condition.Status == corev1.ConditionTrue {
				return nil
			}
			err = fmt.Errorf("condition %s is %s: %s", condition.Type, condition.Status, condition.Message)
		}
	}
	if err == nil {
		err = fmt.Errorf("%d ReplicaSets, none with a condition", len(sets.Items))
	}
	return err
}

const pod = `
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: %s}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: api, image: %q, imagePullPolicy: Never}]
`

// refusedEverywhere tries each place in a pod that can name an image.
func refusedEverywhere(t *testing.T, l *lab) {
	sentence := l.sentence(t, bad)
	bare := l.kubectl(t, "run", "bare", "--namespace=dev", "--image="+bad.name()).refused(t)
	want := `Error from server (Forbidden): admission webhook "pods.ecr-gate.dev" denied the request: ` + sentence
	first, rest, _ := strings.Cut(bare.err, "\n")
	if first != want {
		t.Errorf("the first line is\n%s\nwant\n%s", first, want)
	}
	if !strings.Contains(rest, "CVE-2026-1234") || !strings.Contains(rest, `"bare"`) {
		t.Errorf("the rest names neither finding nor container:\n%s", rest)
	}
	beside := fmt.Sprintf(pod, "beside", "dev", clean.name())
	l.apply(t, beside+fmt.Sprintf("  initContainers: [{name: migrate, image: %q}]\n", bad.name())).
		refused(t, sentence, "migrate")
	l.apply(t, beside+fmt.Sprintf("  volumes: [{name: model, image: {reference: %q}}]\n", bad.name())).
		refused(t, sentence, "model")
	l.apply(t, strings.Replace(beside, "  containers: [", fmt.Sprintf("  containers: [{name: sidecar, image: %q}, ", bad.name()), 1)).
		refused(t, sentence, "sidecar")
}

// debug is a developer with a pod that runs, who wants a look inside.
func debug(t *testing.T, l *lab) {
	l.apply(t, fmt.Sprintf(pod, "patient", "dev", clean.name())).ok(t)
	l.running(t, "dev", "patient")
	look := []string{"debug", "patient", "--namespace=dev", "--image-pull-policy=Never", "--profile=restricted", "--attach=false"}
	l.kubectl(t, append(look, "--container=with-bad", "--image="+bad.name())...).refused(t, l.sentence(t, bad), "with-bad")
	l.kubectl(t, append(look, "--container=with-clean", "--image="+tools.name())...).ok(t)
	l.eventually(t, "the ephemeral container to run", func(ctx context.Context) error {
		pod, err := l.Client.CoreV1().Pods("dev").Get(ctx, "patient", metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, status := range pod.Status.EphemeralContainerStatuses {
			if status.Name == "with-clean" && status.State.Running != nil {
				return nil
			}
		}
		return fmt.Errorf("ephemeral containers are %v", pod.Status.EphemeralContainerStatuses)
	})
}
