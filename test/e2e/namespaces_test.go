package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// notCovered: pods elsewhere are none of the gate's business, and it never hears of
// them.
func notCovered(t *testing.T, l *lab) {
	l.namespace(t, "free")
	calls, reviews := l.aws.Calls(), l.reviews(t)
	l.apply(t, fmt.Sprintf(pod, "anything", "free", worse.name())).ok(t)
	l.running(t, "free", "anything")
	if now := l.reviews(t); now != reviews {
		t.Errorf("%v reviews were sent, before it were %v", now, reviews)
	}
	for operation, count := range l.aws.Calls() {
		if count != calls[operation] {
			t.Errorf("AWS was asked for %s", operation)
		}
	}
}

// outage: with the gate down nothing unjudged starts in dev; what changes no image
// goes on, and the cluster itself can heal.
func outage(t *testing.T, l *lab) {
	l.apply(t, fmt.Sprintf(pod, "survivor", "dev", clean.name())).ok(t)
	l.running(t, "dev", "survivor")
	l.scale(t, 0)
	defer l.scale(t, 2)

	l.apply(t, fmt.Sprintf(pod, "latecomer", "dev", clean.name())).refused(t, `failed calling webhook "pods.ecr-gate.dev"`)
	l.kubectl(t, "set", "image", "pod/survivor", "api="+bad.name(), "--namespace=dev").refused(t, "failed calling webhook")
	// Deployments may be applied: their pods come when the gate is back.
	l.apply(t, fmt.Sprintf(deployment, "later", "dev", clean.name())).ok(t)

	l.kubectl(t, "label", "pod/survivor", "--namespace=dev", "seen=yes").ok(t)
	for _, finalizers := range []string{`["ecr-gate.dev/e2e"]`, `[]`} {
		patch := fmt.Sprintf(`{"metadata":{"finalizers":%s}}`, finalizers)
		l.kubectl(t, "patch", "pod/survivor", "--namespace=dev", "--type=merge", "--patch="+patch).ok(t)
	}
	l.kubectl(t, "delete", "pod/survivor", "--namespace=dev", "--wait=false").ok(t)
	l.gone(t, "dev", "survivor")

	l.apply(t, fmt.Sprintf(pod, "system", "kube-system", bad.name())).ok(t)
	l.running(t, "kube-system", "system")
}

// recovered: what waited for the gate comes by itself.
func recovered(t *testing.T, l *lab) {
	l.kubectl(t, "rollout", "status", "deployment/later", "--namespace=dev", "--timeout=60s").ok(t)
	l.answers(t)
}

// labelled is a team that covers its own namespace.
func labelled(t *testing.T, l *lab) {
	l.namespace(t, "team")
	l.apply(t, fmt.Sprintf(pod, "old", "team", bad.name())).ok(t)
	l.running(t, "team", "old")
	told := l.kubectl(t, "label", "namespace", "team", "ecr-gate.dev/enforce=auto").ok(t)
	if !strings.HasPrefix(told.err, "Warning: ") || !strings.Contains(told.err, "old") || !strings.Contains(told.err, l.sentence(t, bad)) {
		t.Errorf("labelling does not warn of the pod that would be refused, but says\n%s", told.err)
	}
	l.kubectl(t, "run", "new", "--namespace=team", "--image="+bad.name()).
		refused(t, `admission webhook "labelled-pods.ecr-gate.dev" denied the request: `+l.sentence(t, bad))
	l.kubectl(t, "run", "new", "--namespace=team", "--image="+clean.name(), "--image-pull-policy=Never").ok(t)
	l.running(t, "team", "new")
	l.kubectl(t, "label", "namespace", "team", "ecr-gate.dev/enforce=strict", "--overwrite").ok(t).
		told(t, "Warning: ", `no policy named "strict"`)
	l.kubectl(t, "run", "unknown", "--namespace=team", "--image="+clean.name()).refused(t, "could not check")
}

// warned is a team that wants to see before it enforces: the person who makes a pod
// is warned, an Event tells whoever looks at what made it, and the audit log has it.
func warned(t *testing.T, l *lab) {
	l.kubectl(t, "label", "namespace", "team", "--overwrite", "ecr-gate.dev/enforce=none", "ecr-gate.dev/warn=auto", "ecr-gate.dev/audit=auto").ok(t)
	told := l.kubectl(t, "run", "warned", "--namespace=team", "--image="+bad.name(), "--image-pull-policy=Never").ok(t)
	if !strings.HasPrefix(told.err, "Warning: let in") || !strings.Contains(told.err, l.sentence(t, bad)) {
		t.Errorf("kubectl run says\n%s", told.err)
	}
	l.apply(t, fmt.Sprintf(deployment, "warned", "team", bad.name())).ok(t).told(t, "Warning: ")
	l.kubectl(t, "rollout", "status", "deployment/warned", "--namespace=team", "--timeout=60s").ok(t)
	l.eventually(t, "an Event on the ReplicaSet", func(ctx context.Context) error {
		return l.eventAbout(ctx, "team", "ReplicaSet", l.sentence(t, bad))
	})
	const note = "labelled-pods.ecr-gate.dev/audit-violations"
	if !l.audited(t, func(e auditEntry) bool { return strings.Contains(e.Annotations[note], l.sentence(t, bad)) }) {
		t.Errorf("no entry of the audit log has %s", note)
	}
}

func (l *lab) eventAbout(ctx context.Context, namespace, kind, words string) error {
	list, err := l.Client.EventsV1().Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, event := range list.Items {
		if event.Regarding.Kind == kind && strings.Contains(event.Note, words) && event.ReportingController == "ecr-gate" {
			return nil
		}
	}
	return fmt.Errorf("%d events in namespace %s, none from ecr-gate on a %s with %q", len(list.Items), namespace, kind, words)
}

// owned is a pod of a ReplicaSet in a namespace that only warns.
func owned(set appsv1.ReplicaSet, name string, w ware) string {
	owner := fmt.Sprintf("metadata: {ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: %s, uid: %s, controller: true}], ", set.Name, set.UID)
	return strings.Replace(fmt.Sprintf(pod, name, "team", w.name()), "metadata: {", owner, 1)
}

// dryRun: a question is answered, and leaves no trace.
func dryRun(t *testing.T, l *lab) {
	kubectl := func(input string, flags ...string) said {
		return l.command(t, input, l.bed.Kubernetes+"/kubectl", append([]string{"create", "--filename=-"}, flags...)...)
	}
	const dry = "--dry-run=server"
	kubectl(fmt.Sprintf(pod, "asked", "dev", bad.name()), dry).refused(t, l.sentence(t, bad))
	kubectl(fmt.Sprintf(pod, "asked", "dev", clean.name()), dry).ok(t).told(t, "created (server dry run)")

	// A scan is started for a pod, not for a question.
	l.reconfigure(t, map[string]any{"startScan": true})
	const start = "ecr.StartImageScan"
	kubectl(fmt.Sprintf(pod, "asked", "dev", unscanned.name()), dry).refused(t, "image not ready: shop/new:1")
	if calls := l.aws.Calls()[start]; calls != 0 {
		t.Errorf("a dry run called StartImageScan %d times", calls)
	}
	kubectl(fmt.Sprintf(pod, "made", "dev", unscanned.name())).refused(t, "image not ready: shop/new:1")
	if calls := l.aws.Calls()[start]; calls != 1 {
		t.Errorf("creating the pod called StartImageScan %d times, want once", calls)
	}
	l.reconfigure(t, nil)

	// A ReplicaSet that there is no Event about yet: later ones would be counted with it.
	l.apply(t, fmt.Sprintf(deployment, "quiet", "team", clean.name())).ok(t)
	l.kubectl(t, "rollout", "status", "deployment/quiet", "--namespace=team", "--timeout=60s").ok(t)
	sets, err := l.Client.AppsV1().ReplicaSets("team").List(t.Context(), metav1.ListOptions{LabelSelector: "app=quiet"})
	if err != nil || len(sets.Items) != 1 {
		t.Fatalf("ReplicaSets of Deployment quiet: %v, %v", sets, err)
	}
	// The Event of the pod that is made comes after that of the one that was only asked about.
	kubectl(owned(sets.Items[0], "asked", worse), dry).ok(t).told(t, "Warning: ")
	kubectl(owned(sets.Items[0], "made", unscanned)).ok(t).told(t, "Warning: ")
	l.eventually(t, "the Event of the pod that was made", func(ctx context.Context) error {
		return l.eventAbout(ctx, "team", "ReplicaSet", "shop/new:1")
	})
	if l.eventAbout(t.Context(), "team", "ReplicaSet", "shop/legacy") == nil {
		t.Error("a dry run left an Event")
	}
}

// guarded: only named groups may change the labels that decide what is judged.
func guarded(t *testing.T, l *lab) {
	l.letEveryoneEditNamespaces(t)
	l.upgrade(t, map[string]any{"namespaceLabelGuard": map[string]any{
		"enabled": true, "allowedGroups": []any{"platform", "system:masters"}, "contact": "the platform team in #help",
	}})
	l.namespace(t, "guarded")
	bob := []string{"--as=bob", "--as-group=developers"}
	l.eventually(t, "the guard to be in force", func(context.Context) error {
		said := l.kubectl(t, append(bob, "label", "namespace", "guarded", "ecr-gate.dev/enforce=none", "--overwrite")...)
		if said.code == 0 {
			l.kubectl(t, "label", "namespace", "guarded", "ecr-gate.dev/enforce-").ok(t)
			return fmt.Errorf("bob may still change labels")
		}
		said.told(t, "Forbidden", "the platform team in #help")
		return nil
	})
	l.kubectl(t, append(bob, "label", "namespace", "guarded", "team=shop")...).ok(t)
	l.kubectl(t, "--as=alice", "--as-group=platform", "label", "namespace", "guarded", "ecr-gate.dev/enforce=auto").ok(t)
	l.kubectl(t, append(bob, "label", "namespace", "guarded", "ecr-gate.dev/enforce-")...).refused(t, "the platform team in #help")
	l.kubectl(t, "delete", "namespace", "guarded", "--timeout=30s").ok(t)
}

// letEveryoneEditNamespaces gives what many clusters give their developers.
func (l *lab) letEveryoneEditNamespaces(t *testing.T) {
	t.Helper()
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "namespace-editor"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get", "list", "update", "patch"}}},
	}
	if _, err := l.Client.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "system:authenticated"}},
	}
	if _, err := l.Client.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
