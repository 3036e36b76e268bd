package e2e_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// stream is a steady stream of pods that somebody asks for, each of them reviewed.
type stream struct {
	lab    *lab
	lostBy float64 // the API server's own count when it began
	stop   context.CancelFunc
	all    sync.WaitGroup

	mu       sync.Mutex
	answered int
	failures []error
}

const (
	longest = 2 * time.Minute
	// Most reviews are of an image that is in the gate's cache: 100 a second.
	quickAskers = 4
	pause       = 40 * time.Millisecond
	// Some are of an image that nobody has asked for yet, and AWS is slow: there is
	// always one in hand, whenever a pod of the gate is told to stop.
	slowAskers = 4
	slowness   = 300 * time.Millisecond
)

// stream starts one. It ends by itself at its longest.
func (l *lab) stream(t *testing.T) *stream {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), longest)
	s := &stream{lab: l, lostBy: l.lostReviews(t), stop: stop}
	hurry := l.aws.Inject(awslocal.Fault{Operation: "ecr.*", Latency: slowness})
	for range quickAskers {
		s.all.Go(func() { s.ask(ctx, pause, clean.name) })
	}
	for range slowAskers {
		s.all.Go(func() { s.ask(ctx, pause, l.fresh) })
	}
	t.Cleanup(func() { stop(); s.all.Wait(); hurry() })
	return s
}

// fresh is the name of a clean image that no one knows yet. It is never run.
func (l *lab) fresh() string {
	w := ware{"shop/fresh", strconv.FormatInt(l.made.Add(1), 10), scanned()}
	l.aws.PutImage(awslocal.Image{Repository: w.repository, Tags: []string{w.tag}, Seed: w.tag, Scans: w.scans})
	return w.name()
}

func (s *stream) ask(ctx context.Context, pause time.Duration, image func() string) {
	next := time.NewTicker(pause)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		_, err := s.lab.Client.CoreV1().Pods("dev").Create(ctx, dryPod(image()), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if ctx.Err() != nil {
			return // asked to stop: no answer is no loss
		}
		s.mu.Lock()
		if err != nil {
			s.failures = append(s.failures, err)
		} else {
			s.answered++
		}
		s.mu.Unlock()
	}
}

// more waits until so many more reviews were answered.
func (s *stream) more(t *testing.T, count int) {
	t.Helper()
	s.mu.Lock()
	until := s.answered + count
	s.mu.Unlock()
	s.lab.eventually(t, fmt.Sprintf("%d more reviews", count), func(context.Context) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.answered < until {
			return fmt.Errorf("%d are missing", until-s.answered)
		}
		return nil
	})
}

// end ends the stream and fails the test if a single review was lost.
func (s *stream) end(t *testing.T) {
	t.Helper()
	s.stop()
	s.all.Wait()
	t.Logf("%d reviews answered, %d failed", s.answered, len(s.failures))
	for i, err := range s.failures {
		if i == 3 {
			t.Errorf("and %d more", len(s.failures)-i)
			break
		}
		t.Errorf("lost: %v", err)
	}
	if lost := s.lab.lostReviews(t) - s.lostBy; lost != 0 {
		t.Errorf("the API server counts %v reviews that it could not get answered", lost)
	}
}

// rollingRestart: nobody notices that every pod of the gate is replaced.
func rollingRestart(t *testing.T, l *lab) {
	before := l.gatePods(t)
	s := l.stream(t)
	s.more(t, 50)
	l.kubectl(t, "rollout", "restart", "deployment/"+release, "--namespace="+releaseNamespace).ok(t)
	l.kubectl(t, "rollout", "status", "deployment/"+release, "--namespace="+releaseNamespace, "--timeout=90s").ok(t)
	for _, pod := range before {
		l.gone(t, pod.Namespace, pod.Name)
	}
	s.more(t, 50)
	s.end(t)
}

// renewedCertificate: nobody notices a new serving certificate from the same CA.
func renewedCertificate(t *testing.T, l *lab) {
	l.rotate(t, "tls.crt")
	if count := certificates(t, l.certificate(t)["ca.crt"]); count != 1 {
		t.Errorf("the bundle has %d certificates after a renewal under the same CA, want 1", count)
	}
}

// renewedAuthority: nobody notices a new CA, either.
func renewedAuthority(t *testing.T, l *lab) {
	before := l.bundles(t)[0]
	l.rotate(t, "ca.key")
	if after := l.bundles(t)[0]; string(after) == string(before) {
		t.Error("the API server still trusts the same CA only")
	}
}

// rotate takes a file out of the certificate's Secret, under load, and waits until
// every pod of the gate serves another certificate.
func (l *lab) rotate(t *testing.T, file string) {
	t.Helper()
	pods := l.gatePods(t)
	before := map[string]string{}
	for _, pod := range pods {
		before[pod.Name] = l.served(t, pod)
	}
	s := l.stream(t)
	s.more(t, 50)
	patch := fmt.Sprintf(`[{"op": "remove", "path": "/data/%s"}]`, file)
	_, err := l.Client.CoreV1().Secrets(releaseNamespace).Patch(t.Context(), certSecret, types.JSONPatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		l.eventually(t, pod.Name+" to serve another certificate", func(context.Context) error {
			if l.served(t, pod) == before[pod.Name] {
				return fmt.Errorf("it serves the same")
			}
			return nil
		})
	}
	s.more(t, 200)
	s.end(t)
	if len(pods) != 2 || l.served(t, pods[0]) != l.served(t, pods[1]) {
		t.Error("the pods of the gate serve different certificates")
	}
	for _, pod := range l.gatePods(t) {
		if restarts := pod.Status.ContainerStatuses[0].RestartCount; restarts != 0 {
			t.Errorf("%s was restarted %d times", pod.Name, restarts)
		}
	}
}

// served tells apart the certificates that a pod of the gate serves. Their serial
// numbers would not: they are all the same.
func (l *lab) served(t *testing.T, pod corev1.Pod) string {
	t.Helper()
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second}, Config: &tls.Config{InsecureSkipVerify: true}} // whatever it is
	connection, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(pod.Status.PodIP, "9443"))
	if err != nil {
		t.Fatalf("%s: %v", pod.Name, err)
	}
	defer connection.Close()
	return fmt.Sprintf("%x", sha256.Sum256(connection.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw))
}

func certificates(t *testing.T, bundle []byte) int {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(bundle) {
		t.Fatalf("no certificate in %q", bundle)
	}
	return len(pool.Subjects()) //nolint:staticcheck // nothing of the system's is in it
}
