package webhook

import (
	"log/slog"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// A pair that does not fit ends the start, with where it lies and what to do.
func TestCertificateThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	err := serveTLS(t.Context(), "localhost:0", dir, nil, slog.New(slog.DiscardHandler), func(*certwatcher.CertWatcher) { t.Error("it listens") })
	if err == nil || !strings.HasPrefix(err.Error(), "the certificate in "+dir+" cannot be used: ") || !strings.HasSuffix(err.Error(), "; write tls.crt and tls.key of one issue there, and start again") {
		t.Error(err)
	}
}
