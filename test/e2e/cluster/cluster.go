// Package cluster is a Kubernetes cluster with one node, all of it real, made of
// processes on this machine. It has to run in a sandbox, which ends it.
package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Addresses of the bed. They are there in its own network only.
const (
	Bridge       = "bed0"
	Address      = "10.200.0.1" // of the node, the API server, the name server and whatever else the bed serves
	podRange     = "10.244.0.0/24"
	serviceRange = "10.96.0.0/16"
	server       = "https://" + Address + ":6443"
	Node         = "node-1"
)

// Options says what a cluster is made of.
type Options struct {
	Kubernetes, Etcd, CoreDNS string   // folders with their programs
	CNI                       string   // the folder with the network plugins
	Cgroup                    string   // the parent of all cgroups of the cluster
	State                     string   // an empty folder, on a file system that overlayfs can write to
	Logs                      string   // a folder that outlives the cluster
	Archives                  []string // images to be there from the start
	Sandbox                   string   // the name among them of the image that pods' sandboxes run

	Do func(name string, do func() error) error // runs a step, and may tell about it
}

// Cluster is a running cluster.
type Cluster struct {
	Kubeconfig string // of its administrator
	Config     *rest.Config
	Client     kubernetes.Interface

	options   Options
	pki       *authority
	processes []*process
}

// Start starts a cluster. It is ready when its node is, and its names are resolved.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	c := &Cluster{options: options}
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"network and certificates", c.prepare},
		{"etcd and API server", c.startControl},
		{"controllers and scheduler", c.startControllers},
		{"container runtime and images", c.startRuntime},
		{"node and name server", c.startNode},
	}
	for _, step := range steps {
		if err := options.Do(step.name, func() error { return step.do(ctx) }); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return c, nil
}

func (c *Cluster) prepare(ctx context.Context) error {
	if err := makeBridge(ctx); err != nil {
		return err
	}
	if err := c.issueCertificates(); err != nil {
		return err
	}
	c.Kubeconfig = c.pki.path("admin.kubeconfig")
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = -1, 0 // nobody to be considerate of
	config.Timeout = time.Minute
	c.Config = config
	c.Client, err = kubernetes.NewForConfig(config)
	return err
}

func (c *Cluster) state(elements ...string) string {
	return filepath.Join(append([]string{c.options.State}, elements...)...)
}
