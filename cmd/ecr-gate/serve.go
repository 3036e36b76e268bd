package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ecr-gate/ecr-gate/config"
)

type serveFlags struct {
	config    string
	metrics   string
	probes    string
	port      int
	certPath  string
	name      string
	namespace string
}

func newServe(io streams) *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the doors that the configuration opens",
		Long: `Run the doors that the configuration file opens: the admission webhook if it has
a webhook block, the CodePipeline job worker if it has a pipeline block.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), flags, slog.New(slog.NewJSONHandler(io.err, nil)))
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.config, "config", "", "configuration file (required)")
	f.IntVar(&flags.port, "webhook-port", 9443, "where reviews are answered, over TLS")
	f.StringVar(&flags.certPath, "webhook-cert-path", "", "folder with tls.crt and tls.key (default: own certificates, kept in the cluster)")
	f.StringVar(&flags.name, "webhook-name", "ecr-gate", "name of the Service and of the ValidatingWebhookConfiguration; own certificates are in Secret NAME-webhook-cert")
	f.StringVar(&flags.namespace, "namespace", "", "namespace of the webhook's Service (default: the pod's own)")
	f.StringVar(&flags.metrics, "metrics-bind-address", ":8080", "where /metrics is served; 0 turns it off")
	f.StringVar(&flags.probes, "health-probe-bind-address", ":8081", "where /healthz and /readyz are served; 0 turns them off")
	return cmd
}

func serve(ctx context.Context, flags serveFlags, log *slog.Logger) error {
	if flags.config == "" {
		return errors.New("serve needs --config FILE: it says which doors to open")
	}
	c, err := config.Load(flags.config, time.Now())
	if err != nil {
		return err
	}
	if c.Webhook == nil && c.Pipeline == nil {
		return errors.New("the configuration opens no door: add a webhook block, a pipeline block or both")
	}
	collectSeldom()
	m := newMetrics()
	env, err := awsEnvironment(ctx, c)
	if err != nil {
		return err
	}
	if c.Pipeline != nil && env.Region == "" {
		return errors.New("no AWS Region to poll jobs in: set aws.region in the configuration, or AWS_REGION")
	}
	d := newDoors(m, log, m.observe(env))
	defer d.close()
	d.use(c)
	return d.run(ctx, flags, c)
}

// gcPercent lets the heap grow to five times what is alive before it is collected.
// That is little for most of the time, so Go's own 100 would collect many times in
// a second under load, and one review in a hundred would wait for it.
const gcPercent = 400

// collectSeldom is for a process with a memory limit (GOMEMLIMIT, which the chart
// sets): near it Go collects as often as it takes. GOGC, if it is set, holds.
func collectSeldom() {
	if os.Getenv("GOGC") == "" && debug.SetMemoryLimit(-1) != math.MaxInt64 {
		debug.SetGCPercent(gcPercent)
	}
}

func (d *doors) run(ctx context.Context, flags serveFlags, c *config.Config) error {
	group, ctx := errgroup.WithContext(ctx)
	hook, err := d.newWebhook(flags, c)
	if err != nil {
		return err
	}
	pages := http.NewServeMux()
	pages.Handle("/metrics", d.metrics.handler())
	if err := listen(ctx, group, flags.metrics, pages); err != nil {
		return err
	}
	var opened atomic.Bool
	ready := func(ctx context.Context) error {
		switch {
		case hook == nil:
			return nil
		case !opened.Load():
			return errors.New("the webhook is not open yet")
		default:
			return hook.Ready(ctx)
		}
	}
	if err := listen(ctx, group, flags.probes, probes(ready)); err != nil {
		return err
	}
	var open []string
	if hook != nil {
		open = append(open, webhookDoor)
		group.Go(func() error { return d.runWebhook(ctx, hook, func() { opened.Store(true) }) })
	}
	if c.Pipeline != nil {
		open = append(open, pipelineDoor)
		worker := d.worker(c)
		group.Go(func() error { return worker.Run(ctx) })
	}
	group.Go(func() error { return config.Watch(ctx, flags.config, time.Now, d.use, d.keep) })
	d.log.Info("serving", "version", versionText(), "doors", strings.Join(open, ","))
	if err := group.Wait(); err != nil {
		return failed{err}
	}
	return nil
}

// probes says that the process works, and that it can answer: a webhook that the
// API server does not trust yet is not ready. AWS is asked by neither: a restart
// does not mend it.
func probes(ready func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }
	mux.HandleFunc("/healthz", ok)
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		ok(w, r)
	})
	return mux
}

// listen serves until ctx is done. An address in use is told before anything
// else starts.
func listen(ctx context.Context, group *errgroup.Group, address string, handler http.Handler) error {
	if address == "0" || address == "" {
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("cannot listen on %s (%w): give another address with --metrics-bind-address or --health-probe-bind-address", address, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return server.Shutdown(grace)
	})
	return nil
}
