package binaries

// Module is a Go module below test/e2e/bin that exists to pin the versions of
// programs built from other projects.
type Module struct {
	name     string
	packages []string // main packages
	binary   string   // where the package's last element is not the program's name

	// versionOf is the module whose version the programs are told. Without it those
	// of Kubernetes say v0.0.0-master, and charts that ask for a Kubernetes version
	// refuse to install.
	versionOf string
}

// Which versions these are, each module's go.mod says.
var (
	Kubernetes = Module{
		name: "k8s",
		packages: []string{
			"k8s.io/kubernetes/cmd/kube-apiserver",
			"k8s.io/kubernetes/cmd/kube-controller-manager",
			"k8s.io/kubernetes/cmd/kube-scheduler",
			"k8s.io/kubernetes/cmd/kubectl",
			"k8s.io/kubernetes/cmd/kubelet",
			"k8s.io/kubernetes/cmd/kube-proxy",
		},
		versionOf: "k8s.io/kubernetes",
	}
	Etcd    = Module{name: "etcd", packages: []string{"go.etcd.io/etcd/server/v3"}, binary: "etcd"}
	Helm    = Module{name: "helm", packages: []string{"helm.sh/helm/v4/cmd/helm"}}
	CoreDNS = Module{name: "coredns", packages: []string{"."}, binary: "coredns"}
)
