package exception

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// parsePlain reads a .trivyignore: an ID to a line, exp:YYYY-MM-DD after it if it
// ends, # before comments. Where Trivy drops what it cannot read, this refuses.
func parsePlain(name string, data []byte, rules Rules, now time.Time) ([]gate.Exception, strict.Faults) {
	var exceptions []gate.Exception
	var faults strict.Faults
	for i, line := range strings.Split(string(data), "\n") {
		fields := fieldsOf(line)
		if len(fields) == 0 {
			continue
		}
		e, err := readLine(fields)
		if err == nil {
			err = enforceLine(rules, e, now)
		}
		if err != nil {
			faults = append(faults, strict.Fault{File: name, Line: i + 1, Text: err.Error()})
			continue
		}
		e.Source = fmt.Sprintf("%s: line %d", name, i+1)
		exceptions = append(exceptions, e)
	}
	return exceptions, faults
}

// fieldsOf splits a line and cuts off its comment.
func fieldsOf(line string) []string {
	fields := strings.Fields(line)
	for i, field := range fields {
		if strings.HasPrefix(field, "#") {
			return fields[:i]
		}
	}
	return fields
}

func readLine(fields []string) (gate.Exception, error) {
	e := gate.Exception{IDs: fields[:1]}
	if err := checkID(fields[0]); err != nil {
		return e, err
	}
	if strings.HasSuffix(fields[0], ":") || fields[0] == "-" {
		return e, fmt.Errorf("%s looks like YAML; name the file .yaml", strict.Quote(fields[0]))
	}
	for _, field := range fields[1:] {
		date, ok := strings.CutPrefix(field, "exp:")
		if !ok || !e.ExpiresAt.IsZero() {
			return e, fmt.Errorf("%s after %s means nothing here; only exp:YYYY-MM-DD or a # comment may follow", strict.Quote(field), fields[0])
		}
		expires, err := strict.Instant(date)
		if err != nil {
			return e, err
		}
		e.ExpiresAt = expires
	}
	return e, nil
}

func enforceLine(rules Rules, e gate.Exception, now time.Time) error {
	if missing := rules.missing(e); len(missing) > 0 {
		what := missing[0]
		if what == RequireExpiredAt {
			return fmt.Errorf("%s has no end, and exceptions.require asks for expired_at; write exp:YYYY-MM-DD after it", e.IDs[0])
		}
		return fmt.Errorf("exceptions.require asks for %s, which plain .trivyignore cannot hold; use the YAML form", what)
	}
	if text := rules.outlives(e, now); text != "" {
		return errors.New(e.IDs[0] + ": " + text)
	}
	return nil
}
