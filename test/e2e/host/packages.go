// Package host is the machine the tests run on: which programs it has to have, and
// how a Debian machine gets those it lacks.
package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// program is a file the bed needs and the Debian package that brings it.
type program struct {
	name  string // found on PATH, or at one of the places
	at    []string
	apt   string
	needs string // what breaks without it
}

var programs = []program{
	{name: "containerd", apt: "containerd", needs: "runs the pods"},
	{name: "ctr", apt: "containerd", needs: "imports images"},
	{name: "runc", apt: "runc", needs: "starts containers"},
	{name: "nft", apt: "nftables", needs: "kube-proxy writes its rules with it"},
	{name: "ip", apt: "iproute2", needs: "makes the bed's bridge"},
	{name: "mount", apt: "mount", needs: "the kubelet mounts volumes with it"},
	{name: "bridge (CNI plugin)", at: []string{"/usr/lib/cni/bridge", "/opt/cni/bin/bridge"}, apt: "containernetworking-plugins", needs: "gives pods their network"},
	{name: "CA certificates", at: []string{Certificates}, apt: "ca-certificates", needs: "the image of ecr-gate carries them"},
}

// Certificates is where Debian, and so the Dockerfile's build stage, keeps the
// certificates of the public authorities.
const Certificates = "/etc/ssl/certs/ca-certificates.crt"

// Check refuses a machine on which there can be no sandbox.
func Check() error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("these tests need Linux and root: they start containers and make namespaces")
	}
	return nil
}

// Prepare installs the programs the machine lacks.
func Prepare(ctx context.Context, out io.Writer) error {
	missing := missingPackages()
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("missing programs, and no apt-get to install them: %s", strings.Join(whatFor(), "; "))
	}
	install := append([]string{"install", "-qq", "-y", "--no-install-recommends"}, missing...)
	for _, args := range [][]string{{"update", "-qq"}, install} {
		_, _ = fmt.Fprintln(out, "apt-get", strings.Join(args, " "))
		apt := exec.CommandContext(ctx, "apt-get", args...) //nolint:gosec // the arguments are written above
		apt.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := apt.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w: %s", args[0], err, output)
		}
	}
	if left := missingPackages(); len(left) > 0 {
		return fmt.Errorf("still missing after apt-get install: %s", strings.Join(whatFor(), "; "))
	}
	return nil
}

// CNIFolder is where the machine has its network plugins.
func CNIFolder() string {
	if present("/opt/cni/bin/bridge") {
		return "/opt/cni/bin"
	}
	return "/usr/lib/cni"
}

func missingPackages() []string {
	var packages []string
	seen := map[string]bool{}
	for _, p := range programs {
		if !p.found() && !seen[p.apt] {
			seen[p.apt] = true
			packages = append(packages, p.apt)
		}
	}
	return packages
}

func whatFor() []string {
	var words []string
	for _, p := range programs {
		if !p.found() {
			words = append(words, p.name+" ("+p.needs+")")
		}
	}
	return words
}

func (p program) found() bool {
	for _, place := range p.at {
		if present(place) {
			return true
		}
	}
	_, err := exec.LookPath(p.name)
	return len(p.at) == 0 && err == nil
}

func present(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
