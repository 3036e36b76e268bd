package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate/doctor"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// clusterToExamine finds the cluster to look at, and returns how. Where nobody asked
// for it and none is found, that is worth a warning and no error.
func clusterToExamine(flags doctorFlags, c *config.Config) (func(context.Context) []doctor.Result, error) {
	if c.Webhook == nil && !flags.cluster {
		return func(context.Context) []doctor.Result { return nil }, nil
	}
	ctrl.SetLogger(logr.Discard())
	cluster, err := ctrl.GetConfig()
	switch {
	case err != nil && flags.cluster:
		return nil, fmt.Errorf("no cluster to be found (%w): run in a pod or set KUBECONFIG", err)
	case err != nil:
		return noCluster, nil //nolint:nilerr // noCluster says so
	}
	door := config.Webhook{}
	if door.SetDefaults(); c.Webhook != nil {
		door = *c.Webhook
	}
	inPod := ownNamespace()
	return webhook.Examination{
		Cluster: cluster, Name: flags.webhook, Namespace: cmp.Or(flags.namespace, inPod), InPod: inPod != "",
		Settings:        webhookSettings(&door, gateOf(c, nil).PolicyNames()),
		NamespaceLabels: door.NamespaceLabels,
		Review: func(ctx context.Context, client *http.Client, url string) error {
			_, err := sendReview(ctx, client, url, probeReview())
			return err
		},
	}.Run, nil
}

func noCluster(context.Context) []doctor.Result {
	sheet := doctor.On("cluster")
	sheet.Warning("cluster", "it was not looked at: there is no kubeconfig here, and this is no pod", "aws eks update-kubeconfig --name CLUSTER, or set KUBECONFIG")
	return sheet.Results()
}
