package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/exception"
	"github.com/ecr-gate/ecr-gate/gate/exception/strict"
)

// prunable is a file with its entries, and why some of them go.
type prunable struct {
	name, path string
	data       []byte
	entries    []gate.Exception
	why        map[int]string // by the entry's place
	removed    int
}

type prunables []*prunable

// readPrunables reads each file once: what is judged is what is changed.
func readPrunables(list exceptionFiles, now time.Time) (prunables, error) {
	var files prunables
	var faults strict.Faults
	for _, name := range list.files {
		file := &prunable{name: name, path: list.path(name), why: map[int]string{}}
		data, err := strict.ReadFile(file.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			faults = append(faults, strict.Fault{File: name, Text: "no such file"})
			continue
		case err != nil:
			faults = append(faults, strict.Fault{File: name, Text: err.Error()})
			continue
		}
		var wrong strict.Faults
		file.data = data
		file.entries, err = exception.Parse(name, data, list.rules(), now)
		if errors.As(err, &wrong) {
			faults = append(faults, wrong...)
		}
		files = append(files, file)
	}
	return files, faults.Err()
}

func (p prunables) markExpired(now time.Time) {
	for _, file := range p {
		for i, e := range file.entries {
			if e.Lapsed(now) {
				file.why[i] = "expired at " + e.ExpiresAt.UTC().Format(time.RFC3339)
			}
		}
	}
}

// markUnused marks what applies to some of the images and fits no finding in any.
func (p prunables) markUnused(ctx context.Context, list exceptionFiles, flags pruneFlags) error {
	if len(flags.unused) == 0 {
		return nil
	}
	g, err := newGate(ctx, list.config)
	if err != nil {
		return err
	}
	if err := mustKnowPolicy(g, flags.policy); err != nil {
		return err
	}
	g.Exceptions = nil
	for _, file := range p {
		g.Exceptions = append(g.Exceptions, file.entries...)
	}
	applies, fits := make([]bool, len(g.Exceptions)), make([]bool, len(g.Exceptions))
	for _, image := range flags.unused {
		m := g.Matching(ctx, gate.Request{Image: image, Policy: flags.policy})
		if !m.Complete {
			return failed{errors.New("nothing was changed, for an image could not be looked at: " + m.Verdict.Reason)}
		}
		for i := range g.Exceptions {
			applies[i] = applies[i] || m.Applies[i]
			fits[i] = fits[i] || m.Fits[i]
		}
	}
	for _, file := range p {
		for i := range file.entries {
			if applies[i] && !fits[i] {
				file.why[i] = "fits nothing in " + count(len(flags.unused), "image", "images")
			}
		}
		applies, fits = applies[len(file.entries):], fits[len(file.entries):]
	}
	return nil
}

// prune takes out what was marked, in memory, and tells of it in the manner of a
// diff.
func (p prunables) prune(b *strings.Builder) error {
	for _, file := range p {
		if exception.IsOpenVEX(file.data) {
			for i, e := range file.entries {
				if why := file.why[i]; why != "" {
					b.WriteString(gate.Clean(e.Source+": "+why) + "; left alone: OpenVEX is not edited here\n")
				}
			}
			continue
		}
		data, cuts, err := exception.Prune(file.name, file.data, func(i int) bool { return file.why[i] != "" })
		if err != nil {
			return err
		}
		file.tell(b, cuts)
		file.data, file.removed = data, len(cuts)
	}
	return nil
}

func (p *prunable) tell(b *strings.Builder, cuts []exception.Cut) {
	if len(cuts) > 0 {
		b.WriteString("--- " + gate.Clean(p.path) + "\n")
	}
	for i, e := range p.entries {
		if p.why[i] == "" {
			continue
		}
		cut := cuts[0]
		cuts = cuts[1:]
		fmt.Fprintf(b, "@@ %s %s\n", gate.Clean(strings.TrimPrefix(e.Source, p.name+": ")), p.why[i])
		for _, line := range cut.Lines {
			b.WriteString("-" + gate.Clean(strings.TrimRight(line, "\r\n")) + "\n")
		}
	}
}
