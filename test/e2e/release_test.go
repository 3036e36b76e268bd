package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// The release, in the namespace where it is installed. Its objects have its name.
const (
	release          = "ecr-gate"
	releaseNamespace = "ecr-gate"
	chart            = repository + "/charts/ecr-gate"
	certSecret       = release + "-webhook-cert"
)

// values are what a platform team has to say: the image and the role; and here,
// where AWS is.
func (l *lab) values() map[string]any {
	var env []any
	for _, pair := range l.aws.Environment() {
		name, value, _ := strings.Cut(pair, "=")
		env = append(env, map[string]any{"name": name, "value": value})
	}
	return map[string]any{
		"image": map[string]any{"repository": gateRepository, "digest": l.bed.Gate},
		"serviceAccount": map[string]any{
			"annotations": map[string]any{"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/ecr-gate"},
		},
		"extraEnv": env,
	}
}

// valuesFile writes values, with others in place of some at the top.
func (l *lab) valuesFile(t *testing.T, others map[string]any) string {
	t.Helper()
	all := l.values()
	maps.Copy(all, others)
	content, err := yaml.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir(): Helm takes a comma in a file's name for a list of files.
	file := filepath.Join(l.bed.Home, "values.yaml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// upgrade upgrades the release to these values and waits until it has them.
func (l *lab) upgrade(t *testing.T, others map[string]any, flags ...string) said {
	t.Helper()
	args := []string{"upgrade", release, chart, "--namespace=" + releaseNamespace,
		"--values=" + l.valuesFile(t, others), "--wait", "--timeout=90s"}
	return l.helm(t, append(args, flags...)...).ok(t)
}

// install is the first thing a platform team does.
func install(t *testing.T, l *lab) {
	l.namespace(t, "dev")
	l.helm(t, "install", release, chart, "--namespace="+releaseNamespace, "--create-namespace",
		"--values="+l.valuesFile(t, nil), "--wait", "--timeout=90s").ok(t).
		told(t, "STATUS: deployed", "namespace dev", "label ecr-gate.dev/enforce", "helm test "+release)
	l.answers(t)
	if pods := l.gatePods(t); len(pods) != 2 {
		t.Errorf("%d pods of the gate, want 2", len(pods))
	}
	if image := l.gatePods(t)[0].Status.ContainerStatuses[0].ImageID; !strings.HasSuffix(image, l.bed.Gate) {
		t.Errorf("the gate runs image %s, want digest %s", image, l.bed.Gate)
	}
}

// answers fails the test unless the gate judges now. The only trouble it forgives is
// kube-proxy's: that takes up to a second to bring the Service's address to pods
// that are Ready, and refuses connections until then.
func (l *lab) answers(t *testing.T) {
	t.Helper()
	l.eventually(t, "kube-proxy", func(context.Context) error {
		said := l.kubectl(t, "run", "bad", "--namespace=dev", "--image="+bad.name())
		if strings.Contains(said.err, "connection refused") || strings.Contains(said.err, "no endpoints available") {
			return errors.New(said.err)
		}
		said.refused(t, "image not allowed: "+bad.name())
		return nil
	})
}

// helmTest sends one review through the Service, from a pod.
func helmTest(t *testing.T, l *lab) {
	l.helm(t, "test", release, "--namespace="+releaseNamespace, "--timeout=60s").ok(t).told(t, "Phase:", "Succeeded")
}

// upgradeKeepsCertificate: if an upgrade emptied the Secret, the gate would have to
// begin anew with another CA, and reviews would be lost.
func upgradeKeepsCertificate(t *testing.T, l *lab) {
	before := l.certificate(t)
	for _, key := range []string{"ca.crt", "ca.key", "tls.crt", "tls.key"} {
		if len(before[key]) == 0 {
			t.Errorf("Secret %s has no %s", certSecret, key)
		}
	}
	bundles := l.bundles(t)
	l.upgrade(t, map[string]any{"podLabels": map[string]any{"team": "platform"}})
	after := l.certificate(t)
	for key, value := range before {
		if !bytes.Equal(value, after[key]) {
			t.Errorf("the upgrade changed %s in Secret %s", key, certSecret)
		}
	}
	if now := l.bundles(t); !slices.EqualFunc(bundles, now, bytes.Equal) {
		t.Error("the upgrade changed the CA bundles of the webhook configuration")
	}
	l.upgrade(t, nil)
}

func (l *lab) certificate(t *testing.T) map[string][]byte {
	t.Helper()
	secret, err := l.Client.CoreV1().Secrets(releaseNamespace).Get(t.Context(), certSecret, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret.Data
}

// bundles are the CAs the API server trusts, for each webhook.
func (l *lab) bundles(t *testing.T) [][]byte {
	t.Helper()
	config, err := l.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(t.Context(), release, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var bundles [][]byte
	for _, webhook := range config.Webhooks {
		bundles = append(bundles, webhook.ClientConfig.CABundle)
	}
	return bundles
}

// gatePods are the pods of the gate that are not about to go, in order of their names.
func (l *lab) gatePods(t *testing.T) []corev1.Pod {
	t.Helper()
	list, err := l.Client.CoreV1().Pods(releaseNamespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=gate"})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
}

// scale sets the number of the gate's pods and waits until there are as many.
func (l *lab) scale(t *testing.T, replicas int32) {
	t.Helper()
	l.kubectl(t, "scale", "deployment/"+release, "--namespace="+releaseNamespace, fmt.Sprintf("--replicas=%d", replicas)).ok(t)
	l.eventually(t, fmt.Sprintf("%d pods of the gate", replicas), func(ctx context.Context) error {
		deployment, err := l.Client.AppsV1().Deployments(releaseNamespace).Get(ctx, release, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if !settled(deployment) {
			return fmt.Errorf("there are %d, %d of them ready", deployment.Status.Replicas, deployment.Status.ReadyReplicas)
		}
		pods, err := l.Client.CoreV1().Pods(releaseNamespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=gate"})
		if err == nil && len(pods.Items) != int(replicas) {
			err = errors.New("some are still about to end")
		}
		return err
	})
}

func settled(d *appsv1.Deployment) bool {
	want, s := *d.Spec.Replicas, d.Status
	return s.ObservedGeneration >= d.Generation && s.Replicas == want && s.ReadyReplicas == want && s.UpdatedReplicas == want
}

// uninstall leaves a cluster that works, and nothing of the release.
func uninstall(t *testing.T, l *lab) {
	l.helm(t, "uninstall", release, "--namespace="+releaseNamespace, "--wait", "--timeout=90s").ok(t)
	l.kubectl(t, "run", "after", "--namespace=dev", "--image="+bad.name(), "--image-pull-policy=Never").ok(t)
	l.running(t, "dev", "after")
	for _, kinds := range []string{
		"validatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings",
		"deployments,replicasets,pods,services,configmaps,secrets,serviceaccounts,roles,rolebindings,poddisruptionbudgets",
	} {
		l.eventually(t, "all objects of the release to go", func(context.Context) error {
			left := l.kubectl(t, "get", kinds, "--all-namespaces", "--selector=app.kubernetes.io/part-of=ecr-gate", "--output=name").ok(t)
			if left.out != "" {
				return fmt.Errorf("these are left: %s", left.out)
			}
			return nil
		})
	}
}
