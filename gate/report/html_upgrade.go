package report

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
)

// upgradeLines are the lines of a Dockerfile that upgrade the packages, one for
// each package manager of an operating system. Empty where that is not known of
// every package: a line shall not promise more than it does. No version is in them:
// distributions keep only their newest.
func upgradeLines(packages []gate.Package) string {
	names := map[string][]string{} // by command
	for _, p := range packages {
		command := upgradeCommand(p)
		if command == "" || !packageName.MatchString(p.Name) {
			return ""
		}
		names[command] = append(names[command], p.Name)
	}
	var lines []string
	for command, list := range names {
		slices.Sort(list)
		lines = append(lines, strings.Replace(command, "PACKAGES", strings.Join(slices.Compact(list), " "), 1))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// packageName is what may stand in a shell's line without quotes; others get none.
var packageName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._-]*$`)

// upgradeCommand goes by the package URL, which a scan gives only where it says
// enough: a guess would not build.
func upgradeCommand(p gate.Package) string {
	for _, m := range packageManagers {
		if strings.HasPrefix(p.PURL, m.purl) && strings.Contains(p.Version, m.version) {
			return m.command
		}
	}
	return ""
}

// packageManagers, the first that fits.
var packageManagers = []struct{ purl, version, command string }{
	{"pkg:deb/", "", "RUN apt-get update && apt-get install -y --only-upgrade PACKAGES && rm -rf /var/lib/apt/lists/*"},
	{"pkg:apk/", "", "RUN apk add --no-cache --upgrade PACKAGES"},
	// Amazon Linux 2 has no dnf, and 2023 stays at its release unless told.
	{"pkg:rpm/amazon/", ".amzn2023", "RUN dnf upgrade -y --releasever=latest PACKAGES && dnf clean all"},
	{"pkg:rpm/amazon/", "", "RUN yum update -y PACKAGES && yum clean all"},
	{"pkg:rpm/photon/", "", "RUN tdnf update -y PACKAGES && tdnf clean all"},
	{"pkg:rpm/", ".el7", "RUN yum update -y PACKAGES && yum clean all"},
	{"pkg:rpm/", "", "RUN dnf upgrade -y PACKAGES && dnf clean all"},
}
