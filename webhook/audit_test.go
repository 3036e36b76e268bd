package webhook_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// The audit log learns under which policy, which digest stood for each image and
// what became of it, whether the pod was let in or not.
func TestAuditAnnotations(t *testing.T) {
	l := newLab(t, webhook.Settings{Enforce: "dev", Audit: "lax", OnUnavailable: webhook.Warn})
	clean, worse := l.digest(t, "clean"), l.digest(t, "worse")
	for name, c := range map[string]struct {
		images []string
		want   map[string]string
		error  bool
	}{
		"clean":     {[]string{"clean"}, map[string]string{"enforce-policy": "dev", "images": "a=" + clean + " Allowed"}, false},
		"refused":   {[]string{"clean", "worse"}, map[string]string{"enforce-policy": "dev", "images": "a=" + clean + " Allowed, b=" + worse + " Denied"}, false},
		"unchecked": {[]string{"expired"}, map[string]string{"enforce-policy": "dev", "audit-policy": "lax"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got := l.ask(t, pods(c.images...)(l)).AuditAnnotations
			for key, want := range c.want {
				if got[key] != want {
					t.Errorf("%s: got %q, want %q", key, got[key], want)
				}
			}
			if strings.HasPrefix(got["error"], "could not check: ") != c.error {
				t.Errorf("error: %q", got["error"])
			}
		})
	}
	// Images of other registries are no error of anybody's.
	if got := l.ask(t, create(podOf("nginx"))).AuditAnnotations; got["error"] != "" {
		t.Errorf("error: %q", got["error"])
	}
}

// Every verdict leaves one line that leads from the review to the digest.
func TestLogLines(t *testing.T) {
	l := newLab(t, webhook.Settings{Enforce: "dev", Audit: "lax"})
	l.aws.Inject(awslocal.Fault{Operation: "ecr.DescribeImageScanFindings", After: 2, Code: "AccessDeniedException"})
	bad := l.digest(t, "bad")
	worse := l.digest(t, "worse")
	l.log.Reset()
	pod := with(podOf(l.images["bad"]), imageVolume(l.images["expired"]), "spec", "volumes")
	l.ask(t, create(with(pod, map[string]any{"generateName": "web-"}, "metadata")))
	lines := map[string]map[string]any{}
	for line := range strings.Lines(l.log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if entry["msg"] != "verdict" || entry["door"] != "webhook" || entry["requestId"] != "1f0a9b1e-0000-4000-8000-000000000001" ||
			entry["namespace"] != "dev" || entry["pod"] != "web-" {
			t.Errorf("%s", line)
		}
		image, _ := entry["image"].(string)
		policy, _ := entry["policy"].(string)
		lines[policy+" "+image] = entry
	}
	for key, want := range map[string]map[string]any{
		"dev " + l.images["bad"]:     {"level": "INFO", "digest": bad, "outcome": "Denied", "at": `container "a"`},
		"lax " + l.images["bad"]:     {"level": "INFO", "digest": bad, "outcome": "Allowed", "at": `container "a"`},
		"dev " + l.images["expired"]: {"level": "WARN", "outcome": "Unavailable", "at": `image volume "assets"`},
		"lax " + l.images["expired"]: {"level": "WARN", "outcome": "Unavailable", "at": `image volume "assets"`},
	} {
		for attribute, value := range want {
			if got := lines[key][attribute]; got != value {
				t.Errorf("%s: %s is %v, want %v", key, attribute, got, value)
			}
		}
	}
	if len(lines) != 4 || worse == bad {
		t.Errorf("%d lines", len(lines))
	}
	if failed, _ := lines["dev "+l.images["expired"]]["error"].(string); !strings.Contains(failed, "AccessDenied") {
		t.Errorf("what lies beneath is not in the log: %q", failed)
	}
}
