package main

import (
	"context"
	"log/slog"
	"strings"
)

// calm lowers what libraries call errors and operators need not read at night: the
// replica that comes second writes the same certificate, and tries again.
type calm struct{ slog.Handler }

// passing are the beginnings of lines after which the library tries again by
// itself, with success.
var passing = []string{
	"could not refresh CA and server certs",    // cert-controller: the other replica was first
	"could not refresh server certs",           // likewise
	"secret is not well-formed, cannot update", // cert-controller: before the first certificate
	"Error updating webhook with certificate",  // cert-controller: the other replica was first
	"Webhook not found. Unable to update",      // cert-controller: it is not there yet, or switched off
	"error re-reading certificate",             // certwatcher: between the key and its certificate
	"Reconciler error",                         // controller-runtime: after any of these
}

// Handle implements slog.Handler.
func (c calm) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		for _, start := range passing {
			if strings.HasPrefix(r.Message, start) {
				r.Level = slog.LevelInfo
			}
		}
	}
	return c.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (c calm) WithAttrs(attrs []slog.Attr) slog.Handler { return calm{c.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (c calm) WithGroup(name string) slog.Handler { return calm{c.Handler.WithGroup(name)} }
