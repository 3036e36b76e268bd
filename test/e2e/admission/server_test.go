package admission_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// server is an API server that asks the webhook of this process.
type server struct {
	aws    *awslocal.Server
	config *rest.Config
	client kubernetes.Interface
}

// shared is the one server of a run.
var shared *server

func inside(m *testing.M) int {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	log.SetLogger(logr.Discard())
	environment := newEnvironment()
	var err error
	shared, err = start(ctx, environment)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "admission:", err)
		return 1
	}
	defer shared.aws.Close()
	return m.Run() // the sandbox stops the rest
}

func newEnvironment() *envtest.Environment {
	programs := func(name string) string { return os.Getenv(folderVariable + name) }
	environment := &envtest.Environment{ControlPlaneStartTimeout: time.Minute}
	environment.ControlPlane.GetAPIServer().Path = filepath.Join(programs("KUBERNETES"), "kube-apiserver")
	// It would look for the address of the default route, and there is none. Nobody uses it.
	environment.ControlPlane.GetAPIServer().Configure().Set("advertise-address", "192.0.2.1")
	environment.ControlPlane.Etcd = &envtest.Etcd{Path: filepath.Join(programs("ETCD"), "etcd")}
	environment.ControlPlane.KubectlPath = filepath.Join(programs("KUBERNETES"), "kubectl")
	return environment
}

func start(ctx context.Context, environment *envtest.Environment) (*server, error) {
	configuration, err := webhookConfiguration(ctx)
	if err != nil {
		return nil, err
	}
	install := &environment.WebhookInstallOptions
	install.ValidatingWebhooks = []*admissionregistrationv1.ValidatingWebhookConfiguration{configuration}
	s := &server{aws: awslocal.New(awslocal.Options{})}
	if s.config, err = environment.Start(); err != nil {
		return nil, err
	}
	if s.client, err = kubernetes.NewForConfig(s.config); err != nil {
		return nil, err
	}
	if _, err := s.aws.Start(); err != nil {
		return nil, err
	}
	s.stock()
	if err := s.open(ctx, install); err != nil {
		return nil, err
	}
	for _, namespace := range []string{"dev", "free"} {
		object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
		if _, err := s.client.CoreV1().Namespaces().Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// open starts the webhook, as `ecr-gate serve` does.
func (s *server) open(ctx context.Context, install *envtest.WebhookInstallOptions) error {
	facts := gate.NewCache(ecr.NewSource(s.aws.AWSConfig(), nil), gate.CacheOptions{})
	judge := &gate.Gate{
		Source: facts, Canonical: ecr.CanonicalHost,
		Policies: []gate.Policy{{Name: "dev", Limits: map[gate.Severity]int{gate.Critical: 0, gate.High: 0}, UntriagedAs: gate.High}},
	}
	settings := webhook.Settings{Enforce: webhook.Auto, Warn: webhook.None, Audit: webhook.None, Policies: judge.PolicyNames()}
	quiet := slog.New(slog.DiscardHandler)
	ctrl.SetLogger(logr.Discard())
	door := &webhook.Door{
		Gate: judge, Settings: func() webhook.Settings { return settings }, Log: quiet,
		Host: install.LocalServingHost, Port: install.LocalServingPort, CertDir: install.LocalServingCertDir,
		Name: "ecr-gate", Namespace: "ecr-gate", Cluster: s.config, NamespaceLabels: true,
	}
	if err := door.Open(ctx); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- door.Run(ctx) }()
	return listens(ctx, net.JoinHostPort(install.LocalServingHost, strconv.Itoa(install.LocalServingPort)), ended)
}

// listens waits until something does at the address.
func listens(ctx context.Context, address string, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return connection.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the webhook does not listen: %w", err)
		case err := <-ended:
			return errors.Join(errors.New("the webhook ended"), err)
		case <-again.C:
		}
	}
}

// webhookConfiguration is what the chart makes with no values but an image.
func webhookConfiguration(ctx context.Context) (*admissionregistrationv1.ValidatingWebhookConfiguration, error) {
	helm := exec.CommandContext(ctx, filepath.Join(os.Getenv(folderVariable+"HELM"), "helm"), "template", "ecr-gate", "../../../charts/ecr-gate",
		"--namespace=ecr-gate", "--set=image.repository=e2e.invalid/ecr-gate", "--show-only=templates/validatingwebhookconfiguration.yaml")
	var errs bytes.Buffer
	helm.Stderr = &errs
	rendered, err := helm.Output()
	if err != nil {
		return nil, fmt.Errorf("helm template: %w: %s", err, errs.String())
	}
	configuration := new(admissionregistrationv1.ValidatingWebhookConfiguration)
	return configuration, yaml.UnmarshalStrict(rendered, configuration)
}
