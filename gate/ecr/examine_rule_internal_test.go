package ecr

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// What the registry's rules come to, where ECR may not be asked itself.
func TestRulesByThemselves(t *testing.T) {
	s := &scanning{rules: []types.RegistryScanningRule{
		ruleOf(types.ScanFrequencyContinuousScan, "shop/*", "base", "*-web"),
		ruleOf(types.ScanFrequencyScanOnPush, "prod", "shop/*"),
	}}
	for repository, want := range map[string]string{
		"shop/web":       "CONTINUOUS_SCAN shop/*", // the continuous rule wins
		"my/base/image":  "CONTINUOUS_SCAN base",   // it contains it
		"prod/my-web":    "CONTINUOUS_SCAN *-web",
		"prod/my-web2":   "SCAN_ON_PUSH prod",
		"eu/prod":        "SCAN_ON_PUSH prod",
		"workshop/web":   "MANUAL ", // shop/* begins with shop
		"shopping":       "MANUAL ",
		"shop-web-tools": "MANUAL ",
	} {
		got := s.of(repository)
		if text := string(got.frequency) + " " + strings.Join(got.filters, " "); text != want {
			t.Errorf("%s: %q, want %q", repository, text, want)
		}
		if got.covers() == strings.HasPrefix(want, "MANUAL") {
			t.Errorf("%s is covered: %t", repository, got.covers())
		}
	}
}

func ruleOf(frequency types.ScanFrequency, filters ...string) types.RegistryScanningRule {
	r := types.RegistryScanningRule{ScanFrequency: frequency}
	for _, f := range filters {
		r.RepositoryFilters = append(r.RepositoryFilters, types.ScanningRepositoryFilter{Filter: aws.String(f), FilterType: "WILDCARD"})
	}
	return r
}
