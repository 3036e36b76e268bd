package awslocal

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"strings"
)

// notAvailable is what Inspector says in fixedInVersion when there is no fix.
const notAvailable = "NotAvailable"

// enhancedFindingBody is a finding of an enhanced scan on the wire.
type enhancedFindingBody struct {
	Account          string                `json:"awsAccountId"`
	ARN              string                `json:"findingArn"`
	Description      string                `json:"description,omitempty"`
	FirstObserved    epoch                 `json:"firstObservedAt,omitzero"`
	LastObserved     epoch                 `json:"lastObservedAt,omitzero"`
	Details          vulnerability         `json:"packageVulnerabilityDetails"`
	Remediation      map[string]any        `json:"remediation"`
	Resources        []vulnerabilityTarget `json:"resources"`
	Severity         string                `json:"severity,omitempty"`
	Status           string                `json:"status"`
	Title            string                `json:"title"`
	Type             string                `json:"type"`
	FixAvailable     string                `json:"fixAvailable,omitempty"`
	ExploitAvailable string                `json:"exploitAvailable"`
}

type vulnerability struct {
	ID         string              `json:"vulnerabilityId"`
	Source     string              `json:"source"`
	SourceURL  string              `json:"sourceUrl,omitempty"`
	Severity   string              `json:"vendorSeverity,omitempty"`
	CVSS       []any               `json:"cvss"`
	References []string            `json:"referenceUrls"`
	Related    []string            `json:"relatedVulnerabilities"`
	Packages   []vulnerablePackage `json:"vulnerablePackages"`
}

type vulnerablePackage struct {
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
	Release  string `json:"release,omitempty"`
	Epoch    int    `json:"epoch"`
	Arch     string `json:"arch,omitempty"`
	Manager  string `json:"packageManager,omitempty"`
	FilePath string `json:"filePath,omitempty"`
	FixedIn  string `json:"fixedInVersion"`
}

type vulnerabilityTarget struct {
	ID      string         `json:"id"`
	Type    string         `json:"type"`
	Details map[string]any `json:"details"`
}

func enhancedFindings(img *storedImage, findings []EnhancedFinding) []enhancedFindingBody {
	if findings == nil {
		return nil
	}
	bodies := make([]enhancedFindingBody, len(findings))
	for i, f := range findings {
		bodies[i] = enhancedFindingOf(img, f)
	}
	return bodies
}

func enhancedFindingOf(img *storedImage, f EnhancedFinding) enhancedFindingBody {
	return enhancedFindingBody{
		Account:          img.Account,
		ARN:              findingARN(img, f),
		Description:      f.Description,
		FirstObserved:    epoch{f.FirstObserved},
		LastObserved:     epoch{f.FirstObserved},
		Details:          vulnerabilityOf(f),
		Remediation:      map[string]any{"recommendation": map[string]string{"text": "None Provided"}},
		Resources:        []vulnerabilityTarget{targetOf(img, f)},
		Severity:         f.Severity,
		Status:           cmp.Or(f.Status, "ACTIVE"),
		Title:            cmp.Or(f.Title, titleOf(f)),
		Type:             "PACKAGE_VULNERABILITY",
		FixAvailable:     cmp.Or(f.Fix, fixOf(f.Packages)),
		ExploitAvailable: cmp.Or(f.Exploit, "NO"),
	}
}

func findingARN(img *storedImage, f EnhancedFinding) string {
	h := fnv.New128a()
	_, _ = fmt.Fprint(h, img.digest, f.ID, f.Packages)
	return fmt.Sprintf("arn:aws:inspector2:%s:%s:finding/%x", img.Region, img.Account, h.Sum(nil))
}

func titleOf(f EnhancedFinding) string {
	names := make([]string, len(f.Packages))
	for i, p := range f.Packages {
		names[i] = p.Name
	}
	return f.ID + " - " + strings.Join(names, ", ")
}

func fixOf(packages []Package) string {
	fixed := 0
	for _, p := range packages {
		if p.FixedIn != "" && p.FixedIn != notAvailable {
			fixed++
		}
	}
	switch {
	case len(packages) == 0:
		return ""
	case fixed == 0:
		return "NO"
	case fixed < len(packages):
		return "PARTIAL"
	}
	return "YES"
}

func vulnerabilityOf(f EnhancedFinding) vulnerability {
	v := vulnerability{
		ID: f.ID, Source: "NVD", SourceURL: f.SourceURL, Severity: f.Severity,
		CVSS: []any{}, References: []string{},
		Related:  append([]string{}, f.Related...),
		Packages: make([]vulnerablePackage, len(f.Packages)),
	}
	for i, p := range f.Packages {
		v.Packages[i] = vulnerablePackage{p.Name, p.Version, p.Release, p.Epoch, p.Arch,
			p.Manager, p.FilePath, cmp.Or(p.FixedIn, notAvailable)}
	}
	return v
}

func targetOf(img *storedImage, f EnhancedFinding) vulnerabilityTarget {
	details := map[string]any{
		"architecture":   parsePlatform(img.Platform).Architecture,
		"imageHash":      img.digest,
		"imageTags":      append([]string{}, img.Tags...),
		"registry":       img.Account,
		"repositoryName": img.Repository,
		"pushedAt":       epoch{img.put},
	}
	if f.Platform != "" {
		details["platform"] = f.Platform
	}
	return vulnerabilityTarget{
		ID: fmt.Sprintf("arn:aws:ecr:%s:%s:repository/%s/%s",
			img.Region, img.Account, img.Repository, img.digest),
		Type:    "AWS_ECR_CONTAINER_IMAGE",
		Details: map[string]any{"awsEcrContainerImage": details},
	}
}
