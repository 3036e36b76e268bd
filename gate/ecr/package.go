package ecr

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/package-url/packageurl-go"

	"github.com/ecr-gate/ecr-gate/gate"
)

func vulnerablePackage(p *types.VulnerablePackage, distro distro) gate.Package {
	found := gate.Package{
		Name:    aws.ToString(p.Name),
		Version: fullVersion(p),
		Path:    aws.ToString(p.FilePath),
		FixedIn: fixedIn(aws.ToString(p.FixedInVersion)),
	}
	found.PURL = purl(aws.ToString(p.PackageManager), found, distro)
	return found
}

// fullVersion writes a version as rpm and dpkg do: epoch:version-release, the
// epoch only if there is one.
func fullVersion(p *types.VulnerablePackage) string {
	version := aws.ToString(p.Version)
	if release := aws.ToString(p.Release); release != "" {
		version += "-" + release
	}
	if epoch := aws.ToInt32(p.Epoch); epoch > 0 {
		version = fmt.Sprintf("%d:%s", epoch, version)
	}
	return version
}

// fixedIn is empty where there is none: Inspector then writes "NotAvailable".
func fixedIn(version string) string {
	if strings.EqualFold(version, "NotAvailable") {
		return ""
	}
	return strings.TrimPrefix(version, "0:")
}

// distro is the purl type and namespace of the image's system packages.
type distro struct{ kind, namespace string }

// distros go by the start of Inspector's platform word, such as DEBIAN_12.
var distros = []struct {
	prefix string
	distro
}{
	{"ALPINE", distro{"apk", "alpine"}},
	{"WOLFI", distro{"apk", "wolfi"}},
	{"CHAINGUARD", distro{"apk", "chainguard"}},
	{"DEBIAN", distro{"deb", "debian"}},
	{"UBUNTU", distro{"deb", "ubuntu"}},
	{"AMAZON", distro{"rpm", "amazon"}},
	{"REDHAT", distro{"rpm", "redhat"}},
	{"RHEL", distro{"rpm", "redhat"}},
	{"CENTOS", distro{"rpm", "centos"}},
	{"ROCKY", distro{"rpm", "rocky"}},
	{"ALMA", distro{"rpm", "alma"}},
	{"ORACLE", distro{"rpm", "oracle"}},
	{"FEDORA", distro{"rpm", "fedora"}},
	{"PHOTON", distro{"rpm", "photon"}},
}

func distribution(resources []types.Resource) distro {
	for _, r := range resources {
		if r.Details == nil || r.Details.AwsEcrContainerImage == nil {
			continue
		}
		platform := strings.ToUpper(aws.ToString(r.Details.AwsEcrContainerImage.Platform))
		for _, d := range distros {
			if strings.HasPrefix(platform, d.prefix) {
				return d.distro
			}
		}
	}
	return distro{}
}

// languages are the purl types of Inspector's package managers.
var languages = map[string]string{
	"NPM": "npm", "YARN": "npm", "PNPM": "npm", "NODEPKG": "npm",
	"PIP": "pypi", "PIPENV": "pypi", "POETRY": "pypi", "PYTHONPKG": "pypi", "UV": "pypi",
	"JAR": "maven", "POM": "maven", "GRADLE": "maven",
	"GOBINARY": "golang", "GOMOD": "golang",
	"BUNDLER": "gem", "GEMSPEC": "gem",
	"CARGO": "cargo", "RUSTBINARY": "cargo", "COMPOSER": "composer", "NUGET": "nuget", "DOTNET_CORE": "nuget",
}

// purl makes the package URL, and none where type or namespace would be a guess.
func purl(manager string, p gate.Package, distro distro) string {
	manager = strings.ToUpper(manager)
	if manager == "OS" {
		if distro.kind == "" {
			return ""
		}
		return packageurl.NewPackageURL(distro.kind, distro.namespace, p.Name, p.Version, nil, "").ToString()
	}
	kind, ok := languages[manager]
	if !ok {
		return ""
	}
	namespace, name := splitName(kind, p.Name)
	u := packageurl.NewPackageURL(kind, namespace, name, p.Version, nil, "")
	if u.Normalize() != nil {
		return ""
	}
	return u.ToString()
}

// splitName takes the namespace off: org.apache:log4j, @scope/name, host/path/name.
func splitName(kind, name string) (namespace, rest string) {
	separator := "/"
	if kind == "maven" {
		separator = ":"
	}
	if i := strings.LastIndex(name, separator); i > 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}
