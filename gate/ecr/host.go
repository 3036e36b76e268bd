package ecr

import (
	"regexp"
	"strings"
)

// host is a private ECR registry's address taken apart.
type host struct {
	account string
	region  string
}

// The two forms of a registry's host, each anchored at both ends: a lookalike
// such as 111122223333.dkr.ecr.eu-west-1.amazonaws.com.example.org is no ECR
// registry and must never be sent a request or a credential. FIPS hosts carry
// -fips, dual-stack hosts spell dkr-ecr (amazon-ecr-credential-helper, 2026-07).
// The Region is held to a Region's form, since it becomes part of the endpoint's
// host: dkr.ecr.s3.amazonaws.com would have us call api.ecr.s3.amazonaws.com.
var (
	classicHost   = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr(?:-fips)?\.([a-z]{2,5}(?:-[a-z]+)+-[0-9]{1,2})\.([a-z0-9.-]+)$`)
	dualStackHost = regexp.MustCompile(`^([0-9]{12})\.dkr-ecr(?:-fips)?\.([a-z]{2,5}(?:-[a-z]+)+-[0-9]{1,2})\.on\.([a-z0-9.-]+)$`)
)

// parseHost reads a registry in normal form (lower case, no port). The suffix has
// to be that of the Region's own partition.
func parseHost(registry string) (host, bool) {
	if m := classicHost.FindStringSubmatch(registry); m != nil {
		return host{m[1], m[2]}, m[3] == suffixOf(m[2])
	}
	if m := dualStackHost.FindStringSubmatch(registry); m != nil {
		return host{m[1], m[2]}, m[3] == dualStackSuffixOf(m[2])
	}
	return host{}, false
}

func suffixOf(region string) string {
	for _, r := range regionSuffixes {
		if strings.HasPrefix(region, r.prefix) {
			return r.suffix
		}
	}
	return "amazonaws.com"
}

func dualStackSuffixOf(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonwebservices.com.cn"
	}
	return "aws"
}

// CanonicalHost is the registry's one address, whichever of its spellings was
// given: FIPS and dual-stack hosts are the same registry. A host that is not
// ECR's stays as it is.
func CanonicalHost(registry string) string {
	if h, ok := parseHost(registry); ok {
		registry, _ = RegistryHost(h.account, h.region)
	}
	return registry
}

// regionSuffixes are the partitions whose registries do not end in amazonaws.com.
var regionSuffixes = []struct{ prefix, suffix string }{
	{"cn-", "amazonaws.com.cn"},
	{"eusc-", "amazonaws.eu"},
	{"us-isob-", "sc2s.sgov.gov"},
	{"us-iso-", "c2s.ic.gov"},
	{"eu-isoe-", "cloud.adc-e.uk"},
	{"us-isof-", "csp.hci.ic.gov"},
	{"eu-isof-", "csp.hci.ic.gov"},
}

// RegistryHost returns the registry's address for an account and Region, and
// false if no such registry can be.
func RegistryHost(account, region string) (string, bool) {
	name := account + ".dkr.ecr." + region + "." + suffixOf(region)
	_, ok := parseHost(name)
	return name, ok
}
