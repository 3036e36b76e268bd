package exception

import (
	"strings"

	"github.com/openvex/go-vex/pkg/vex"
	"github.com/package-url/packageurl-go"

	"github.com/ecr-gate/ecr-gate/gate"
)

// component is an OpenVEX product or subcomponent. The zero value is one that
// nothing identifies, which may be any.
type component struct {
	id   string
	purl *packageurl.PackageURL // nil: it has none, so it cannot be evaluated
	// narrowed says that more identifies it than the purl, which cannot be
	// evaluated: the purl alone would be too wide.
	narrowed bool
}

// narrowed finds hashes, identifiers that are no purl, and a second purl.
func narrowed(from vex.Component) bool {
	purl, other := from.Identifiers[vex.PURL], len(from.Identifiers)
	if purl != "" {
		other--
	}
	_, err := packageurl.FromString(from.ID)
	return len(from.Hashes) > 0 || other > 0 || err == nil && purl != "" && purl != from.ID ||
		openEnd(from.ID) != "" || openEnd(purl) != ""
}

// componentOf takes the ID if that is a purl, and else the purl among the
// identifiers. Hashes and CPEs cannot be compared with what ECR tells.
func componentOf(from vex.Component) component {
	c := component{id: from.ID, narrowed: narrowed(from)}
	for _, written := range []string{from.ID, from.Identifiers[vex.PURL]} {
		if purl, err := packageurl.FromString(written); err == nil && c.purl == nil {
			c.purl = &purl
		}
	}
	return c
}

// overlaps reports whether two may be the same: what one leaves open, the other
// may say.
func (c component) overlaps(d component) bool {
	switch {
	case c.anonymous() || d.anonymous():
		return true
	case c.purl == nil || d.purl == nil:
		return c.id == d.id
	}
	return c.purl.Type == d.purl.Type && c.purl.Namespace == d.purl.Namespace && c.purl.Name == d.purl.Name &&
		agree(c.purl.Version, d.purl.Version) &&
		agree(c.repository(), d.repository())
}

func (c component) anonymous() bool { return c.id == "" && c.purl == nil }

func (c component) repository() string { return c.purl.Qualifiers.Map()["repository_url"] }

func agree(a, b string) bool { return a == "" || b == "" || a == b }

// exception returns the exception that a claim makes, and false where its scope
// cannot be evaluated against an ECR scan, or not in full:
//
//   - an image (pkg:oci) may be named by digest, by repository_url or by name
//     alone, and by no other qualifier: a tag moves, and no scan tells it;
//   - its subcomponents count if they are purls; if none is, nothing is left;
//   - any other purl is a package inside the image, at any place in it. With
//     subcomponents it is a package that contains another; which contains which
//     no scan tells.
func (c claim) exception() (gate.Exception, bool) {
	e := gate.Exception{IDs: c.ids, Statement: c.text}
	switch {
	case c.product.purl == nil, c.product.narrowed:
		return e, false
	case c.product.purl.Type == packageurl.TypeOCI:
		return e, scopeImage(*c.product.purl, &e) && c.scopeParts(&e)
	default:
		e.PURLs = []packageurl.PackageURL{*c.product.purl}
		return e, len(c.parts) == 0 && evaluable(*c.product.purl)
	}
}

func (c claim) scopeParts(e *gate.Exception) bool {
	for _, part := range c.parts {
		if part.purl != nil && !part.narrowed && evaluable(*part.purl) {
			e.PURLs = append(e.PURLs, *part.purl)
		}
	}
	return len(c.parts) == 0 || len(e.PURLs) > 0
}

// evaluable mirrors what the gate compares of a package's purl.
func evaluable(p packageurl.PackageURL) bool {
	return len(p.Qualifiers) == 0 && p.Subpath == ""
}

// scopeImage makes digests and repositories of an image's purl.
func scopeImage(p packageurl.PackageURL, e *gate.Exception) bool {
	if p.Namespace != "" || p.Subpath != "" || p.Version != "" && !digestForm.MatchString(p.Version) {
		return false
	}
	if p.Version != "" {
		e.Digests = []string{p.Version}
	}
	e.Repositories = []string{literal(p.Name), "**/" + literal(p.Name)}
	for _, q := range p.Qualifiers {
		repository, ok := repositoryOf(q.Value, p.Name)
		if q.Key != "repository_url" || !ok {
			return false
		}
		e.Repositories = []string{literal(repository)}
	}
	return true
}

// repositoryOf reads a repository_url, HOST/REPOSITORY, in the form in which the
// gate names repositories. One that does not end in the image's name may leave
// the name out or mean another image: nobody can tell.
func repositoryOf(url, name string) (string, bool) {
	host, repository, ok := strings.Cut(url, "/")
	if !ok || host == "" || repository != name && !strings.HasSuffix(repository, "/"+name) {
		return "", false
	}
	return strings.TrimSuffix(strings.ToLower(host), ":443") + "/" + repository, true
}

// literal makes a glob that matches this text only.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`).Replace(text)
}
