package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// changedConfig is a platform team that changes a limit: it holds without a restart.
func changedConfig(t *testing.T, l *lab) {
	before := l.identities(t)
	try := func(w ware) said {
		return l.kubectl(t, "run", "try", "--namespace=dev", "--dry-run=server", "--image="+w.name())
	}
	l.reconfigure(t, map[string]any{"maxFindings": map[string]any{"CRITICAL": 1}})
	try(bad).ok(t)
	try(worse).refused(t, "has 2 CRITICAL (1 allowed), over policy dev")
	l.reconfigure(t, nil)
	try(bad).refused(t, l.sentence(t, bad))
	if after := l.identities(t); !slices.Equal(before, after) {
		t.Errorf("the pods of the gate were %v and are %v", before, after)
	}
}

// reconfigure changes the chart's own policy, and waits until every pod of the gate
// judges by it.
func (l *lab) reconfigure(t *testing.T, change map[string]any) {
	t.Helper()
	policy := map[string]any{"name": "dev", "maxFindings": map[string]any{"CRITICAL": 0, "HIGH": 0, "MEDIUM": 20}}
	maps.Copy(policy, change)
	before := l.reloads(t)
	l.upgrade(t, map[string]any{"config": map[string]any{"policies": []any{policy}}})
	l.eventually(t, "every pod to have the new configuration", func(context.Context) error {
		now := l.reloads(t)
		for pod, count := range before {
			if now[pod] == count {
				return fmt.Errorf("%s has not read it", pod)
			}
		}
		return nil
	})
}

// reloads is how often each pod of the gate took a configuration.
func (l *lab) reloads(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, pod := range l.gatePods(t) {
		log, err := l.Client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		counts[pod.Name] = bytes.Count(log, []byte(`"msg":"configuration in force"`))
	}
	return counts
}

// identities tells pods and their containers apart from their successors.
func (l *lab) identities(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, pod := range l.gatePods(t) {
		list = append(list, fmt.Sprintf("%s %d", pod.UID, pod.Status.ContainerStatuses[0].RestartCount))
	}
	return list
}

// brokenConfig is a typing mistake that got past the chart: the gate keeps judging by
// what it had, and says so.
func brokenConfig(t *testing.T, l *lab) {
	before := l.identities(t)
	mended := false
	defer func() {
		if !mended {
			l.upgrade(t, nil, "--force-conflicts")
		}
	}()
	patch := []byte(`{"data": {"config.yaml": "apiVersion: ecr-gate.dev/v1alpha1\nkind: Config\npolicys: []\nwebhook: {}\n"}}`)
	_, err := l.Client.CoreV1().ConfigMaps(releaseNamespace).Patch(t.Context(), release, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	success := func(want float64) func(context.Context) error {
		return func(context.Context) error {
			for _, pod := range l.gatePods(t) {
				if got := sum(t, l.gateMetrics(t, pod), "ecr_gate_config_reload_success"); got != want {
					return fmt.Errorf("%s says %v", pod.Name, got)
				}
			}
			return nil
		}
	}
	l.eventually(t, "ecr_gate_config_reload_success to be 0", success(0))
	l.kubectl(t, "run", "try", "--namespace=dev", "--image="+bad.name()).refused(t, l.sentence(t, bad))
	l.upgrade(t, nil, "--force-conflicts") // Helm 4 leaves alone what somebody else changed
	mended = true
	l.eventually(t, "ecr_gate_config_reload_success to be 1 again", success(1))
	if after := l.identities(t); !slices.Equal(before, after) {
		t.Errorf("the pods of the gate were %v and are %v", before, after)
	}
}
