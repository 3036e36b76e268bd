package e2e_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/test/e2e/cluster"
)

// clusterWorks is about the bed alone: an image runs, names resolve, and a Service's
// address leads where it should.
func dialNameServer(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(cluster.Address, "53"))
}

func clusterWorks(t *testing.T, l *lab) {
	l.namespace(t, "first")
	l.kubectl(t, "run", "first", "--namespace=first", "--image="+bad.name(), "--image-pull-policy=Never").ok(t)
	l.running(t, "first", "first")
	resolver := net.Resolver{PreferGo: true, Dial: dialNameServer}
	addresses, err := resolver.LookupHost(t.Context(), "kubernetes.default.svc.cluster.local.")
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.DialTimeout("tcp", net.JoinHostPort(addresses[0], "443"), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	connection.Close()
	l.kubectl(t, "delete", "namespace", "first", "--wait=false").ok(t)
}
