package cluster

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// makeBridge makes a bridge nothing is connected to, for its address: the kernel
// may lack dummy devices, and pods have to reach it.
func makeBridge(ctx context.Context) error {
	for _, line := range []string{
		"link add " + Bridge + " type bridge",
		"addr add " + Address + "/24 dev " + Bridge,
		"link set " + Bridge + " up",
		"route add " + serviceRange + " dev " + Bridge, // there is no default route by which kube-proxy could catch them
	} {
		output, err := exec.CommandContext(ctx, "ip", strings.Fields(line)...).CombinedOutput() //nolint:gosec // written above
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", line, err, output)
		}
	}
	return nil
}
