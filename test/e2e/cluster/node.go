package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// startNode starts kubelet, kube-proxy and CoreDNS.
func (c *Cluster) startNode(ctx context.Context) error {
	if err := c.writeNodeFiles(); err != nil {
		return err
	}
	if err := c.allowServices(ctx); err != nil {
		return err
	}
	kubelet := []string{
		"--config=" + c.state("kubelet.yaml"), "--kubeconfig=" + c.pki.path("kubelet.kubeconfig"),
		"--hostname-override=" + Node, "--node-ip=" + Address,
		"--root-dir=" + c.state("kubelet"), "--cert-dir=" + c.state("kubelet-pki"),
	}
	if err := c.start("kubelet", c.kubernetes("kubelet"), kubelet...); err != nil {
		return err
	}
	proxy := []string{
		"--kubeconfig=" + c.pki.path("proxy.kubeconfig"), "--hostname-override=" + Node,
		"--proxy-mode=nftables", "--cluster-cidr=" + podRange,
		"--conntrack-max-per-core=0", // is the real machine's to set
		"--healthz-bind-address=127.0.0.1:10256", "--metrics-bind-address=127.0.0.1:10249",
	}
	if err := c.start("kube-proxy", c.kubernetes("kube-proxy"), proxy...); err != nil {
		return err
	}
	if err := c.start("coredns", filepath.Join(c.options.CoreDNS, "coredns"), "-conf", c.state("Corefile")); err != nil {
		return err
	}
	return errors.Join(
		c.Until(ctx, "the node to be Ready", startLimit, c.nodeReady),
		c.Until(ctx, "kube-proxy", startLimit, healthy("http://127.0.0.1:10256/healthz")),
		c.Until(ctx, "CoreDNS", startLimit, healthy("http://127.0.0.1:8181/ready")),
	)
}

func (c *Cluster) writeNodeFiles() error {
	kubelet := fmt.Sprintf(kubeletConfig, Address, c.options.Cgroup, c.socket(), c.pki.path("ca.crt"), Address,
		c.state("resolv.conf"), filepath.Join(c.options.Logs, "pods"), c.state("volume-plugins"))
	corefile := fmt.Sprintf(nameServerConfig, Address, c.pki.path("dns.kubeconfig"))
	files := map[string]string{
		"kubelet.yaml": kubelet,
		"Corefile":     corefile,
		"resolv.conf":  "", // pods are not to ask the machine's own name server
	}
	for name, content := range files {
		if err := os.WriteFile(c.state(name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// allowServices lets kube-proxy and CoreDNS read what they serve, with the roles that
// each has in any cluster.
func (c *Cluster) allowServices(ctx context.Context) error {
	read := []string{"list", "watch"}
	names := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "system:coredns"},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"services", "namespaces", "pods"}, Verbs: read},
			{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: read},
		},
	}
	rbac := c.Client.RbacV1()
	if _, err := rbac.ClusterRoles().Create(ctx, names, metav1.CreateOptions{}); err != nil {
		return err
	}
	for user, role := range map[string]string{"system:kube-proxy": "system:node-proxier", names.Name: names.Name} {
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "e2e:" + user},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
		}
		if _, err := rbac.ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) nodeReady(ctx context.Context) error {
	node, err := c.Client.CoreV1().Nodes().Get(ctx, Node, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("node is %v", node.Status.Conditions)
}

func healthy(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}

const kubeletConfig = `
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: %s
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /%s
containerRuntimeEndpoint: unix://%s
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %s}}
authorization: {mode: Webhook}
clusterDomain: cluster.local
clusterDNS: [%s]
resolvConf: %s
podLogsDir: %s
volumePluginDir: %s
failSwapOn: false
syncFrequency: 5s
healthzBindAddress: 127.0.0.1
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: 1%%, imagefs.available: 1%%}
makeIPTablesUtilChains: false
`

const nameServerConfig = `.:53 {
    bind %s
    ready 127.0.0.1:8181
    errors
    kubernetes cluster.local {
        kubeconfig %s e2e
    }
}
`
