package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

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
	now := clock()
	c, err := config.Load(flags.config, now())
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
	d := newDoors(m, log, m.observe(env), now)
	defer d.close()
	d.use(c)
	return d.run(ctx, flags, c)
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
		worker := d.worker(c, flags.config)
		group.Go(func() error { return worker.Run(ctx) })
	}
	group.Go(func() error { return config.Watch(ctx, flags.config, d.now, d.use, d.keep) })
	d.log.Info("serving", "version", versionText(), "doors", strings.Join(open, ","))
	if err := group.Wait(); err != nil {
		return failed{err}
	}
	return nil
}
