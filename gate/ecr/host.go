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
// registry and must never be sent a request or a credential. The suffixes are
// those of AWS's own credential helper (amazon-ecr-credential-helper, 2026-07);
// FIPS hosts carry -fips, dual-stack hosts spell dkr-ecr.
var hostForms = []*regexp.Regexp{
	regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr(?:-fips)?\.([a-z][a-z0-9-]*[a-z0-9])\.` +
		`(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$`),
	regexp.MustCompile(`^([0-9]{12})\.dkr-ecr(?:-fips)?\.([a-z][a-z0-9-]*[a-z0-9])\.on\.(?:aws|amazonwebservices\.com\.cn)$`),
}

// parseHost reads a registry in normal form (lower case, no port).
func parseHost(registry string) (host, bool) {
	for _, form := range hostForms {
		if m := form.FindStringSubmatch(registry); m != nil && len(m[2]) <= 32 {
			return host{account: m[1], region: m[2]}, true
		}
	}
	return host{}, false
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
	suffix := "amazonaws.com"
	for _, r := range regionSuffixes {
		if strings.HasPrefix(region, r.prefix) {
			suffix = r.suffix
		}
	}
	name := account + ".dkr.ecr." + region + "." + suffix
	_, ok := parseHost(name)
	return name, ok
}
