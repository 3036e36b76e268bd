package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

func newActionType(io streams) *cobra.Command {
	var configFile string
	var register bool
	cmd := &cobra.Command{
		Use:   "action-type",
		Short: "Print the CodePipeline action type for CloudFormation, or register it",
		Long: `Print the custom action type as a CloudFormation template, or register it in
the account and Region of the AWS environment with --register. A Region in the
configuration file comes before the environment's, as it does for serve.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(configFile)
			if err != nil {
				return err
			}
			if register {
				return registerActionType(cmd.Context(), io, c)
			}
			return printActionType(io, configuredActionType(c))
		},
	}
	cmd.Flags().StringVar(&configFile, "config", "", "configuration file (default: Test/Custom/EcrGate/1)")
	cmd.Flags().BoolVar(&register, "register", false, "create the action type in AWS")
	return cmd
}

// configuredActionType is the default one where the configuration has no pipeline.
func configuredActionType(c *config.Config) pipeline.ActionType {
	if c.Pipeline == nil {
		return pipeline.ActionType{}
	}
	return actionType(c)
}

func printActionType(io streams, action pipeline.ActionType) error {
	in := action.Definition()
	properties := make([]map[string]any, len(in.ConfigurationProperties))
	for i, p := range in.ConfigurationProperties {
		properties[i] = map[string]any{
			"Name": p.Name, "Description": p.Description, "Type": p.Type,
			"Key": p.Key, "Required": p.Required, "Secret": p.Secret,
		}
	}
	template := map[string]any{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "The CodePipeline action of ecr-gate",
		"Resources": map[string]any{"EcrGateActionType": map[string]any{
			"Type": "AWS::CodePipeline::CustomActionType",
			"Properties": map[string]any{
				"Category": in.Category, "Provider": in.Provider, "Version": in.Version,
				"InputArtifactDetails":    in.InputArtifactDetails,
				"OutputArtifactDetails":   in.OutputArtifactDetails,
				"Settings":                map[string]any{"ExecutionUrlTemplate": in.Settings.ExecutionUrlTemplate},
				"ConfigurationProperties": properties,
			},
		}},
	}
	encoder := json.NewEncoder(io.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(template)
}

func registerActionType(ctx context.Context, io streams, c *config.Config) error {
	action := configuredActionType(c)
	env, err := awsEnvironment(ctx, c)
	if err != nil {
		return err
	}
	if env.Region == "" {
		return errors.New("no AWS Region to register the action type in: set AWS_REGION")
	}
	err = createActionType(ctx, env, action)
	switch {
	case alreadyThere(err):
		_, err = fmt.Fprintf(io.out, "%s is registered in %s already\n", action, env.Region)
		return err
	case ecr.IsCredentialError(err):
		return failed{fmt.Errorf("%s is not registered: there are no AWS credentials; log in, or set AWS_PROFILE", action)}
	case err != nil:
		return failed{fmt.Errorf("%s is not registered: %w", action, err)}
	}
	_, err = fmt.Fprintf(io.out, "registered %s in %s\n", action, env.Region)
	return err
}

// alreadyThere goes by AWS's text: it has no error code for it.
func alreadyThere(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && strings.Contains(api.ErrorMessage(), "already exist")
}

func createActionType(ctx context.Context, env aws.Config, action pipeline.ActionType) error {
	_, err := codepipeline.NewFromConfig(env).CreateCustomActionType(ctx, action.Definition())
	return err
}
