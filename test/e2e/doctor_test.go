package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
)

// askDoctor types `ecr-gate doctor` as the administrator, with the release's own
// configuration.
func (l *lab) askDoctor(t *testing.T, image string) said {
	t.Helper()
	config := l.kubectl(t, "get", "configmap", "--namespace="+releaseNamespace, "--selector=app.kubernetes.io/instance="+release,
		`--output=jsonpath={.items[0].data.config\.yaml}`).ok(t).out
	file := filepath.Join(l.bed.Home, "config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return l.command(t, "", l.bed.gate(), "doctor", "--config="+file, "--namespace="+releaseNamespace, image)
}

// consulted: doctor finds nothing to mend in a cluster that works, and names each
// harm that is done to it.
func consulted(t *testing.T, l *lab) {
	l.askDoctor(t, clean.name()).ok(t).told(t, "ok       review: ", "through the API server", "dev (enforce auto", "days left")

	l.namespace(t, "misspelt")
	l.kubectl(t, "label", "namespace", "misspelt", "ecr-gate.dev/enforce=nope").ok(t)
	l.askDoctor(t, clean.name()).refused(t, "misspelt", "nope")
	l.kubectl(t, "delete", "namespace", "misspelt", "--wait=false").ok(t)

	l.scale(t, 0)
	l.askDoctor(t, clean.name()).refused(t, "no replica is ready")
	l.scale(t, 2)
	l.answers(t)

	// As the pod itself sees it: it may read little of the cluster, and says so.
	inside := l.kubectl(t, "exec", "deployment/"+release, "--namespace="+releaseNamespace, "--",
		"/ecr-gate", "doctor", "--config=/etc/ecr-gate/config.yaml", clean.name())
	if inside.code != 3 && inside.code != 0 {
		t.Errorf("exit %d\n%s%s", inside.code, inside.out, inside.err)
	}
	inside.told(t, "ok       ecr:BatchGetImage: allowed", "ok       ecr:DescribeImageScanFindings: allowed")
}
