package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// keepEvidence writes how the cluster stood when a story failed: the kubelet removes
// the logs of a pod with the pod. The end of the gate's own logs is shown at once.
func (l *lab) keepEvidence(t *testing.T, story string) {
	t.Helper()
	// The test's own context may be what ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	folder := filepath.Join(l.bed.Logs, strings.ReplaceAll(story, " ", "-"))
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Log(err)
		return
	}
	look := map[string][]string{
		"objects.txt":  {"get", "nodes,namespaces,pods,deployments,replicasets,services,endpointslices", "--all-namespaces", "--output=wide"},
		"events.txt":   {"get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"},
		"release.yaml": {"get", "deployments,pods,configmaps", "--namespace=" + releaseNamespace, "--output=yaml"},
		"webhook.yaml": {"get", "validatingwebhookconfigurations", "--output=yaml"},
	}
	for file, args := range look {
		said := l.typed(ctx, "", filepath.Join(l.bed.Kubernetes, "kubectl"), args...)
		if err := os.WriteFile(filepath.Join(folder, file), []byte(said.out+said.err), 0o600); err != nil {
			t.Log(err)
		}
	}
	pods, err := l.Client.CoreV1().Pods(releaseNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Log(err)
		return
	}
	for _, pod := range pods.Items {
		lines, err := l.Client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(ctx)
		if err != nil {
			t.Logf("log of %s: %v", pod.Name, err)
			continue
		}
		t.Logf("the end of the log of %s:\n%s", pod.Name, ending(lines, 8))
		if err := os.WriteFile(filepath.Join(folder, pod.Name+".log"), lines, 0o600); err != nil {
			t.Log(err)
		}
	}
	t.Logf("more is in %s", folder)
}

// ending is the last lines of a gate's log, without the verdicts, which are many.
func ending(log []byte, count int) string {
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(log)), "\n"), func(line string) bool {
		return strings.Contains(line, `"msg":"verdict"`)
	})
	if skipped := len(lines) - count; skipped > 0 {
		lines = append([]string{fmt.Sprintf("(%d lines)", skipped)}, lines[skipped:]...)
	}
	return strings.Join(lines, "\n")
}
