package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// sum adds up a metric over all its series that have these labels.
func sum(t *testing.T, exposition []byte, name string, labels ...string) float64 {
	t.Helper()
	total := 0.0
series:
	for lines := bufio.NewScanner(bytes.NewReader(exposition)); lines.Scan(); {
		line := lines.Text()
		if !strings.HasPrefix(line, name+"{") && !strings.HasPrefix(line, name+" ") {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(line, label) {
				continue series
			}
		}
		value, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		total += value
	}
	return total
}

// apiServerMetrics are the numbers of who calls the webhooks.
func (l *lab) apiServerMetrics(t *testing.T) []byte {
	t.Helper()
	raw, err := l.Client.CoreV1().RESTClient().Get().AbsPath("/metrics").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// reviews is how many reviews the API server has sent.
func (l *lab) reviews(t *testing.T) float64 {
	t.Helper()
	return sum(t, l.apiServerMetrics(t), "apiserver_admission_webhook_request_total")
}

// lostReviews is how many it could not get answered, whatever it did then.
func (l *lab) lostReviews(t *testing.T) float64 {
	t.Helper()
	metrics := l.apiServerMetrics(t)
	return sum(t, metrics, "apiserver_admission_webhook_rejection_count", `error_type="calling_webhook_error"`) +
		sum(t, metrics, "apiserver_admission_webhook_fail_open_count")
}

// gateMetrics are one pod's numbers.
func (l *lab) gateMetrics(t *testing.T, pod corev1.Pod) []byte {
	t.Helper()
	raw, err := l.Client.CoreV1().Pods(pod.Namespace).ProxyGet("http", pod.Name, "8080", "metrics", nil).DoRaw(t.Context())
	if err != nil {
		t.Fatalf("metrics of %s: %v", pod.Name, err)
	}
	return raw
}

// metrics are what the platform team's Prometheus reads.
func metrics(t *testing.T, l *lab) {
	denied := 0.0
	for _, pod := range l.gatePods(t) {
		numbers := l.gateMetrics(t, pod)
		expiry := time.Unix(int64(sum(t, numbers, "ecr_gate_certificate_expiry_timestamp_seconds")), 0)
		if left := time.Until(expiry); left < 24*time.Hour {
			t.Errorf("%s says that its certificate ends in %s", pod.Name, left)
		}
		if ok := sum(t, numbers, "ecr_gate_config_reload_success"); ok != 1 {
			t.Errorf("%s says that reloading its configuration has success %v", pod.Name, ok)
		}
		denied += sum(t, numbers, "ecr_gate_verdicts_total", `door="webhook"`, `outcome="Denied"`, `policy="dev"`)
	}
	if denied == 0 {
		t.Error("no pod of the gate counts a verdict Denied by policy dev")
	}
}

// auditEntry is a request, as the API server's audit log has it.
type auditEntry struct {
	Verb        string `json:"verb"`
	URI         string `json:"requestURI"`
	User        struct{ Username string }
	Annotations map[string]string `json:"annotations"`
}

// audited tells if the audit log has such an entry.
func (l *lab) audited(t *testing.T, match func(auditEntry) bool) bool {
	t.Helper()
	return len(l.auditEntries(t, match)) > 0
}

func (l *lab) auditEntries(t *testing.T, match func(auditEntry) bool) []auditEntry {
	t.Helper()
	file, err := os.Open(l.AuditLog())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var found []auditEntry
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var entry auditEntry
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			t.Fatal(err)
		}
		if match(entry) {
			found = append(found, entry)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// gateRequests are what the gate asked the API server for: not its watches, which
// begin anew by themselves every few minutes, and not the Events about the pods that
// were warned of earlier, which go on being counted.
func (l *lab) gateRequests(t *testing.T) []auditEntry {
	t.Helper()
	user := "system:serviceaccount:" + releaseNamespace + ":" + release
	return l.auditEntries(t, func(e auditEntry) bool {
		return e.User.Username == user && e.Verb != "watch" && !strings.Contains(e.URI, "/namespaces/team/events")
	})
}

// hotPath: a review costs no request to the API server.
func hotPath(t *testing.T, l *lab) {
	before, reviews := l.gateRequests(t), l.reviews(t)
	if len(before) == 0 {
		t.Fatal("the audit log has no request of the gate: this test cannot count")
	}
	for range 200 {
		if _, err := l.Client.CoreV1().Pods("dev").Create(t.Context(), dryPod(clean.name()), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
			t.Fatal(err)
		}
	}
	if sent := l.reviews(t) - reviews; sent < 200 {
		t.Errorf("%v reviews were sent, want 200", sent)
	}
	if asked := l.gateRequests(t)[len(before):]; len(asked) > 0 {
		t.Errorf("during 200 reviews the gate sent the API server %d requests, the first: %s %s", len(asked), asked[0].Verb, asked[0].URI)
	}
}

// dryPod is a pod for requests by the hundred.
func dryPod(image string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "many-"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "api", Image: image, ImagePullPolicy: corev1.PullNever}}},
	}
}
