package ecr

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/ecr-gate/ecr-gate/gate"
)

func basicFinding(f *types.ImageScanFinding) gate.Finding {
	attributes := map[string]string{}
	for _, a := range f.Attributes {
		attributes[aws.ToString(a.Key)] = aws.ToString(a.Value)
	}
	found := gate.Finding{
		ID:       aws.ToString(f.Name),
		Severity: gate.ParseSeverity(string(f.Severity)),
		URL:      aws.ToString(f.Uri),
	}
	if name := attributes["package_name"]; name != "" {
		found.Packages = []gate.Package{{Name: name, Version: attributes["package_version"]}}
	}
	return found
}

func enhancedFinding(f *types.EnhancedImageScanFinding) gate.Finding {
	found := gate.Finding{
		ID:            aws.ToString(f.Title),
		Title:         aws.ToString(f.Title),
		Severity:      gate.ParseSeverity(aws.ToString(f.Severity)),
		Status:        gate.ParseFindingStatus(aws.ToString(f.Status)),
		Fix:           fix(aws.ToString(f.FixAvailable)),
		Exploit:       strings.EqualFold(aws.ToString(f.ExploitAvailable), "YES"),
		FirstObserved: aws.ToTime(f.FirstObservedAt),
	}
	d := f.PackageVulnerabilityDetails
	if d == nil { // a code or network finding names no vulnerability
		return found
	}
	if id := aws.ToString(d.VulnerabilityId); id != "" {
		found.ID = id
	}
	found.URL = aws.ToString(d.SourceUrl)
	found.Related = d.RelatedVulnerabilities
	distro := distribution(f.Resources)
	for i := range d.VulnerablePackages {
		found.Packages = append(found.Packages, vulnerablePackage(&d.VulnerablePackages[i], distro))
	}
	return found
}

func fix(word string) gate.Fix {
	switch word {
	case "YES":
		return gate.FixYes
	case "PARTIAL":
		return gate.FixPartial
	case "NO":
		return gate.FixNo
	default:
		return gate.FixUnknown
	}
}
