package webhook_test

import (
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/client-go/tools/events"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// owned makes a ReplicaSet the pod's controller, beside another owner.
func owned(pod map[string]any) map[string]any {
	return with(pod, []any{
		map[string]any{"apiVersion": "example.org/v1", "kind": "Budget", "name": "shop", "uid": "2"},
		map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7c9", "uid": "3f", "controller": true},
	}, "metadata", "ownerReferences")
}

// What is let in with a warning, or for the audit log only, is told where the
// team looks: at what made the pod.
func TestEvents(t *testing.T) {
	for name, c := range map[string]struct {
		settings webhook.Settings
		image    string
		want     string // how the Event starts; empty: none
	}{
		"warn":             {webhook.Settings{Enforce: webhook.None, Warn: "dev"}, "bad", "Warning ImageNotAllowed image not allowed: shop/bad:1.4"},
		"audit":            {webhook.Settings{Enforce: "lax", Audit: "dev"}, "bad", "Warning ImageNotAllowed image not allowed: shop/bad:1.4"},
		"warn, no scan":    {webhook.Settings{Enforce: webhook.None, Warn: "dev"}, "unscanned", "Warning ImageNotReady image not ready: "},
		"let in unchecked": {webhook.Settings{OnUnavailable: webhook.Warn}, "expired", "Warning ImageNotChecked could not check: "},
		"refused":          {webhook.Settings{Audit: "dev", Warn: "dev"}, "bad", ""},
		"clean":            {webhook.Settings{Audit: "dev", Warn: "dev"}, "clean", ""},
		"none":             {webhook.Settings{Enforce: webhook.None}, "bad", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, c.settings)
			recorder := events.NewFakeRecorder(10)
			l.handler.Events = recorder
			l.ask(t, create(owned(podOf(l.images[c.image]))))
			got := ""
			if len(recorder.Events) > 0 {
				got = <-recorder.Events
			}
			if len(recorder.Events) > 0 || (got != "") != (c.want != "") || !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q and %d more, want %q", got, len(recorder.Events), c.want)
			}
		})
	}
}

// Whoever posts to the port can have Events written, and not any number: past a
// hundred at once there are five a second. The answer is the same without.
func TestEventsAreBounded(t *testing.T) {
	inBubble(t, webhook.Settings{Enforce: webhook.None, Warn: "dev"}, func(t *testing.T, l *lab) {
		recorder := events.NewFakeRecorder(1000)
		l.handler.Events = recorder
		ask := func(times int) {
			t.Helper()
			for range times {
				if got := l.ask(t, create(owned(podOf(l.images["bad"])))); !got.Allowed || len(got.Warnings) != 1 {
					t.Fatalf("allowed %t, %q", got.Allowed, got.Warnings)
				}
			}
		}
		began := time.Now()
		ask(150)
		if took := time.Since(began); took > 0 {
			t.Fatalf("it took %s", took)
		}
		if n := len(recorder.Events); n != 100 {
			t.Errorf("%d Events at once", n)
		}
		pass(2 * time.Second)
		ask(50)
		if n := len(recorder.Events); n != 110 {
			t.Errorf("%d Events two seconds later", n)
		}
	})
}

// An owner or a namespace of a length that no API server takes gets no Event, and costs
// the others none: the name would be kept for an hour.
func TestEventsOfWhatCannotBe(t *testing.T) {
	inBubble(t, webhook.Settings{Enforce: webhook.None, Warn: "dev"}, func(t *testing.T, l *lab) {
		recorder := events.NewFakeRecorder(1000)
		l.handler.Events = recorder
		ask := func(namespace string, edit map[string]int) {
			t.Helper()
			owner := map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7c9", "uid": "3f", "controller": true}
			for member, length := range edit {
				owner[member] = strings.Repeat("x", length)
			}
			req := create(with(podOf(l.images["bad"]), []any{owner}, "metadata", "ownerReferences"))
			req.Namespace = namespace
			if got := l.ask(t, req); !got.Allowed || len(got.Warnings) != 1 {
				t.Errorf("allowed %t, %q", got.Allowed, got.Warnings)
			}
		}
		most := map[string]int{"name": 253, "kind": 63, "apiVersion": 317, "uid": 64}
		for member, length := range most {
			for range 100 { // as many as there may be Events at once
				ask("dev", map[string]int{member: length + 1})
			}
			ask("dev", map[string]int{member: 1400 << 10})
		}
		ask(strings.Repeat("x", 64), nil)
		if n := len(recorder.Events); n > 0 {
			t.Errorf("%d Events: %.200s", n, <-recorder.Events)
		}
		ask(strings.Repeat("x", 63), most)
		if n := len(recorder.Events); n != 1 {
			t.Errorf("%d Events of the longest owner", n)
		}
	})
}

// Nobody is told of a dry run, nor of a pod that belongs to nobody.
func TestNoEvents(t *testing.T) {
	l := newLab(t, webhook.Settings{Enforce: webhook.None, Warn: "dev"})
	recorder := events.NewFakeRecorder(10)
	l.handler.Events = recorder
	dry := create(owned(podOf(l.images["bad"])))
	dry.DryRun = new(true)
	for name, req := range map[string]admissionv1.AdmissionRequest{
		"dry run":  dry,
		"bare pod": create(podOf(l.images["bad"])),
		"an owner that is no controller": create(with(podOf(l.images["bad"]), []any{
			map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1", "controller": false},
		}, "metadata", "ownerReferences")),
		"template": deployment(l.images["bad"]),
	} {
		if got := l.ask(t, req); !got.Allowed || len(got.Warnings) != 1 {
			t.Errorf("%s: allowed %t, %q", name, got.Allowed, got.Warnings)
		}
		if len(recorder.Events) > 0 {
			t.Errorf("%s: %q", name, <-recorder.Events)
		}
	}
}

// The Event is of the controller, in the request's namespace, and fits.
func TestEventIsWrittenToTheController(t *testing.T) {
	l, cluster := newLab(t, webhook.Settings{Enforce: webhook.None, Audit: "dev"}), newAPIServer(t)
	l.handler.Events = cluster.recorder(t)
	pod := owned(podOf(l.images["bad"], l.images["worse"], l.images["pending"], l.images["scratch"]))
	got := l.ask(t, create(with(pod, "elsewhere", "metadata", "namespace")))
	wantAllowed(t, got)
	e := cluster.written(t)
	about := e.Regarding
	if about.Kind != "ReplicaSet" || about.APIVersion != "apps/v1" || about.Name != "web-7c9" || about.UID != "3f" || about.Namespace != "dev" {
		t.Errorf("the Event is about %+v", about)
	}
	if e.Namespace != "dev" || e.Type != "Warning" || e.Reason != "ImageNotAllowed" || e.Action != "AdmitPod" {
		t.Errorf("%s: %s %s %s", e.Namespace, e.Type, e.Reason, e.Action)
	}
	if len(e.Note) > 1024 || e.Note != got.AuditAnnotations["audit-violations"] {
		t.Errorf("%d bytes: %s", len(e.Note), e.Note)
	}
}

// A dry run has the same answer, and nothing comes of it: no scan is started.
func TestDryRun(t *testing.T) {
	l := newLab(t, webhook.Settings{Enforce: "starting"})
	l.handler.Events = events.NewFakeRecorder(0) // would block
	for name := range l.images {
		t.Run(name, func(t *testing.T) {
			req := create(owned(podOf(l.images[name])))
			req.DryRun = new(true)
			l.aws.ResetCalls()
			dry := shown(t, l.ask(t, req))
			if n := l.aws.Calls()["ecr.StartImageScan"]; n > 0 {
				t.Errorf("%d scans were started", n)
			}
			if real := shown(t, l.ask(t, create(owned(podOf(l.images[name]))))); real != dry {
				t.Errorf("dry run:\n%s\notherwise:\n%s", dry, real)
			}
			if started := l.aws.Calls()["ecr.StartImageScan"] > 0; started != (name == "unscanned") {
				t.Errorf("a scan was started: %t", started)
			}
		})
	}
	if !strings.Contains(l.log.String(), `"dryRun":true`) {
		t.Error("the log does not tell dry runs apart")
	}
}

// A dry run of a template does as little.
func TestDryRunOfATemplate(t *testing.T) {
	l := newLab(t, webhook.Settings{Enforce: "starting"})
	l.put("other", nil)
	req := deployment(l.images["other"])
	req.DryRun = new(true)
	if got := l.ask(t, req); len(got.Warnings) != 1 || l.aws.Calls()["ecr.StartImageScan"] > 0 {
		t.Errorf("%q %v", got.Warnings, l.aws.Calls())
	}
	l.aws.SetScans("shop/other", l.digest(t, "other"), awslocal.Scan{Error: "ScanNotFoundException"})
	req.DryRun = nil
	l.ask(t, req)
	if n := l.aws.Calls()["ecr.StartImageScan"]; n != 1 {
		t.Errorf("%d scans were started", n)
	}
}

// Where there is no cluster to tell, nobody is told, and the pod is let in all the
// same.
func TestNoClusterNoEvent(t *testing.T) {
	l := newLab(t, webhook.Settings{Enforce: webhook.None, Warn: "dev"})
	got := l.ask(t, create(owned(podOf(l.images["bad"]))))
	wantAllowed(t, got)
	if len(got.Warnings) != 1 {
		t.Errorf("%q", got.Warnings)
	}
}
