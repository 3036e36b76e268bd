package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// The attacks that other admission controllers were open to, each by the number it
// has in this project's test plan, with where it was exploited. Beside these:
// TestT13LargeBody, TestT16HostsThatAreNotECR, TestT32Overload, FuzzReview (T-15).

// T-01 CVE-2023-2727 (ImagePolicyWebhook): ephemeral containers were not looked at.
func TestT01EphemeralContainer(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	pod := with(podOf(l.images["clean"]), named("debug", l.images["bad"], 1), "spec", "ephemeralContainers")
	req := request(admissionv1.Update, "pods", pod, podOf(l.images["clean"]))
	req.SubResource = "ephemeralcontainers"
	wantDenied(t, l.ask(t, req), "image not allowed: ")
	req.SubResource = ""
	wantDenied(t, l.ask(t, req), "image not allowed: ")
	wantDenied(t, l.ask(t, create(pod)), "image not allowed: ")
}

// T-02 policy-controller#1974, kubernetes/website#55658: image volumes were out of scope.
func TestT02ImageVolume(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	pod := with(podOf(l.images["clean"]), imageVolume(l.images["bad"]), "spec", "volumes")
	wantDenied(t, l.ask(t, create(pod)), "image not allowed: ")
	for resource, spec := range workloads("") {
		raw := rawOf(map[string]any{"spec": spec}).Raw
		raw = bytes.Replace(raw, rawOf(podOf("")["spec"]).Raw, rawOf(pod["spec"]).Raw, 1)
		req := workload(admissionv1.Create, resource, spec)
		req.Object.Raw = raw
		if got := l.ask(t, req); len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], `its pods will be refused: image volume "assets"`) {
			t.Errorf("%s: %q", resource, got.Warnings)
		}
	}
}

// T-03 CVE-2022-47633 (Kyverno): a tag that moved between two looks was verified as
// one image and run as another. Digest and findings are of one resolution.
func TestT03TagMovesWhileItIsJudged(t *testing.T) {
	inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
		was := l.aws.PutImage(awslocal.Image{Repository: "shop/moving", Tags: []string{"1"}, Seed: "bad", Scans: []awslocal.Scan{
			{Status: "COMPLETE", CompletedAt: hourAgo(), Findings: []awslocal.Finding{{Name: "CVE-1", Severity: "CRITICAL"}}}}})
		now := l.aws.PutImage(awslocal.Image{Repository: "shop/moving", Seed: "clean", Scans: []awslocal.Scan{
			{Status: "COMPLETE", CompletedAt: hourAgo(), Findings: []awslocal.Finding{}}}})
		image := l.aws.RegistryHost() + "/shop/moving:1"
		l.aws.Inject(awslocal.Fault{Operation: "ecr.DescribeImageScanFindings", Latency: time.Second})
		answer := make(chan *admissionv1.AdmissionResponse)
		go func() { answer <- l.ask(t, create(podOf(image, image))) }()
		synctest.Wait() // the tag is resolved, the findings are under way
		l.aws.MoveTag("shop/moving", "1", now)
		got := <-answer
		wantDenied(t, got, "image not allowed: ")
		if want := "a=" + was + " Denied"; got.AuditAnnotations["images"] != want {
			t.Errorf("judged %s, want %s", got.AuditAnnotations["images"], want)
		}
		if n := l.aws.Calls()["ecr.BatchGetImage"]; n != 1 {
			t.Errorf("the tag was resolved %d times", n)
		}
	})
}

// T-04 CVE-2023-47630 (Kyverno): the registry answered with another digest than the
// one asked for.
func TestT04AnotherDigestThanAskedFor(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	bad, clean := l.digest(t, "bad"), l.digest(t, "clean")
	for name, answer := range map[string]string{
		"another":    fmt.Sprintf(`{"images":[{"imageId":{"imageDigest":%q},"imageManifest":"{}"}]}`, clean),
		"the forged": fmt.Sprintf(`{"images":[{"imageId":{"imageDigest":%q},"imageManifest":"{}"}]}`, bad),
		"none":       `{"images":[{"imageManifest":"{}"}]}`,
	} {
		l.put(name, nil)
		remove := l.aws.Inject(awslocal.Fault{Operation: "ecr.BatchGetImage", Garbage: []byte(answer)})
		image := fmt.Sprintf("%s/shop/t04-%d@%s", l.aws.RegistryHost(), len(name), bad)
		wantDenied(t, l.ask(t, create(podOf(image))), "could not check: ")
		remove()
	}
}

// T-05 CVE-2022-35930 (policy-controller): nothing of the wanted kind was a pass.
// TestScanStatus has every other status.
func TestT05NoFindingsIsNotClean(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	for status, start := range map[string]string{
		"PENDING": "image not ready: ", "FAILED": "could not check: ", "": "could not check: ", "DONE": "could not check: ",
	} {
		name := "t05-" + strings.ToLower(status) + "x"
		l.put(name, []awslocal.Scan{{Status: status, CompletedAt: hourAgo(), Findings: []awslocal.Finding{}, Counts: map[string]int{}}})
		wantDenied(t, l.ask(t, create(podOf(l.images[name]))), start)
	}
}

// T-06 CVE-2023-34091 (Kyverno): an object that is being deleted was not looked at.
func TestT06DeletionTimestamp(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	dying := func(image string) map[string]any {
		return with(with(podOf(image), "2026-11-24T12:00:00Z", "metadata", "deletionTimestamp"), []any{"a/b"}, "metadata", "finalizers")
	}
	wantDenied(t, l.ask(t, request(admissionv1.Update, "pods", dying(l.images["bad"]), podOf(l.images["clean"]))), "image not allowed: ")
	wantDenied(t, l.ask(t, create(dying(l.images["bad"]))), "image not allowed: ")
	wantAllowed(t, l.ask(t, request(admissionv1.Update, "pods", dying(l.images["bad"]), podOf(l.images["bad"]))))
	wantAllowed(t, l.ask(t, request(admissionv1.Delete, "pods", nil, podOf(l.images["bad"]))))
}

// T-07 CVE-2025-46342 (Kyverno): an error in finding the namespace's labels was
// swallowed, and no rule applied. A namespace and its first pod come in one second.
func TestT07NewNamespace(t *testing.T) {
	l, informer, live := newLab(t, webhook.Settings{Enforce: webhook.None}), newAPIServer(t), newAPIServer(t)
	l.handler.Namespaces = webhook.LabelReader{Informer: informer.reader(t), Live: live.reader(t)}
	live.namespaces["dev"] = map[string]string{webhook.EnforceLabel: "dev"}
	wantDenied(t, l.ask(t, create(podOf(l.images["bad"]))), "image not allowed: ")
	live.fail()
	wantDenied(t, l.ask(t, create(podOf(l.images["clean"]))), "could not check: the labels of namespace")
	informer.fail()
	wantDenied(t, l.ask(t, create(podOf(l.images["clean"]))), "could not check: the labels of namespace")
}

// T-08 kyverno#17139: the mend for labels became a call for every rule. A namespace
// that the informer holds costs no call, and a cached image none either.
func TestT08NoCallsOnTheHotPath(t *testing.T) {
	l, informer, live := newLab(t, webhook.Settings{}), newAPIServer(t), newAPIServer(t)
	l.handler.Namespaces = webhook.LabelReader{Informer: informer.reader(t), Live: live.reader(t)}
	l.handler.Pods = live.reader(t)
	informer.namespaces["dev"] = map[string]string{webhook.EnforceLabel: "dev"}
	wantAllowed(t, l.ask(t, create(podOf(l.images["clean"]))))
	l.aws.ResetCalls()
	for range 20 {
		wantAllowed(t, l.ask(t, create(podOf(l.images["clean"]))))
	}
	if calls := l.aws.Calls(); len(calls) > 0 || live.calls() > 0 {
		t.Errorf("AWS was asked %v, the API server %d times", calls, live.calls())
	}
}

// T-10 kyverno#16336: an annotation that the author of the object wrote was believed.
func TestT10NothingInTheObjectGrants(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	want := shown(t, l.ask(t, create(podOf(l.images["bad"]))))
	for _, key := range []string{
		webhook.EnforceLabel, webhook.WarnLabel, webhook.AuditLabel, "ecr-gate.dev/exempt", "ecr-gate.dev/verified",
		"kyverno.io/verify-images", "container.seccomp.security.alpha.kubernetes.io/a",
	} {
		for _, kind := range []string{"annotations", "labels"} {
			pod := with(podOf(l.images["bad"]), map[string]any{key: "none"}, "metadata", kind)
			if got := shown(t, l.ask(t, create(pod))); got != want {
				t.Errorf("%s %s: %s", kind, key, got)
			}
		}
	}
	for _, pod := range []map[string]any{
		with(podOf(l.images["bad"]), map[string]any{"phase": "Succeeded"}, "status"),
		with(podOf(l.images["bad"]), "kube-system", "metadata", "namespace"),
		with(podOf(l.images["bad"]), "system-node-critical", "spec", "priorityClassName"),
		with(podOf(l.images["bad"]), true, "spec", "hostNetwork"),
		with(podOf(l.images["bad"]), "mirror", "metadata", "annotations", "kubernetes.io/config.mirror"),
	} {
		if got := shown(t, l.ask(t, create(pod))); got != want {
			t.Errorf("%v: %s", pod, got)
		}
	}
}

// T-11 CVE-2021-25735 (Kubernetes): old and new object were mixed up. Containers are
// matched by name, so reordering them hides nothing.
func TestT11Reorder(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	clean, bad := l.images["clean"], l.images["bad"]
	reversed := func(pod map[string]any) map[string]any {
		list := pod["spec"].(map[string]any)["containers"].([]any)
		return with(pod, []any{list[1], list[0]}, "spec", "containers")
	}
	wantAllowed(t, l.ask(t, request(admissionv1.Update, "pods", reversed(podOf(clean, bad)), podOf(clean, bad))))
	wantDenied(t, l.ask(t, request(admissionv1.Update, "pods", reversed(podOf(bad, clean)), podOf(clean, bad))), "image not allowed: ")
	// The old object is not what is let in: from bad to clean passes, the reverse does not.
	wantAllowed(t, l.ask(t, request(admissionv1.Update, "pods", podOf(clean), podOf(bad))))
	wantDenied(t, l.ask(t, request(admissionv1.Update, "pods", podOf(bad), podOf(clean))), "image not allowed: ")
}

// T-12 CVE-2025-1974 (ingress-nginx): any pod could post to the webhook's port. Who
// does gets no secret for it, and what it may make AWS be asked is bounded.
func TestT12PostFromAPod(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	var group sync.WaitGroup
	for i := range 60 {
		group.Go(func() {
			image := l.aws.RegistryHost() + "/shop/guessed:1"
			if i%2 == 0 {
				image = l.images["bad"]
			}
			body, err := json.Marshal(l.ask(t, create(podOf(image))))
			if err != nil {
				t.Error(err)
			}
			for _, secret := range l.aws.Environment() {
				if _, value, _ := strings.Cut(secret, "="); len(value) > 12 && bytes.Contains(body, []byte(value)) {
					t.Errorf("the answer holds %s", secret)
				}
			}
		})
	}
	group.Wait()
	if calls := l.aws.Calls(); calls["ecr.BatchGetImage"] != 2 || calls["ecr.DescribeImageScanFindings"] != 1 {
		t.Errorf("60 reviews of 2 images asked AWS %v", calls)
	}
}

// T-14 CVE-2023-42813 to -42816 (Kyverno), CVE-2023-46737 (cosign): a registry
// answered without end.
func TestT14EndlessRegistry(t *testing.T) {
	inBubble(t, webhook.Settings{}, func(t *testing.T, l *lab) {
		children := make([]string, 10_000)
		for i := range children {
			children[i] = fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%064x","platform":{"os":"linux","architecture":"amd64"}}`, i)
		}
		index := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` + strings.Join(children, ",") + "]}"
		many := make([]awslocal.Finding, 1_100)
		for i := range many {
			many[i] = awslocal.Finding{Name: fmt.Sprintf("CVE-2026-%d", i), Severity: "LOW"}
		}
		l.aws.PutImage(awslocal.Image{Repository: "shop/children", Tags: []string{"1"}, Manifest: []byte(index)})
		l.aws.PutImage(awslocal.Image{Repository: "shop/large", Tags: []string{"1"}, Manifest: []byte(`{"schemaVersion":2,"x":"` + strings.Repeat("x", 4<<20) + `"}`)})
		l.aws.PutImage(awslocal.Image{Repository: "shop/pages", Tags: []string{"1"}, Scans: []awslocal.Scan{
			{Status: "COMPLETE", CompletedAt: hourAgo(), Findings: many, PageSize: 1}}})
		for name, text := range map[string]string{"children": "lists more than", "large": "larger than 4 MiB", "pages": "pages of findings"} {
			l.aws.ResetCalls()
			got := l.ask(t, create(podOf(l.aws.RegistryHost()+"/shop/"+name+":1")))
			wantDenied(t, got, "could not check: ")
			if !strings.Contains(got.Result.Message, text) || l.aws.Calls()["ecr.DescribeImageScanFindings"] > 1_000 {
				t.Errorf("%s: %s, %v", name, got.Result.Message, l.aws.Calls())
			}
		}
	})
}

// T-20 Portieris and StackRox: a pod that names an owner, be it a made-up one, was
// not looked at.
func TestT20OwnerReferences(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	want := shown(t, l.ask(t, create(podOf(l.images["bad"]))))
	for _, owner := range []map[string]any{
		{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7c9", "uid": "3f", "controller": true},
		{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "no-such", "uid": "", "controller": true},
		{"apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": "1", "controller": true},
		{"apiVersion": "batch/v1", "kind": "Job", "name": "x", "uid": "1"},
		{},
	} {
		pod := with(podOf(l.images["bad"]), []any{owner}, "metadata", "ownerReferences")
		if got := shown(t, l.ask(t, create(pod))); got != want {
			t.Errorf("%v: %s", owner, got)
		}
	}
}

// T-21 StackRox: the service accounts of system namespaces, which the controllers
// run as, were exempt.
func TestT21ServiceAccounts(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	want := shown(t, l.ask(t, create(podOf(l.images["bad"]))))
	for _, user := range []authenticationv1.UserInfo{
		{Username: "system:serviceaccount:kube-system:replicaset-controller", Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system"}},
		{Username: "system:kube-controller-manager"},
		{Username: "system:node:node-1", Groups: []string{"system:nodes"}},
		{Username: "kubernetes-admin", Groups: []string{"system:masters"}},
		{Username: "ecr-gate", Extra: map[string]authenticationv1.ExtraValue{webhook.EnforceLabel: {"none"}}},
	} {
		req := create(podOf(l.images["bad"]))
		req.UserInfo = user
		if got := shown(t, l.ask(t, req)); got != want {
			t.Errorf("%s: %s", user.Username, got)
		}
	}
}

// T-22 StackRox, Kritis, Anchore: an annotation that any author may write broke the
// glass.
func TestT22BreakGlass(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	want := shown(t, l.ask(t, create(podOf(l.images["bad"]))))
	for _, key := range []string{
		"admission.stackrox.io/break-glass", "kritis.grafeas.io/breakglass", "alpha.image-policy.k8s.io/break-glass",
		"image-policy.k8s.io/break-glass", "ecr-gate.dev/break-glass", "breakglass",
	} {
		for _, kind := range []string{"annotations", "labels"} {
			pod := with(podOf(l.images["bad"]), map[string]any{key: "true"}, "metadata", kind)
			if got := shown(t, l.ask(t, create(pod))); got != want {
				t.Errorf("%s: %s", key, got)
			}
		}
	}
}

// T-23 policy-controller: an update that scales down was let pass, with a new image
// in it.
func TestT23ScaleDownWithANewImage(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	scaled := func(replicas int, image string) any {
		return map[string]any{"spec": map[string]any{"replicas": replicas, "template": map[string]any{"spec": podOf(image)["spec"]}}}
	}
	got := l.ask(t, request(admissionv1.Update, "deployments", scaled(1, l.images["bad"]), scaled(5, l.images["clean"])))
	if !got.Allowed || len(got.Warnings) != 1 {
		t.Errorf("allowed %t, %q", got.Allowed, got.Warnings)
	}
	wantDenied(t, l.ask(t, create(owned(podOf(l.images["bad"])))), "image not allowed: ")
}

// T-24 Anchore, Kritis: what no rule matched was let pass without a word. Every kind
// of request has a decision here.
func TestT24UnknownRequests(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	edit := func(change func(*admissionv1.AdmissionRequest)) admissionv1.AdmissionRequest {
		req := create(podOf(l.images["bad"]))
		change(&req)
		return req
	}
	finalize := namespaced(admissionv1.Update, map[string]string{webhook.EnforceLabel: "no-such"}, nil)
	finalize.SubResource = "finalize"
	scale := deployment(l.images["bad"])
	scale.SubResource = "scale"
	type decision string
	const (
		refused decision = "refused"
		unclear decision = "unclear" // refused, for nobody can tell what it is
		warned  decision = "warned"
		passes  decision = "passes"
	)
	for name, c := range map[string]struct {
		req  admissionv1.AdmissionRequest
		want decision
	}{
		"no resource":          {edit(func(r *admissionv1.AdmissionRequest) { r.Resource.Resource = "" }), unclear},
		"no operation":         {edit(func(r *admissionv1.AdmissionRequest) { r.Operation = "" }), unclear},
		"an operation of 2030": {edit(func(r *admissionv1.AdmissionRequest) { r.Operation = "TELEPORT" }), unclear},
		"no resource, deleted": {edit(func(r *admissionv1.AdmissionRequest) { r.Resource.Resource, r.Operation = "", admissionv1.Delete }), unclear},
		"another group's pods": {edit(func(r *admissionv1.AdmissionRequest) { r.Resource.Group = "example.org" }), warned},
		"another resource":     {edit(func(r *admissionv1.AdmissionRequest) { r.Resource.Resource = "services" }), warned},
		"a rollout": {edit(func(r *admissionv1.AdmissionRequest) {
			r.Resource.Group, r.Resource.Resource = "argoproj.io", "rollouts"
		}), warned},
		"an old group": {edit(func(r *admissionv1.AdmissionRequest) {
			r.Resource.Group, r.Resource.Resource = "extensions", "deployments"
		}), warned},
		"pods/status":            {edit(func(r *admissionv1.AdmissionRequest) { r.SubResource = "status" }), passes},
		"pods/resize":            {edit(func(r *admissionv1.AdmissionRequest) { r.SubResource = "resize" }), passes},
		"pods/binding":           {edit(func(r *admissionv1.AdmissionRequest) { r.SubResource = "binding" }), passes},
		"pods/eviction":          {edit(func(r *admissionv1.AdmissionRequest) { r.SubResource = "eviction" }), passes},
		"pods/of 2030":           {edit(func(r *admissionv1.AdmissionRequest) { r.SubResource = "newcontainers" }), refused},
		"deployments/scale":      {scale, passes},
		"namespaces/finalize":    {finalize, passes},
		"a pod deleted":          {edit(func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Delete }), passes},
		"kubectl exec":           {edit(func(r *admissionv1.AdmissionRequest) { r.Operation, r.SubResource = admissionv1.Connect, "exec" }), passes},
		"a pod of version v2":    {edit(func(r *admissionv1.AdmissionRequest) { r.Resource.Version = "v2" }), refused},
		"a kind of another name": {edit(func(r *admissionv1.AdmissionRequest) { r.Kind.Kind = "Service" }), refused},
	} {
		got := l.ask(t, c.req)
		have := refused
		switch {
		case got.Allowed && len(got.Warnings) > 0:
			have = warned
		case got.Allowed:
			have = passes
		case got.Result.Code == http.StatusBadRequest:
			have = unclear
		}
		if have != c.want {
			t.Errorf("%s: %s, want %s: %q, %+v", name, have, c.want, got.Warnings, got.Result)
		}
	}
	if len(l.aws.Calls()) != 2 { // for what is refused
		t.Errorf("AWS was asked %v", l.aws.Calls())
	}
}

// T-25 Ratify, the AWS sample: only the first page, or the first of two lists, was read.
func TestT25LastPage(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	findings := []awslocal.EnhancedFinding{{ID: "CVE-1", Severity: "LOW"}, {ID: "CVE-2", Severity: "LOW"}, {ID: "CVE-3", Severity: "CRITICAL"}}
	scan := awslocal.Scan{Status: "ACTIVE", CompletedAt: hourAgo(), EnhancedFindings: findings, PageSize: 1, NoCounts: true}
	l.put("pages", []awslocal.Scan{scan})
	wantDenied(t, l.ask(t, create(podOf(l.images["pages"]))), "image not allowed: ")
	l.put("cut", []awslocal.Scan{scan})
	l.aws.Inject(awslocal.Fault{Operation: "ecr.DescribeImageScanFindings", After: 1, Code: "AccessDeniedException"})
	wantDenied(t, l.ask(t, create(podOf(l.images["cut"]))), "could not check: ")
}

// T-26 Ratify: a time of creation that anybody could write was believed. A scan of
// the future is not fresh.
func TestT26ScanOfTheFuture(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	judge := l.handler.Gate.(*gate.Gate)
	judge.Policies[0].MaxScanAge = 24 * time.Hour
	at := func(name string, at time.Time) string {
		l.put(name, []awslocal.Scan{{Status: "COMPLETE", CompletedAt: at, Findings: []awslocal.Finding{}}})
		return l.images[name]
	}
	wantAllowed(t, l.ask(t, create(podOf(at("fresh", hourAgo())))))
	for name, then := range map[string]time.Time{"tomorrow": time.Now().Add(24 * time.Hour), "old": time.Now().Add(-48 * time.Hour)} {
		if got := l.ask(t, create(podOf(at(name, then)))); got.Allowed {
			t.Errorf("a scan of %s is fresh", name)
		}
	}
}

// T-27 Portieris: the verdict was by tag, what was pinned by another digest. The
// digest that the audit log names is the one whose findings were read.
func TestT27DigestOfTheVerdict(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	for name := range l.images {
		digest := l.aws.PutImage(awslocal.Image{Repository: "shop/" + name, Tags: []string{"2"}, Seed: "2", Scans: []awslocal.Scan{{Status: "PENDING"}}})
		l.aws.ResetCalls()
		got := l.ask(t, create(podOf(strings.TrimSuffix(l.images[name], "1.4")+"2")))
		asked := l.aws.Requests("ecr.DescribeImageScanFindings")
		if len(asked) != 1 || !strings.HasPrefix(got.AuditAnnotations["images"], "a="+digest+" ") {
			t.Fatalf("%s: %d looks, %q", name, len(asked), got.AuditAnnotations["images"])
		}
		if id, _ := asked[0].Body["imageId"].(map[string]any); id["imageDigest"] != digest || id["imageTag"] != nil {
			t.Errorf("%s: asked for %v", name, id)
		}
	}
}

// T-28 Connaisseur: a verdict was kept by the image's name, and another rule for it
// not seen. What is kept is facts.
func TestT28VerdictsAreNotKept(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	bad := create(podOf(l.images["bad"]))
	l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: "dev"}}
	wantDenied(t, l.ask(t, bad), "image not allowed: ")
	l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: "lax"}}
	wantAllowed(t, l.ask(t, bad))
	l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: "dev"}}
	wantDenied(t, l.ask(t, bad), "image not allowed: ")
	l.handler.Namespaces = labels{"dev": {webhook.EnforceLabel: "none"}}
	wantAllowed(t, l.ask(t, bad))
}

// T-29 Portieris: an error was answered, and the review went on all the same. Here
// it ends it: AWS is not asked, and there is one answer.
func TestT29ErrorsEndTheReview(t *testing.T) {
	l := newLab(t, webhook.Settings{})
	l.handler.Namespaces = labels{}
	wantDenied(t, l.ask(t, create(podOf(l.images["clean"]))), "could not check: ")
	l.handler.Namespaces = nil
	broken := create(podOf(l.images["clean"]))
	broken.Object.Raw = []byte(`{"spec":{"containers":[{"name":"a","image":"` + l.images["clean"] + `"},7]}}`)
	status, answer := l.post(t, reviewOf(t, broken), "application/json", "10s")
	wantNo(t, status, answer)
	if n := bytes.Count(answer, []byte(`"allowed"`)); n != 1 {
		t.Errorf("%d answers: %s", n, answer)
	}
	if calls := l.aws.Calls(); len(calls) > 0 {
		t.Errorf("AWS was asked %v", calls)
	}
}
