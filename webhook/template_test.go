package webhook_test

import (
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// workloads are all kinds that make pods, by resource.
func workloads(image string) map[string]map[string]any {
	template := map[string]any{"template": map[string]any{"spec": podOf(image)["spec"]}}
	list := map[string]map[string]any{"cronjobs": {"jobTemplate": map[string]any{"spec": template}}}
	for _, resource := range []string{"deployments", "statefulsets", "daemonsets", "replicasets", "jobs", "replicationcontrollers"} {
		list[resource] = template
	}
	return list
}

func workload(op admissionv1.Operation, resource string, spec map[string]any) admissionv1.AdmissionRequest {
	return request(op, resource, map[string]any{"metadata": map[string]any{"name": "web"}, "spec": spec}, nil)
}

// Every kind of workload is warned about and let in: what it makes are pods.
func TestTemplates(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	for resource, spec := range workloads(l.images["bad"]) {
		for _, op := range []admissionv1.Operation{admissionv1.Create, admissionv1.Update} {
			got := l.ask(t, workload(op, resource, spec))
			wantAllowed(t, got)
			if len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], `its pods will be refused: container "a": image not allowed: shop/bad:1.4`) {
				t.Errorf("%s %s: %q", op, resource, got.Warnings)
			}
		}
	}
	for resource, spec := range workloads(l.images["clean"]) {
		if got := l.ask(t, workload(admissionv1.Create, resource, spec)); !got.Allowed || len(got.Warnings) > 0 {
			t.Errorf("clean %s: allowed %t, %q", resource, got.Allowed, got.Warnings)
		}
	}
}

// Every place of a template is read, as of a pod.
func TestEveryPlaceOfATemplate(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	clean, bad := l.images["clean"], l.images["bad"]
	for name, pod := range map[string]map[string]any{
		"init container": with(podOf(clean), named("setup", bad, 1), "spec", "initContainers"),
		"image volume":   with(podOf(clean), imageVolume(bad), "spec", "volumes"),
		"container":      podOf(clean, bad),
	} {
		spec := map[string]any{"template": map[string]any{"spec": pod["spec"]}}
		got := l.ask(t, workload(admissionv1.Create, "deployments", spec))
		if len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], "its pods will be refused: "+name) {
			t.Errorf("%s: %q", name, got.Warnings)
		}
	}
}

// Nothing makes a workload be rejected: no outage, no garbage, no namespace that
// nobody knows, no overload.
func TestTemplatesAreNeverRejected(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	l.aws.Inject(awslocal.Fault{Operation: "*", Code: "AccessDeniedException"})
	for resource, spec := range workloads(l.images["bad"]) {
		got := l.ask(t, workload(admissionv1.Create, resource, spec))
		wantAllowed(t, got)
		if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "could not check: ") {
			t.Errorf("%s in an outage: %q", resource, got.Warnings)
		}
		for _, object := range []string{`null`, `{}`, `[]`, `"x"`, `{"spec":7}`, `{"spec":{"template":{"spec":{"containers":7}}}}`} {
			req := workload(admissionv1.Create, resource, spec)
			req.Object.Raw = []byte(object)
			if got := l.ask(t, req); !got.Allowed || len(got.Warnings) > 0 {
				t.Errorf("%s %s: allowed %t, %q", resource, object, got.Allowed, got.Warnings)
			}
		}
	}
	l.handler.Namespaces = labels{}
	if got := l.ask(t, deployment(l.images["bad"])); !got.Allowed || len(got.Warnings) > 0 {
		t.Errorf("no namespace: allowed %t, %q", got.Allowed, got.Warnings)
	}
}

// Placeholders that a mutating webhook replaces (Istio's is auto) are not warned
// about.
func TestTemplatePlaceholders(t *testing.T) {
	l := newLab(t, webhook.Settings{NonECRImages: webhook.Deny})
	l.handler.Namespaces = panicking{} // not needed for these
	for _, image := range []string{"auto", "", "{{ .Values.image }}"} {
		if got := l.ask(t, deployment(image)); !got.Allowed || len(got.Warnings) > 0 {
			t.Errorf("%q: allowed %t, %q", image, got.Allowed, got.Warnings)
		}
	}
	l.handler.Namespaces = nil
	if got := l.ask(t, deployment("auto", l.images["bad"])); len(got.Warnings) != 1 {
		t.Errorf("beside a placeholder: %q", got.Warnings)
	}
}

// Where nothing is enforced the warn mode speaks, and where nothing holds nobody.
func TestTemplatesFollowTheLabels(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	for value, want := range map[string]string{"none": "", "lax": "", "dev": "its pods will be refused: "} {
		l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: value}}
		got := l.ask(t, deployment(l.images["bad"]))
		if len(got.Warnings) > 0 != (want != "") || len(got.Warnings) > 0 && !strings.HasPrefix(got.Warnings[0], want) {
			t.Errorf("%s: %q", value, got.Warnings)
		}
	}
	l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: "none", webhook.WarnLabel: "dev"}}
	if got := l.ask(t, deployment(l.images["bad"])); len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], "let in") {
		t.Errorf("warn: %q", got.Warnings)
	}
}

// By the time the pods come their scans are in the cache.
func TestTemplatePrefetches(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	l.ask(t, deployment(l.images["clean"], l.images["bad"]))
	l.aws.ResetCalls()
	wantAllowed(t, l.ask(t, create(podOf(l.images["clean"]))))
	wantDenied(t, l.ask(t, create(podOf(l.images["bad"]))), "image not allowed: ")
	if calls := l.aws.Calls(); len(calls) > 0 {
		t.Errorf("AWS was asked %v", calls)
	}
}
