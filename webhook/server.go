package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// What a connection may cost before a review has come: controller-runtime's own
// server takes a mebibyte of headers from any number of connections.
const (
	maxConnections = 2048
	maxPerPeer     = 512 // of those, from one address: no pod alone can take them all
	maxHeader      = 16 << 10
	headerTimeout  = 5 * time.Second
	idleTimeout    = 90 * time.Second // as net/http's clients keep one
)

// drainTime is how long connections are closed one by one before the server is
// shut down. By then no new ones come: the chart's preStop has seen to that.
const drainTime = 3 * time.Second

// serveTLS answers with the certificate in a folder, tls.crt and tls.key, which is
// watched, until ctx is done and all reviews in hand are answered. It calls
// listening once connections are accepted, with what they get.
func serveTLS(ctx context.Context, address, certDir string, endpoint *Endpoint, log *slog.Logger, listening func(*certwatcher.CertWatcher)) error {
	certificate, err := certwatcher.New(filepath.Join(certDir, certFile), filepath.Join(certDir, keyFile))
	if err != nil {
		return fmt.Errorf("the certificate in %s cannot be used: %w; write %s and %s of one issue there, and start again", certDir, err, certFile, keyFile)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	listener = tls.NewListener(newCrowd(listener, maxConnections, maxPerPeer, endpoint.turnAway(ctx, log)), &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: certificate.GetCertificate,
		// As the API server asks webhooks (kubernetes#75791): HTTP/2 would serve only
		// those who wish us ill.
		NextProtos: []string{"http/1.1"},
	})
	server := newServer(endpoint, log)
	go func() {
		if err := certificate.Start(ctx); err != nil {
			log.ErrorContext(ctx, "the certificate is not watched any more", "error", err)
		}
	}()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	listening(certificate)
	log.InfoContext(ctx, "answering reviews", "address", address)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	return shutDown(ctx, server, endpoint, ended)
}

// newServer is the HTTP side without its connections. It has one path, and no mux, which
// would redirect others.
func newServer(endpoint *Endpoint, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != Path {
				leaveUnread(w)
				http.NotFound(w, r)
				return
			}
			endpoint.ServeHTTP(w, r)
		}),
		MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// shutDown closes connections with their next answers first: see Endpoint.Drain.
func shutDown(ctx context.Context, server *http.Server, endpoint *Endpoint, ended <-chan error) error {
	endpoint.Drain()
	ctx = context.WithoutCancel(ctx)
	drained, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	<-drained.Done()
	last, cancelLast := context.WithTimeout(ctx, longestTimeout)
	defer cancelLast()
	if err := server.Shutdown(last); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// addressOf is where to listen; an empty host is every address.
func addressOf(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
