package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/doctor"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

type doctorFlags struct {
	config    string
	output    string
	cluster   bool
	namespace string
	webhook   string
}

func newDoctor(io streams) *cobra.Command {
	var flags doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor [IMAGE...]",
		Short: "Check permissions, scan configuration and the cluster, and say how to mend them",
		Long: `Ask AWS and the cluster, one thing after the other, whether the gate can do its
work, and print for each what is fine or the exact mend. Nothing is changed.

Name one image of each repository; without any, only what can be asked without
one is looked at. CodePipeline is looked at if the configuration has a pipeline
block, the cluster if it has a webhook block, or with --cluster. Without a
kubeconfig, and outside a pod, the cluster is unknown.

Exit codes: 0 all is fine (there may be warnings), 1 something has to be mended,
3 something could not be asked, 2 the command or the configuration is wrong.`,
		Example: `  ecr-gate doctor --config ecr-gate.yaml 111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4
  kubectl -n ecr-gate exec deploy/ecr-gate -- /ecr-gate doctor --config /etc/ecr-gate/config.yaml IMAGE`,
		RunE: func(cmd *cobra.Command, args []string) error { return examine(cmd.Context(), io, flags, args) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.config, "config", "", "configuration file (default: the built-in policy, and no door)")
	f.StringVarP(&flags.output, "output", "o", "text", "text or json")
	f.BoolVar(&flags.cluster, "cluster", false, "look at the cluster, whatever the configuration says")
	f.StringVar(&flags.namespace, "namespace", "", "namespace of the webhook's Service (default: as the ValidatingWebhookConfiguration says)")
	f.StringVar(&flags.webhook, "webhook-name", "ecr-gate", "name of the Service and of the ValidatingWebhookConfiguration")
	return cmd
}

func examine(ctx context.Context, io streams, flags doctorFlags, args []string) error {
	if flags.output != "text" && flags.output != "json" {
		return fmt.Errorf("--output %s: write text or json", flags.output)
	}
	images, err := imagesToExamine(args)
	if err != nil {
		return err
	}
	c, err := loadConfig(flags.config)
	if err != nil {
		return err
	}
	warnAbout(io.err, c)
	env, err := awsEnvironment(ctx, c)
	if err != nil {
		return err
	}
	cluster := clusterToExamine(flags, c)
	progress := newProgress(io.err, len(images))
	progress.show("asking AWS")
	results, access := examineAWS(ctx, flags, c, env, images, progress)
	progress.show("asking the cluster")
	inCluster := cluster(ctx)
	progress.done()
	results = append(results, inCluster...)
	if err := printResults(io, flags, results); err != nil {
		return failed{err}
	}
	if access == ecr.NoCredentials && len(inCluster) == 0 {
		return exit(exitNoAnswer)
	}
	return exitOf(results)
}

// imagesToExamine reads every reference, each once.
func imagesToExamine(args []string) ([]gate.Image, error) {
	var images []gate.Image
	for _, written := range args {
		img, err := parseReference(written)
		if err != nil {
			return nil, err
		}
		img.Registry = ecr.CanonicalHost(img.Registry)
		if !slices.Contains(images, img) {
			images = append(images, img)
		}
	}
	return images, nil
}

func examineAWS(ctx context.Context, flags doctorFlags, c *config.Config, env aws.Config, images []gate.Image, progress *progress) ([]doctor.Result, ecr.Access) {
	registry := ecr.Examination{Config: env, Registries: registries(c), Policies: c.GatePolicies(), Polls: c.Pipeline != nil}
	results, access := registry.Run(ctx, images, progress.examined)
	if c.Pipeline == nil || access != ecr.Usable {
		return results, access
	}
	progress.show("asking CodePipeline")
	jobs := pipeline.Examination{Config: env, ActionType: actionType(c), Caller: registry.Caller(), ConfigFile: flags.config}
	return append(results, jobs.Run(ctx)...), access
}

func printResults(io streams, flags doctorFlags, results []doctor.Result) error {
	if flags.output == "json" {
		return doctor.JSON(io.out, results)
	}
	return doctor.Text(io.out, results, colourful(io.out))
}

// exitOf makes a code of the results. What could not be told is not fine.
func exitOf(results []doctor.Result) error {
	switch doctor.Worst(results) {
	case doctor.Fault:
		return exit(exitDenied)
	case doctor.Unknown:
		return exit(exitNoAnswer)
	default:
		return nil
	}
}
