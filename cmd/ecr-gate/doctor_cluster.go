package main

import (
	"cmp"
	"context"
	"net/http"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate/doctor"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// clusterToExamine finds the cluster to look at, and returns how. Where it should be
// looked at and none is found, nobody knows whether it is fine.
func clusterToExamine(flags doctorFlags, c *config.Config) func(context.Context) []doctor.Result {
	if c.Webhook == nil && !flags.cluster {
		return func(context.Context) []doctor.Result { return nil }
	}
	ctrl.SetLogger(logr.Discard())
	cluster, err := ctrl.GetConfig()
	if err != nil {
		return noCluster(err)
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
	}.Run
}

func noCluster(err error) func(context.Context) []doctor.Result {
	return func(context.Context) []doctor.Result {
		sheet := doctor.On("cluster")
		sheet.Unknown("cluster", "it was not looked at: there is no kubeconfig here that can be read, and this is no pod ("+err.Error()+")", "aws eks update-kubeconfig --name CLUSTER, or set KUBECONFIG")
		return sheet.Results()
	}
}
