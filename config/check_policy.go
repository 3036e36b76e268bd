package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// nameForm is that of a Kubernetes label value, for that is where policies are
// named.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)

// reserved are names that mean something else where a policy is named.
var reserved = map[string]string{
	Auto:                "the first policy whose match fits",
	None:                "no policy",
	gate.Default().Name: "the policy for images that no other one matches",
}

func (k check) policies() {
	names := map[string]int{}
	for i, p := range k.c.Policies {
		path := strict.Item("policies", i)
		k.policyName(strict.Key(path, "name"), p.Name)
		if first, taken := names[p.Name]; taken && p.Name != "" {
			k.Faultf(strict.Key(path, "name"), "%s is the name of policies[%d] already; give each its own", strict.Quote(p.Name), first)
		} else {
			names[p.Name] = i
		}
		k.policy(path, p)
		k.warnings(path, p)
	}
}

func (k check) policyName(path, name string) {
	if meaning := reserved[name]; meaning != "" {
		k.Faultf(path, "%s is reserved: it means %s; take another name", strict.Quote(name), meaning)
		return
	}
	switch {
	case name == "" && !k.Has(path):
		k.Faultf(path, "is missing; give the policy a name")
	case !nameForm.MatchString(name):
		k.Faultf(path, "%s cannot be a Kubernetes label value; write at most 63 of 0-9 A-Z a-z - _ and ., with a letter or digit at either end", strict.Quote(name))
	}
}

func (k check) policy(path string, p Policy) {
	for i, glob := range p.Match.Images {
		if err := gate.ValidateGlob(glob); err != nil {
			k.Faultf(strict.Item(path+".match.images", i), "%s %v", strict.Quote(glob), err)
		}
	}
	k.limits(path, p)
	k.OneOf(path+".suppressed", p.Suppressed, "count", "ignore")
	k.OneOf(path+".exploitable", p.Exploitable, Deny, "ignore")
	k.OneOf(path+".unscannable", p.Unscannable, Deny, Warn, Allow)
	k.notNegative(path+".maxScanAge", p.MaxScanAge)
	for i, id := range p.Blocked {
		if strings.ContainsAny(id, " \t\r\n,") {
			k.Faultf(strict.Item(path+".blocked", i), "%s has blanks or commas in it; write one ID to an item", strict.Quote(id))
		}
	}
	if p.Baseline != nil {
		k.baseline(path+".baseline.tag", p.Baseline.Tag)
	}
}

// tagForm is that of a tag in the grammar of image references.
var tagForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

func (k check) baseline(path, tag string) {
	switch {
	case tag == "" && !k.Has(path):
		k.Faultf(path, "is missing; write a tag of the image's own repository, as {tag: prod}")
	case !tagForm.MatchString(tag):
		k.Faultf(path, "%s is no tag; write one of the image's own repository, as prod", strict.Quote(tag))
	}
}

func (k check) limits(path string, p Policy) {
	if at := path + ".maxFindings"; len(p.MaxFindings) == 0 {
		k.Faultf(at, "is required; write the tolerated number per severity, as {CRITICAL: 0, HIGH: 0}")
	}
	for _, s := range gate.WorstFirst() {
		if n := p.MaxFindings[Severity(s)]; n < 0 {
			k.Faultf(path+".maxFindings."+s.String(), "%d is negative; write 0 or more, or leave the severity out to not limit it", n)
		}
		if d, given := p.GracePeriod[Severity(s)]; given && d <= 0 {
			k.Faultf(path+".gracePeriod."+s.String(), "%s is no period; write more than 0, as 72h, or leave the severity out", d)
		}
	}
}

// warnings tells what a policy allows though its author probably does not know.
func (k check) warnings(path string, p Policy) {
	if len(p.MaxFindings) == 0 {
		return
	}
	var unlimited []string
	for _, s := range gate.WorstFirst() {
		if _, limited := p.MaxFindings[Severity(s)]; !limited {
			unlimited = append(unlimited, s.String())
			continue
		}
		if len(unlimited) > 0 {
			k.warnf(path+".maxFindings", "policy %s limits %s but not %s, so any number of those passes", p.Name, s, strings.Join(unlimited, " and "))
		}
		break
	}
	if _, limited := p.MaxFindings[p.UntriagedAs]; !limited {
		k.warnf(path+".untriagedAs", "findings that nobody has triaged count as %s, which policy %s does not limit, so any number of them passes", p.UntriagedAs, p.Name)
	}
}

func (k check) warnf(path, format string, args ...any) {
	k.c.Warnings = append(k.c.Warnings, fmt.Sprintf("%s: %s: %s", k.Name, path, fmt.Sprintf(format, args...)))
}
