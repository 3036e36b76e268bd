package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// startLimit is ample: a busy machine takes a fifth of it.
const startLimit = 60 * time.Second

func (c *Cluster) issueCertificates() (err error) {
	if c.pki, err = newAuthority(c.state("pki")); err != nil {
		return err
	}
	apiserver := holder{
		name:  "kube-apiserver",
		names: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		ips:   []net.IP{net.ParseIP(Address), net.ParseIP("127.0.0.1"), net.ParseIP("10.96.0.1")},
	}
	certificates := map[string]holder{
		"apiserver":         apiserver,
		"front-proxy":       {name: "front-proxy-client"},
		"apiserver-kubelet": {name: "apiserver-kubelet", groups: []string{"system:masters"}},
		"service-account":   {name: "service-account"}, // of which only the key is used
	}
	for file, holder := range certificates {
		if err := c.pki.issue(file, holder); err != nil {
			return err
		}
	}
	clients := map[string]holder{
		"admin":      {name: "admin", groups: []string{"system:masters"}},
		"controller": {name: "system:kube-controller-manager"},
		"scheduler":  {name: "system:kube-scheduler"},
		"kubelet":    {name: "system:node:" + Node, groups: []string{"system:nodes"}},
		"proxy":      {name: "system:kube-proxy"},
		"dns":        {name: "system:coredns"},
	}
	for file, holder := range clients {
		if err := c.pki.kubeconfig(file, server, holder); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) startControl(ctx context.Context) error {
	const etcd, peers = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
	err := c.start("etcd", filepath.Join(c.options.Etcd, "etcd"),
		"--data-dir="+c.state("etcd"),
		"--listen-client-urls="+etcd, "--advertise-client-urls="+etcd, "--listen-peer-urls="+peers,
		"--unsafe-no-fsync", // nothing to lose
	)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.state("audit.yaml"), []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	pem := c.pki.path
	err = c.start("kube-apiserver", c.kubernetes("kube-apiserver"),
		"--etcd-servers="+etcd,
		"--bind-address="+Address, "--advertise-address="+Address, "--secure-port=6443",
		"--tls-cert-file="+pem("apiserver.crt"), "--tls-private-key-file="+pem("apiserver.key"),
		"--client-ca-file="+pem("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+pem("service-account.key"), "--service-account-signing-key-file="+pem("service-account.key"),
		"--service-cluster-ip-range="+serviceRange,
		"--authorization-mode=Node,RBAC", "--allow-privileged=true",
		"--proxy-client-cert-file="+pem("front-proxy.crt"), "--proxy-client-key-file="+pem("front-proxy.key"),
		// One authority signs both kinds of client, so those that may speak for others are named.
		"--requestheader-client-ca-file="+pem("ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--kubelet-preferred-address-types=InternalIP", // the node has no name in any DNS
		"--kubelet-client-certificate="+pem("apiserver-kubelet.crt"), "--kubelet-client-key="+pem("apiserver-kubelet.key"),
		"--enable-aggregator-routing=false", // webhooks are called through their Service's address, so through kube-proxy
		"--audit-policy-file="+c.state("audit.yaml"), "--audit-log-path="+c.AuditLog(),
	)
	if err != nil {
		return err
	}
	return c.Until(ctx, "the API server", startLimit, func(ctx context.Context) error {
		return c.Client.CoreV1().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

func (c *Cluster) startControllers(ctx context.Context) error {
	err := c.start("kube-controller-manager", c.kubernetes("kube-controller-manager"),
		"--kubeconfig="+c.pki.path("controller.kubeconfig"),
		"--service-account-private-key-file="+c.pki.path("service-account.key"), "--root-ca-file="+c.pki.path("ca.crt"),
		"--cluster-signing-cert-file="+c.pki.path("ca.crt"), "--cluster-signing-key-file="+c.pki.path("ca.key"),
		"--leader-elect=false", "--bind-address=127.0.0.1",
		"--use-service-account-credentials", // each controller is who it is in any cluster: costs seconds, and finds what admission does to it
	)
	if err != nil {
		return err
	}
	err = c.start("kube-scheduler", c.kubernetes("kube-scheduler"),
		"--kubeconfig="+c.pki.path("scheduler.kubeconfig"), "--leader-elect=false", "--bind-address=127.0.0.1")
	if err != nil {
		return err
	}
	return c.Until(ctx, "the controllers' first service account", startLimit, func(ctx context.Context) error {
		_, err := c.Client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

func (c *Cluster) kubernetes(program string) string {
	return filepath.Join(c.options.Kubernetes, program)
}

// AuditLog is the file in which the API server writes who asked it for what, as far
// as auditPolicy says.
func (c *Cluster) AuditLog() string { return filepath.Join(c.options.Logs, "audit.log") }

// auditPolicy has every request of service accounts in namespaces other than the
// cluster's own, and every pod that somebody makes, with what admission noted.
var auditPolicy = fmt.Sprintf(`
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  users: ["system:node:%s"]
- level: None
  userGroups: ["system:serviceaccounts:kube-system"]
- level: Metadata
  userGroups: ["system:serviceaccounts"]
- level: Metadata
  verbs: [create, update, patch, delete]
  resources: [{group: "", resources: [pods, pods/ephemeralcontainers]}]
- level: None
`, Node)
