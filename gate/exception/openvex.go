package exception

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openvex/go-vex/pkg/vex"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// parseOpenVEX makes exceptions of what a document says is not_affected or fixed,
// one per statement and product. Within the document the latest word on a
// vulnerability and product holds, and of two at the same time the worse one.
func parseOpenVEX(name string, data []byte, rules Rules, now time.Time) ([]gate.Exception, strict.Faults) {
	doc, err := vex.Parse(data)
	if err != nil {
		return nil, strict.Faults{{File: name, Text: "is not OpenVEX v0.2.0 (" + misfit(err) + "); older documents need converting"}}
	}
	var claims []claim
	var faults strict.Faults
	for i := range doc.Statements {
		made, err := claimsOf(doc, i)
		if err != nil {
			faults = append(faults, strict.Fault{File: name, Path: statementPath(i), Text: err.Error()})
		}
		claims = append(claims, made...)
	}
	var exceptions []gate.Exception
	for _, c := range undisputed(claims) {
		e, ok := c.exception()
		if !ok {
			continue
		}
		e.Owner, e.Source = doc.Author, name+": "+statementPath(c.statement)
		if rules.MaxLifetime > 0 {
			e.ExpiresAt = c.when.Add(rules.MaxLifetime)
		}
		faults = append(faults, enforceStatement(rules, e, c, name, now)...)
		exceptions = append(exceptions, e)
	}
	return exceptions, distinct(faults)
}

// misfit says what the JSON library could not make a document of, without the
// names of Go types.
func misfit(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return wrong.Field + " is a " + wrong.Value
	}
	return gate.Clip(strings.TrimPrefix(err.Error(), "error: "), 200) // a faulty time is shown whole
}

// statementPath counts from 1, as people do.
func statementPath(i int) string { return fmt.Sprintf("statement %d", i+1) }

// claim is what one statement says of one product.
type claim struct {
	statement int // counted from 0
	ids       []string
	when      time.Time
	excuses   bool // not_affected or fixed
	text      string
	product   component
	parts     []component // subcomponents; none: the product as a whole
}

// claimsOf takes a statement apart. One that names no product excuses nothing,
// but still speaks against what excuses.
func claimsOf(doc *vex.VEX, i int) ([]claim, error) {
	s := &doc.Statements[i]
	if err := s.Validate(); err != nil {
		return nil, err
	}
	base := claim{statement: i, text: reasonOf(s)}
	base.excuses = s.Status == vex.StatusNotAffected || s.Status == vex.StatusFixed
	var err error
	if base.ids, err = idsOf(s.Vulnerability); err != nil {
		return nil, err
	}
	if base.when = timeOf(doc, s); base.when.IsZero() {
		return nil, errors.New("has no timestamp and nor has the document, so nobody can tell which statement is the latest; add one")
	}
	if len(s.Products) == 0 {
		return []claim{base}, nil
	}
	claims := make([]claim, len(s.Products))
	for j, p := range s.Products {
		claims[j] = base
		claims[j].product = componentOf(p.Component)
		for _, part := range p.Subcomponents {
			claims[j].parts = append(claims[j].parts, componentOf(part.Component))
		}
	}
	return claims, nil
}

func idsOf(v vex.Vulnerability) ([]string, error) {
	var ids []string
	for _, id := range append([]vex.VulnerabilityID{v.Name}, v.Aliases...) {
		if id == "" {
			continue
		}
		if err := checkID(string(id)); err != nil {
			return nil, err
		}
		ids = append(ids, string(id))
	}
	if len(ids) == 0 {
		return nil, errors.New("names no vulnerability; add its name, as CVE-2024-3094")
	}
	return ids, nil
}

func timeOf(doc *vex.VEX, s *vex.Statement) time.Time {
	for _, t := range []*time.Time{s.Timestamp, doc.Timestamp} {
		if t != nil && !t.IsZero() {
			return t.UTC()
		}
	}
	return time.Time{}
}

// reasonOf is the statement in words. OpenVEX allows no justification with fixed:
// there the status says it all.
func reasonOf(s *vex.Statement) string {
	parts := []string{string(s.Justification), s.ImpactStatement}
	if s.Status == vex.StatusFixed {
		parts = []string{string(s.Status), s.StatusNotes}
	}
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	return tidy(text(strings.Join(parts, ": ")))
}

// enforceStatement holds the rules against an exception from OpenVEX, which knows
// neither expiry nor ticket.
func enforceStatement(rules Rules, e gate.Exception, c claim, name string, now time.Time) strict.Faults {
	var faults strict.Faults
	for _, what := range rules.missing(e) {
		fault := strict.Fault{File: name}
		switch what {
		case RequireExpiredAt:
			fault.Text = "OpenVEX has no expiry, and exceptions.require asks for expired_at; set exceptions.maxLifetime, which then counts from each statement's timestamp"
		case RequireTicket:
			fault.Text = "OpenVEX has no ticket, and exceptions.require asks for one; use the YAML form"
		case RequireOwner:
			fault.Text = "the document has no author, and exceptions.require asks for owner; add it"
		default:
			fault.Path, fault.Text = statementPath(c.statement), "gives no justification, and exceptions.require asks for a statement; add it"
		}
		faults = append(faults, fault)
	}
	const clockSkew = 5 * time.Minute
	if rules.MaxLifetime > 0 && c.when.After(now.Add(clockSkew)) {
		faults = append(faults, strict.Fault{File: name, Path: statementPath(c.statement),
			Text: fmt.Sprintf("is dated in the future (%s), so maxLifetime cannot count from there; correct its timestamp", c.when.Format(time.RFC3339))})
	}
	return faults
}

// distinct drops what was said before: a fault of the document shows at each of
// its statements.
func distinct(faults strict.Faults) strict.Faults {
	seen := map[strict.Fault]bool{}
	return slices.DeleteFunc(faults, func(f strict.Fault) bool {
		again := seen[f]
		seen[f] = true
		return again
	})
}
