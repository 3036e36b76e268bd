package config

import (
	"regexp"
	"time"

	"github.com/ecr-gate/ecr-gate/gate/exception"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// check holds what the file says against what may be said.
type check struct {
	*strict.File
	c *Config
}

var (
	regionForm  = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	roleForm    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)
)

func (k check) all() {
	k.header()
	k.region("aws.region", k.c.AWS.Region)
	k.registries()
	k.policies()
	k.exceptions()
	if k.c.Webhook != nil {
		k.webhook(*k.c.Webhook)
	}
	if k.c.Pipeline != nil {
		k.pipeline(*k.c.Pipeline)
	}
}

// header wants the two keys that tell this file, and this version of its format,
// from any other. Without them little else can be right, so they come first.
func (k check) header() {
	for _, h := range []struct{ key, got, want string }{
		{"apiVersion", k.c.APIVersion, APIVersion},
		{"kind", k.c.Kind, Kind},
	} {
		switch {
		case h.got == h.want:
		case h.got == "" && !k.Has(h.key):
			k.Faultf(h.key, "is missing; write %s: %s", h.key, h.want)
		default:
			k.Faultf(h.key, "%s is not read by this version; write %s: %s", strict.Quote(h.got), h.key, h.want)
		}
	}
}

func (k check) region(path, region string) {
	if (region != "" || k.Has(path)) && !regionForm.MatchString(region) {
		k.Faultf(path, "%s is no AWS Region; write one as eu-west-1", strict.Quote(region))
	}
}

func (k check) registries() {
	for i, r := range k.c.AWS.Registries {
		path := strict.Item("aws.registries", i)
		switch account := strict.Key(path, "account"); {
		case r.Account == "" && !k.Has(account):
			k.Faultf(account, "is missing; write the registry's AWS account, 12 digits in quotes")
		case !accountForm.MatchString(r.Account):
			k.Faultf(account, "%s is no AWS account; write 12 digits in quotes", strict.Quote(r.Account))
		}
		for j, region := range r.Regions {
			k.region(strict.Item(strict.Key(path, "regions"), j), region)
		}
		if role := strict.Key(path, "assumeRoleARN"); (r.AssumeRoleARN != "" || k.Has(role)) && !roleForm.MatchString(r.AssumeRoleARN) {
			k.Faultf(role, "%s is no IAM role; write it as arn:aws:iam::111122223333:role/ecr-gate-read", strict.Quote(r.AssumeRoleARN))
		}
		for j, earlier := range k.c.AWS.Registries[:i] {
			if r.overlaps(earlier) {
				k.Faultf(path, "account %s is in registries[%d] for the same Region already; keep one", r.Account, j)
			}
		}
	}
}

// overlaps reports whether two entries speak for the same registry, so that
// nobody could tell which role holds.
func (r Registry) overlaps(other Registry) bool {
	if r.Account == "" || r.Account != other.Account {
		return false
	}
	if len(r.Regions) == 0 || len(other.Regions) == 0 {
		return true
	}
	for _, a := range r.Regions {
		for _, b := range other.Regions {
			if a == b {
				return true
			}
		}
	}
	return false
}

func (k check) exceptions() {
	for i, what := range k.c.Exceptions.Require {
		k.OneOf(strict.Item("exceptions.require", i), what, exception.Requirable()...)
	}
	k.notNegative("exceptions.maxLifetime", k.c.Exceptions.MaxLifetime)
}

func (k check) notNegative(path string, d time.Duration) {
	if d < 0 {
		k.Faultf(path, "%s is negative; write a duration of 0 or more", d)
	}
}
