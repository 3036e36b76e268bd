package ecr

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

// scanning is how a registry scans. The zero value is not known.
type scanning struct {
	known    bool
	scanType gate.ScanType
	rules    []types.RegistryScanningRule
}

// registry looks at what holds for all repositories of a registry.
func (e *Examination) registry(ctx context.Context, key clientKey) []doctor.Result {
	sheet := doctor.On("registry " + key.account + " in " + key.region)
	client := e.source.clientFor(key)
	e.configuration(ctx, sheet, key, client)
	if e.scanning[key].scanType == gate.Enhanced {
		e.inspector(ctx, sheet, key, client)
	}
	return sheet.Results()
}

// configuration reads what the registry scans with. The places of the map are made
// beforehand, so that registries can be looked at side by side.
func (e *Examination) configuration(ctx context.Context, sheet *doctor.Sheet, key clientKey, client *ecr.Client) {
	call, cancel := e.source.call(ctx)
	defer cancel()
	out, err := client.GetRegistryScanningConfiguration(call, &ecr.GetRegistryScanningConfigurationInput{})
	if !e.permission(sheet, asked{"ecr:GetRegistryScanningConfiguration", "*", key, onlyDoctor}, err) {
		return
	}
	if err != nil || out.ScanningConfiguration == nil {
		sheet.Unknown("scanning", "ECR does not say what the registry scans with", "try again")
		return
	}
	found := out.ScanningConfiguration
	*e.scanning[key] = scanning{true, gate.ScanType(found.ScanType), found.Rules}
	e.describe(sheet, key)
}

// onlyDoctor is said of actions that the gate does without.
const onlyDoctor = "the gate does without, but whether the registry scans at all cannot be told here"

func (e *Examination) describe(sheet *doctor.Sheet, key clientKey) {
	s := e.scanning[key]
	var name string
	switch s.scanType {
	case gate.Basic:
		name = "basic"
	case gate.Enhanced:
		name = "enhanced (Amazon Inspector)"
	default:
		sheet.Unknown("scanning", "the registry scans with "+string(s.scanType)+", which this version does not know", "update ecr-gate")
		return
	}
	if len(s.rules) == 0 {
		sheet.Warning("scanning", name+", and no rule: nothing is scanned by itself", "cover all repositories, as somebody of account "+key.account+":\n"+s.covering(key, "*"))
		return
	}
	sheet.OK("scanning", name+"; "+s.filters())
}

// filters lists the rules: how often, and which repositories.
func (s *scanning) filters() string {
	if len(s.rules) == 0 {
		return "no rule"
	}
	rules := make([]string, len(s.rules))
	for i, r := range s.rules {
		filters := make([]string, len(r.RepositoryFilters))
		for j, f := range r.RepositoryFilters {
			filters[j] = aws.ToString(f.Filter)
		}
		rules[i] = string(r.ScanFrequency) + " of " + strings.Join(filters, ", ")
	}
	return strings.Join(rules, "; ")
}

// inspector asks as ECR will: with enhanced scanning it reads the findings from
// Inspector, by the caller's own rights.
func (e *Examination) inspector(ctx context.Context, sheet *doctor.Sheet, key clientKey, client *ecr.Client) {
	inspector := e.inspectorClient(client)
	findings, cancel := e.source.call(ctx)
	defer cancel()
	_, err := inspector.ListFindings(findings, &inspector2.ListFindingsInput{MaxResults: aws.Int32(1)})
	e.permission(sheet, asked{"inspector2:ListFindings", "*", key, ""}, err)
	coverage, cancel := e.source.call(ctx)
	defer cancel()
	_, err = inspector.ListCoverage(coverage, &inspector2.ListCoverageInput{MaxResults: aws.Int32(1)})
	e.permission(sheet, asked{"inspector2:ListCoverage", "*", key, ""}, err)
}

// inspectorClient asks as the ECR client does: in its Region, by its credentials.
func (e *Examination) inspectorClient(client *ecr.Client) *inspector2.Client {
	config := e.source.config.Copy()
	config.Region, config.Credentials = client.Options().Region, client.Options().Credentials
	return inspector2.NewFromConfig(config)
}
