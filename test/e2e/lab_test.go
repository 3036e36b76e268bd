package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/e2e/cluster"
	"github.com/ecr-gate/ecr-gate/test/e2e/host"
	"github.com/ecr-gate/ecr-gate/test/e2e/sandbox"
	"github.com/ecr-gate/ecr-gate/test/e2e/timings"
)

// lab is the cluster, the AWS it can reach, and the people who use both.
type lab struct {
	*cluster.Cluster
	bed *bed
	aws *awslocal.Server
	log timings.Log

	made atomic.Int64 // images made for a stream
}

// shared is the one lab of a run: the stories are one after the other in it.
var shared *lab

// inside starts the lab and tells the stories. Nothing is stopped at the end: the
// sandbox goes, with all that is in it.
func inside(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := bedFromEnvironment()
	if err == nil {
		shared, err = newLab(ctx, b)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer shared.aws.Close()
	code := m.Run()
	if os.Getenv(holdVariable) != "" {
		shared.hold(ctx)
	}
	if err := shared.Alive(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return code
}

func newLab(ctx context.Context, b *bed) (*lab, error) {
	l := &lab{bed: b, aws: awslocal.New(awslocal.Options{}), log: b.log()}
	start := time.Now()
	var err error
	l.Cluster, err = cluster.Start(ctx, cluster.Options{
		Kubernetes: b.Kubernetes, Etcd: b.Etcd, CoreDNS: b.CoreDNS,
		CNI: host.CNIFolder(), Cgroup: sandbox.Cgroup,
		State: sandbox.State, Logs: b.Logs,
		Archives: b.Archives, Sandbox: sandboxImage,
		Do: func(name string, do func() error) error { return l.log.Do("cluster: "+name, do) },
	})
	if err != nil {
		return nil, err
	}
	l.log.Note("cluster: from nothing to ready", time.Since(start), "")
	if _, err := l.aws.StartAt(net.JoinHostPort(cluster.Address, "4566")); err != nil {
		return nil, err
	}
	images, err := shopImages(b.Program)
	if err != nil {
		return nil, err
	}
	return l, stock(l.aws, images)
}

// holdVariable, set to anything, keeps the lab after the last story until Ctrl-C.
const holdVariable = "E2E_HOLD"

// hold waits, and tells how to get in meanwhile.
func (l *lab) hold(ctx context.Context) {
	_, _ = fmt.Fprintf(os.Stdout, "e2e: the cluster is there until Ctrl-C:\n  nsenter --target=$(cat %s) --mount --net --pid env KUBECONFIG=%s PATH=%s:%s:$PATH bash\n",
		filepath.Join(filepath.Dir(l.bed.Work), "sandbox", "pid"), l.Kubeconfig, l.bed.Kubernetes, l.bed.Helm)
	<-ctx.Done()
}

// soon is how long anything may take that a person would wait for.
const soon = 60 * time.Second

// eventually waits until the condition holds, and fails the test if it does not
// soon.
func (l *lab) eventually(t *testing.T, what string, condition func(context.Context) error) {
	t.Helper()
	if err := l.Until(t.Context(), what, soon, condition); err != nil {
		t.Fatal(err)
	}
}

// namespace makes one, with the service account that pods need.
func (l *lab) namespace(t *testing.T, name string) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := l.Client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	l.eventually(t, "the service account of namespace "+name, func(ctx context.Context) error {
		_, err := l.Client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// running waits until a pod runs.
func (l *lab) running(t *testing.T, namespace, name string) {
	t.Helper()
	l.eventually(t, "pod "+name+" to run", func(ctx context.Context) error {
		pod, err := l.Client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if pod.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("it is %s: %s%v", pod.Status.Phase, pod.Status.Message, pod.Status.ContainerStatuses)
		}
		return nil
	})
}

// gone waits until a pod is no more.
func (l *lab) gone(t *testing.T, namespace, name string) {
	t.Helper()
	l.eventually(t, "pod "+name+" to go", func(ctx context.Context) error {
		_, err := l.Client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			return errors.New("it is still there")
		}
		if notFound(err) {
			return nil
		}
		return err
	})
}
