package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// openWebhook makes the webhook ready to run; nil: the configuration opens none.
func (d *doors) openWebhook(ctx context.Context, flags serveFlags, c *config.Config) (*webhook.Door, error) {
	if c.Webhook == nil {
		return nil, nil
	}
	ctrl.SetLogger(logr.FromSlogHandler(d.log.Handler()))
	klog.SetSlogLogger(d.log) // client-go's own lines
	door := &webhook.Door{
		Gate: through{d, "webhook"}, Settings: func() webhook.Settings { return *d.settings.Load() }, Log: d.log,
		Port: flags.port, CertDir: flags.certPath, Name: flags.name,
		NamespaceLabels: c.Webhook.NamespaceLabels,
	}
	if err := d.reachCluster(door, flags); err != nil {
		return nil, err
	}
	if err := door.Open(ctx); err != nil {
		return nil, failed{err}
	}
	d.metrics.certificate(door.CertificateExpiry)
	return door, nil
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
