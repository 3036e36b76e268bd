package exception

import (
	"fmt"
	"slices"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// What [Rules] may require of every entry.
const (
	RequireStatement = "statement"
	RequireExpiredAt = "expired_at"
	RequireOwner     = "owner"
	RequireTicket    = "ticket"
)

// Requirable lists all that [Rules] may require.
func Requirable() []string {
	return []string{RequireStatement, RequireExpiredAt, RequireOwner, RequireTicket}
}

// Rules are what every entry must fulfil. The zero value asks for nothing.
type Rules struct {
	Require []string // some of [Requirable]
	// MaxLifetime is the most that an entry's end may be away from now; 0: any
	// time. An entry without an end outlives every limit, so it breaks this rule
	// whether expired_at is required or not.
	MaxLifetime time.Duration
}

func (r Rules) requires(what string) bool { return slices.Contains(r.Require, what) }

// missing lists, in the order of [Requirable], what an entry lacks.
func (r Rules) missing(e gate.Exception) []string {
	given := map[string]bool{
		RequireStatement: e.Statement != "",
		RequireExpiredAt: !e.ExpiresAt.IsZero(),
		RequireOwner:     e.Owner != "",
		RequireTicket:    e.Ticket != "",
	}
	var missing []string
	for _, what := range Requirable() {
		if !given[what] && r.requires(what) {
			missing = append(missing, what)
		}
	}
	return missing
}

// outlives returns what is wrong with the end of an entry, "" if nothing is. An
// end in the past is not: the gate reports it.
func (r Rules) outlives(e gate.Exception, now time.Time) string {
	latest := now.Add(r.MaxLifetime).UTC().Truncate(time.Second)
	switch {
	case r.MaxLifetime <= 0:
		return ""
	case e.ExpiresAt.IsZero() && r.requires(RequireExpiredAt):
		return "" // said already
	case e.ExpiresAt.IsZero():
		return fmt.Sprintf("has no end, and maxLifetime is %s; let it expire at %s or before", r.MaxLifetime, latest.Format(time.RFC3339))
	case e.ExpiresAt.After(latest):
		return fmt.Sprintf("%s is farther away than maxLifetime (%s) allows; the latest is %s",
			e.ExpiresAt.Format(time.RFC3339), r.MaxLifetime, latest.Format(time.RFC3339))
	default:
		return ""
	}
}
