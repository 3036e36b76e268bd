package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// newWebhook is the webhook that the configuration asks for; nil: it asks for none.
func (d *doors) newWebhook(flags serveFlags, c *config.Config) (*webhook.Door, error) {
	if c.Webhook == nil {
		return nil, nil
	}
	ctrl.SetLogger(logr.FromSlogHandler(calm{d.log.Handler()}))
	klog.SetSlogLogger(d.log) // client-go's own lines
	slog.SetDefault(d.log)    // and net/http's, of a handshake that failed
	door := &webhook.Door{
		Gate: through{d, webhookDoor, d.gate.Load}, Settings: func() webhook.Settings { return *d.settings.Load() }, Log: d.log,
		Port: flags.port, CertDir: flags.certPath, Name: flags.name,
		NamespaceLabels: c.Webhook.NamespaceLabels,
		Refused:         func(r webhook.Refusal) { d.metrics.refused.WithLabelValues(string(r)).Inc() },
		Answered:        func(took time.Duration) { d.metrics.reviews.Observe(took.Seconds()) },
	}
	if err := d.reachCluster(door, flags); err != nil {
		return nil, err
	}
	return door, nil
}

// openPause is the pause before a cluster that does not answer is asked again.
const openPause = 5 * time.Second

// runWebhook opens the door as soon as the cluster answers, and runs it. That the
// API server is away for a moment must not end the process: the other door has no
// need of it.
func (d *doors) runWebhook(ctx context.Context, door *webhook.Door, open func()) error {
	for {
		err := door.Open(ctx)
		if err == nil {
			break
		}
		d.log.ErrorContext(ctx, "the webhook cannot be opened; trying again", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(openPause):
		}
	}
	d.metrics.certificate(door.CertificateExpiry)
	open()
	return door.Run(ctx)
}

// reachCluster finds the cluster, unless nothing in it is needed: with a
// certificate in a folder and no namespace watched.
func (d *doors) reachCluster(door *webhook.Door, flags serveFlags) error {
	if door.CertDir != "" && !door.NamespaceLabels {
		return nil
	}
	cluster, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("no cluster to be found (%w): run in a pod or set KUBECONFIG; with --webhook-cert-path and webhook.namespaceLabels: false none is needed", err)
	}
	door.Cluster = cluster
	if door.Namespace = cmp.Or(flags.namespace, ownNamespace()); door.Namespace == "" {
		return errors.New("no namespace: say with --namespace where the webhook's Service is")
	}
	return nil
}

// ownNamespace is the pod's own, empty outside of a cluster.
func ownNamespace() string {
	raw, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// treatments are the configuration's words; a word that is none denies.
var treatments = map[string]webhook.Treatment{config.Warn: webhook.Warn, config.Allow: webhook.Allow}

func webhookSettings(w *config.Webhook, policies []string) webhook.Settings {
	return webhook.Settings{
		Enforce: w.Enforce, Warn: w.Warn, Audit: w.Audit,
		NonECRImages:  treatments[w.NonECRImages],
		OnUnavailable: treatments[w.OnUnavailable],
		Policies:      policies,
	}
}
