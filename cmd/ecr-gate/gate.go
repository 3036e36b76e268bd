package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// loadConfig reads the file; without one the built-in policy holds.
func loadConfig(file string) (*config.Config, error) {
	if file == "" {
		return config.Default(), nil
	}
	return config.Load(file, time.Now())
}

// warnAbout prints what is right but likely not meant.
func warnAbout(w io.Writer, c *config.Config) {
	for _, warning := range c.Warnings {
		_, _ = fmt.Fprintf(w, "ecr-gate: warning: %s\n", warning)
	}
}

// openGate is the gate of a command: by its configuration file, with the policy it
// names, which may be empty.
func openGate(ctx context.Context, io streams, file, policy string) (*gate.Gate, error) {
	c, err := loadConfig(file)
	if err != nil {
		return nil, err
	}
	warnAbout(io.err, c)
	g, err := newGate(ctx, c)
	if err != nil {
		return nil, err
	}
	return g, mustKnowPolicy(g, policy)
}

func mustKnowPolicy(g *gate.Gate, name string) error {
	if name != "" && !slices.Contains(g.PolicyNames(), name) {
		return fmt.Errorf("--policy %s: there is no such policy; one of %s", name, strings.Join(g.PolicyNames(), ", "))
	}
	return nil
}

// newGate wires a gate to ECR as the AWS environment says.
func newGate(ctx context.Context, c *config.Config) (*gate.Gate, error) {
	aws, err := awsEnvironment(ctx, c)
	if err != nil {
		return nil, err
	}
	return gateOf(c, ecr.NewSource(aws, registries(c))), nil
}

func gateOf(c *config.Config, source gate.Source) *gate.Gate {
	return &gate.Gate{
		Source:     source,
		Canonical:  ecr.CanonicalHost,
		Policies:   c.GatePolicies(),
		Exceptions: c.GateExceptions(),
	}
}

// awsEnvironment is what the SDK finds; the file may only say the Region.
func awsEnvironment(ctx context.Context, c *config.Config) (aws.Config, error) {
	// The SDK's own lines are for its developers; what failed is in the error.
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithLogger(logging.Nop{})}
	if c.AWS.Region != "" {
		options = append(options, awsconfig.WithRegion(c.AWS.Region))
	}
	loaded, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS configuration: %w", err)
	}
	if loaded.HTTPClient == nil {
		loaded.HTTPClient = awshttp.NewBuildableClient()
	}
	loaded.HTTPClient = wholeBody{loaded.HTTPClient}
	return loaded, nil
}

func registries(c *config.Config) []ecr.Registry {
	list := make([]ecr.Registry, len(c.AWS.Registries))
	for i, r := range c.AWS.Registries {
		list[i] = ecr.Registry{Account: r.Account, Regions: r.Regions, AssumeRoleARN: r.AssumeRoleARN}
	}
	return list
}

func actionType(c *config.Config) pipeline.ActionType {
	a := c.Pipeline.ActionType
	return pipeline.ActionType{Category: a.Category, Provider: a.Provider, Version: a.Version}
}
