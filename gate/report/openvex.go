package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/openvex/go-vex/pkg/vex"
	"github.com/package-url/packageurl-go"

	"github.com/ecr-gate/ecr-gate/gate"
)

// OpenVEX writes what the exceptions say of the findings they let pass, as one
// document. Its ID is the same as long as its statements are; without an exception
// it has none.
func OpenVEX(o Options) Format {
	return func(w io.Writer, verdicts []gate.Verdict) error {
		now := o.now().UTC()
		doc := vex.VEX{
			Metadata: vex.Metadata{
				Context: vex.ContextLocator(), Author: "ecr-gate", Timestamp: &now, Version: 1,
				Tooling: strings.TrimSpace("ecr-gate " + gate.Clean(o.Version)),
			},
			Statements: []vex.Statement{},
		}
		seen := map[string]bool{}
		hash := sha256.New()
		for _, v := range verdicts {
			for _, x := range v.Excepted {
				s := statement(v, x)
				text, err := json.Marshal(s)
				if err != nil {
					return err
				}
				if !seen[string(text)] { // a basic scan has the same finding for each package
					seen[string(text)] = true
					doc.Statements = append(doc.Statements, s)
					hash.Write(append(text, '\n'))
				}
			}
		}
		doc.ID = vex.PublicNamespace + "/public/vex-" + hex.EncodeToString(hash.Sum(nil))
		return doc.ToJSON(w)
	}
}

// statement says no more than the exceptions do. OpenVEX knows no end, and who
// reads not_affected suppresses the finding for good; so that is only said where
// the exception has no end either, gives a reason, and the statement means these
// packages and no others. Everything else is a decision to live with it for a
// while: affected, with what is to be done. The reason is an impact statement and
// no justification: which of OpenVEX's five codes it amounts to, nobody has said.
func statement(v gate.Verdict, x gate.ExceptedFinding) vex.Statement {
	product := vex.Product{Component: vex.Component{ID: productID(v)}}
	narrow := hasPURLs(x.Packages)
	for _, p := range x.Packages {
		if narrow {
			product.Subcomponents = append(product.Subcomponents, vex.Subcomponent{Component: vex.Component{ID: gate.Clean(p.PURL)}})
		}
	}
	s := vex.Statement{
		Vulnerability: vex.Vulnerability{Name: vex.VulnerabilityID(label(x.Finding))},
		Products:      []vex.Product{product},
	}
	if len(x.Related) == 1 { // several are bundled, not other names
		s.Vulnerability.Aliases = []vex.VulnerabilityID{vex.VulnerabilityID(brief(x.Related[0], longestID))}
	}
	if standsForGood(x) && (narrow || !countsElsewhere(v, x.ID)) {
		s.Status, s.ImpactStatement = vex.StatusNotAffected, reasons(x, func(n gate.ExceptionNote) string { return brief(n.Statement, longestReason) })
		return s
	}
	s.Status, s.ActionStatement = vex.StatusAffected, action(x)
	return s
}

// hasPURLs reports whether all packages can be named.
func hasPURLs(packages []gate.Package) bool {
	return len(packages) > 0 && !slices.ContainsFunc(packages, func(p gate.Package) bool { return gate.Clean(p.PURL) == "" })
}

// standsForGood reports whether every exception has a reason and no end.
func standsForGood(x gate.ExceptedFinding) bool {
	return len(x.Exceptions) > 0 && !slices.ContainsFunc(x.Exceptions, func(n gate.ExceptionNote) bool {
		return strings.TrimSpace(gate.Clean(n.Statement)) == "" || !n.ExpiresAt.IsZero()
	})
}

// countsElsewhere reports whether the same vulnerability also counts, in another
// package: a statement on the whole image would speak for that one too.
func countsElsewhere(v gate.Verdict, id string) bool {
	return slices.ContainsFunc(v.Findings, func(f gate.Finding) bool { return f.ID == id })
}

func action(x gate.ExceptedFinding) string {
	text := "accepted for the time being: " + reasons(x, func(n gate.ExceptionNote) string {
		return strings.TrimPrefix(brief(n.Statement, longestReason)+" ("+provenance(n)+")", " ")
	})
	for _, p := range x.Packages {
		if p.FixedIn != "" {
			return text + "; upgrade " + brief(p.Name, longestName) + " to " + brief(p.FixedIn, longestVersion)
		}
	}
	return text
}

func reasons(x gate.ExceptedFinding, of func(gate.ExceptionNote) string) string {
	texts := make([]string, len(x.Exceptions))
	for i, n := range x.Exceptions {
		texts[i] = of(n)
	}
	return strings.Join(slices.Compact(texts), "; ")
}

// productID is the image's package URL: by digest, in the repository it is in.
func productID(v gate.Verdict) string {
	img, err := gate.ParseImage(v.Image)
	if err != nil {
		return packageurl.NewPackageURL(packageurl.TypeOCI, "", cmp.Or(brief(v.Image, 200), "image"), gate.Clean(v.Digest), nil, "").ToString()
	}
	repository := packageurl.QualifiersFromMap(map[string]string{"repository_url": img.Registry + "/" + img.Repository})
	return packageurl.NewPackageURL(packageurl.TypeOCI, "", path.Base(img.Repository), cmp.Or(gate.Clean(v.Digest), img.Digest), repository, "").ToString()
}
