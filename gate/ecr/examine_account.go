package ecr

import (
	"slices"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

// crossAccount is how to read another account's registry: by a role in it. Enhanced
// results are shown to the registry's own account only, whatever a repository's
// policy grants (aws/containers-roadmap#2541).
func (e *Examination) crossAccount(key clientKey) string {
	role := "arn:" + e.caller.Partition() + ":iam::" + key.account + ":role/ecr-gate-read"
	actions := []string{"ecr:BatchGetImage", "ecr:DescribeImageScanFindings"}
	if e.starts() {
		actions = append(actions, "ecr:StartImageScan")
	}
	return strings.Join([]string{
		"make a role ecr-gate-read in account " + key.account + " with this trust policy's statement:",
		doctor.Trust(e.caller.Principal()),
		"and these permissions:",
		doctor.Allow(e.repositoryARN(key, "*"), actions...),
		doctor.Allow("*", "inspector2:ListFindings", "inspector2:ListCoverage"),
		"allow it to " + e.caller.Principal() + ":",
		doctor.Allow(role, "sts:AssumeRole"),
		"and name it in the configuration" + e.besides(key) + ":",
		"aws: {registries: [" + e.listedRegistries() + "{account: \"" + key.account + "\", assumeRoleARN: \"" + role + "\"}]}",
	}, "\n")
}

// besides: the first entry for a registry holds, and a list shuts out all others.
func (e *Examination) besides(key clientKey) string {
	switch {
	case len(e.Registries) == 0:
		return " (once there is a list, every registry has to be in it)"
	case slices.ContainsFunc(e.Registries, func(r Registry) bool { return r.Account == key.account }):
		return ", in place of the account's entry"
	default:
		return ""
	}
}

// listedRegistries is what stands in the list before a new entry.
func (e *Examination) listedRegistries() string {
	switch {
	case len(e.Registries) > 0:
		return "..., "
	case e.caller.Account == "":
		return ""
	}
	return "{account: \"" + e.caller.Account + "\"}, "
}
