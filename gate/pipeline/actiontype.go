package pipeline

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// ActionType names the custom action. Its owner is always Custom. Zero fields mean
// Test, EcrGate and 1.
type ActionType struct {
	Category string // Build, Deploy, Test or Invoke
	Provider string
	Version  string
}

func (a ActionType) withDefaults() ActionType {
	for _, f := range []struct {
		field     *string
		otherwise string
	}{{&a.Category, "Test"}, {&a.Provider, "EcrGate"}, {&a.Version, "1"}} {
		if *f.field == "" {
			*f.field = f.otherwise
		}
	}
	return a
}

func (a ActionType) String() string {
	a = a.withDefaults()
	return a.Category + "/Custom/" + a.Provider + "/" + a.Version
}

func (a ActionType) id() *types.ActionTypeId {
	a = a.withDefaults()
	return &types.ActionTypeId{
		Category: types.ActionCategory(a.Category),
		Owner:    types.ActionOwnerCustom,
		Provider: aws.String(a.Provider),
		Version:  aws.String(a.Version),
	}
}

// Definition is what CreateCustomActionType takes to register the action.
func (a ActionType) Definition() *codepipeline.CreateCustomActionTypeInput {
	a = a.withDefaults()
	in := &codepipeline.CreateCustomActionTypeInput{
		Category:              types.ActionCategory(a.Category),
		Provider:              aws.String(a.Provider),
		Version:               aws.String(a.Version),
		InputArtifactDetails:  &types.ArtifactDetails{MinimumCount: 0, MaximumCount: 5},
		OutputArtifactDetails: &types.ArtifactDetails{MinimumCount: 0, MaximumCount: 1},
		Settings:              &types.ActionTypeSettings{ExecutionUrlTemplate: aws.String(executionURL)},
	}
	for _, p := range properties {
		in.ConfigurationProperties = append(in.ConfigurationProperties, types.ActionConfigurationProperty{
			Name:        aws.String(p.name),
			Description: aws.String(p.description),
			Type:        types.ActionConfigurationPropertyTypeString,
		})
	}
	return in
}
