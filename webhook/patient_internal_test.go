package webhook

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-policy-agent/cert-controller/pkg/rotator"
)

// A rotation that cannot begin is begun again, and is no end of the process.
func TestRotationThatCannotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		// Without a manager it has nothing to read with, and says so at each start.
		go func() { ended <- patient{&rotator.CertRotator{}, slog.New(slog.DiscardHandler)}.Start(ctx) }()
		<-time.After(5 * renewalRetry)
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v", err)
		default:
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
