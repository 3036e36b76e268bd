package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

type serveFlags struct {
	config  string
	metrics string
	probes  string
}

func newServe(io streams) *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the doors that the configuration opens",
		Long: `Run the doors that the configuration file opens: the CodePipeline job worker if
it has a pipeline block.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), flags, slog.New(slog.NewJSONHandler(io.err, nil)))
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.config, "config", "", "configuration file (required)")
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
	if c.Webhook != nil {
		return errors.New("this version has no webhook yet: take the webhook block out of the configuration")
	}
	if c.Pipeline == nil {
		return errors.New("the configuration opens no door: add a pipeline block")
	}
	m := newMetrics()
	env, err := awsEnvironment(ctx, c)
	if err != nil {
		return err
	}
	if env.Region == "" {
		return errors.New("no AWS Region: set aws.region in the configuration, or AWS_REGION")
	}
	env = m.observe(env)
	d := &doors{metrics: m, log: log, env: env}
	d.use(c)
	return d.run(ctx, flags, c)
}

// doors share one gate, which a new configuration replaces.
type doors struct {
	metrics *metrics
	log     *slog.Logger
	env     aws.Config
	gate    atomic.Pointer[gate.Gate]
}

// use puts a configuration in force. What the doors themselves were started with
// (action type, Region) stays until the next start.
func (d *doors) use(c *config.Config) {
	d.gate.Store(gateOf(c, d.env))
	d.metrics.reload.Set(1)
	d.metrics.exceptions.Reset()
	now := time.Now()
	states := map[string]float64{"active": 0, "expiring": 0, "expired": 0}
	for _, e := range c.GateExceptions() {
		switch {
		case e.Lapsed(now):
			states["expired"]++
		case e.Lapsed(now.Add(gate.SoonExpiring)):
			states["expiring"]++
		default:
			states["active"]++
		}
	}
	for state, n := range states {
		d.metrics.exceptions.WithLabelValues(state).Set(n)
	}
	d.log.Info("configuration in force", "policies", len(c.Policies), "exceptions", len(c.GateExceptions()))
	for _, w := range c.Warnings {
		d.log.Warn("configuration", "warning", w)
	}
}

// keep says that a new configuration was refused and the last good one holds.
func (d *doors) keep(err error) {
	d.metrics.reload.Set(0)
	d.log.Error("the new configuration is refused; the last good one stays in force", "error", err)
}

// Check implements [pipeline.Checker] with the configuration of the moment.
func (d *doors) Check(ctx context.Context, req gate.Request) gate.Verdict {
	start := time.Now()
	v := d.gate.Load().Check(ctx, req)
	d.metrics.verdict("pipeline", v, time.Since(start).Seconds())
	return v
}

func (d *doors) run(ctx context.Context, flags serveFlags, c *config.Config) error {
	group, ctx := errgroup.WithContext(ctx)
	metrics := http.NewServeMux()
	metrics.Handle("/metrics", promhttp.HandlerFor(d.metrics.registry, promhttp.HandlerOpts{}))
	if err := listen(ctx, group, flags.metrics, metrics); err != nil {
		return err
	}
	if err := listen(ctx, group, flags.probes, probes()); err != nil {
		return err
	}
	worker := pipeline.Worker{
		Config: d.env, Gate: d, ActionType: actionType(c), RegistryHost: ecr.RegistryHost,
		MaxWait: c.Pipeline.MaxWait, PollInterval: c.Pipeline.PollInterval, Concurrency: c.Pipeline.Concurrency,
		Log: d.log, Counts: d.metrics.job,
	}
	group.Go(func() error { return worker.Run(ctx) })
	group.Go(func() error { return config.Watch(ctx, flags.config, time.Now, d.use, d.keep) })
	d.log.Info("serving", "version", versionText(), "doors", "pipeline")
	if err := group.Wait(); err != nil {
		return failed{err}
	}
	return nil
}

func probes() http.Handler {
	mux := http.NewServeMux()
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }
	mux.HandleFunc("/healthz", ok)
	mux.HandleFunc("/readyz", ok)
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
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
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
