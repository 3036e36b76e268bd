package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// startRuntime starts containerd and gives it the images.
func (c *Cluster) startRuntime(ctx context.Context) error {
	if err := c.writeRuntimeFiles(); err != nil {
		return err
	}
	if err := c.start("containerd", "containerd", "-c", c.state("containerd.toml")); err != nil {
		return err
	}
	err := c.Until(ctx, "containerd", startLimit, func(ctx context.Context) error { return c.ctr(ctx, "version") })
	if err != nil {
		return err
	}
	for _, archive := range c.options.Archives {
		if err := c.ctr(ctx, "images", "import", archive); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) writeRuntimeFiles() error {
	network := fmt.Sprintf(networkConfig, c.state("ipam"), podRange)
	runtime := fmt.Sprintf(runtimeConfig, c.state("containerd"), c.state("containerd-run"), c.socket(),
		c.options.Sandbox, c.options.CNI, c.state("cni"), c.state("opt"))
	if err := os.MkdirAll(c.state("cni"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(c.state("cni", "10-e2e.conflist"), []byte(network), 0o600); err != nil {
		return err
	}
	return os.WriteFile(c.state("containerd.toml"), []byte(runtime), 0o600)
}

func (c *Cluster) socket() string { return c.state("containerd.sock") }

func (c *Cluster) ctr(ctx context.Context, args ...string) error {
	args = append([]string{"-a", c.socket(), "-n", "k8s.io"}, args...)
	output, err := exec.CommandContext(ctx, "ctr", args...).CombinedOutput() //nolint:gosec // the arguments are ours
	if err != nil {
		return fmt.Errorf("ctr %s: %w: %s", filepath.Base(args[len(args)-1]), err, output)
	}
	return nil
}

const networkConfig = `{"cniVersion": "1.0.0", "name": "e2e", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": %q, "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
`

// Without restrict_oom_score_adj, containers do not start where root may not lower
// the score, as in most virtual machines made for CI.
const runtimeConfig = `
version = 2
root = %q
state = %q
[grpc]
  address = %q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %q
    conf_dir = %q
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
[plugins."io.containerd.internal.v1.opt"]
  path = %q
`
