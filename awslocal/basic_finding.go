package awslocal

import (
	"maps"
	"slices"
)

// basicFindingBody is a finding of a basic scan on the wire. It has no word on
// fixes.
type basicFindingBody struct {
	Name        string      `json:"name,omitempty"`
	Description string      `json:"description,omitempty"`
	URI         string      `json:"uri,omitempty"`
	Severity    string      `json:"severity,omitempty"`
	Attributes  []attribute `json:"attributes,omitempty"`
}

type attribute struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func basicFindings(findings []Finding) []basicFindingBody {
	if findings == nil {
		return nil
	}
	bodies := make([]basicFindingBody, len(findings))
	for i, f := range findings {
		bodies[i] = basicFindingBody{f.Name, f.Description, f.URI, f.Severity, attributesOf(f)}
	}
	return bodies
}

func attributesOf(f Finding) []attribute {
	var all []attribute
	if f.Version != "" {
		all = append(all, attribute{"package_version", f.Version})
	}
	if f.Package != "" {
		all = append(all, attribute{"package_name", f.Package})
	}
	for _, key := range slices.Sorted(maps.Keys(f.Attributes)) {
		all = append(all, attribute{key, f.Attributes[key]})
	}
	return all
}
