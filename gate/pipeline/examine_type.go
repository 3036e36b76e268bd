package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

// registered looks for the action type in the Region. False: CodePipeline gives no
// answer, so it need not be asked more.
func (e Examination) registered(ctx context.Context, sheet *doctor.Sheet, client *codepipeline.Client) bool {
	const action = "codepipeline:ListActionTypes"
	found, err := e.customTypes(ctx, client)
	switch {
	case err != nil && strings.HasPrefix(code(err), "AccessDenied"):
		refusal := doctor.ReadRefusal(words(err))
		sheet.Warning(action, refusal.Found()+"; the worker does without, but whether the action type is registered cannot be told here",
			refusal.Mend(e.Caller.Principal(), doctor.Allow("*", action)))
		return true
	case err != nil:
		e.unanswered(sheet, action, err)
		return false
	}
	sheet.OK(action, "allowed")
	e.definition(sheet, found)
	return true
}

// mostTypePages is more than there can be: a Region holds 50 custom types.
const mostTypePages = 20

func (e Examination) customTypes(ctx context.Context, client *codepipeline.Client) ([]types.ActionType, error) {
	pages := codepipeline.NewListActionTypesPaginator(client, &codepipeline.ListActionTypesInput{ActionOwnerFilter: types.ActionOwnerCustom})
	var list []types.ActionType
	for n := 0; n < mostTypePages && pages.HasMorePages(); n++ {
		err := e.bounded(ctx, func(ctx context.Context) error {
			page, err := pages.NextPage(ctx)
			if err == nil {
				list = append(list, page.ActionTypes...)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (e Examination) definition(sheet *doctor.Sheet, list []types.ActionType) {
	check := "action type " + e.ActionType.String()
	i := slices.IndexFunc(list, func(t types.ActionType) bool { return e.ActionType.is(t.Id) })
	if i < 0 {
		sheet.Fault(check, "it is not registered in "+e.Config.Region+", so no pipeline can use it"+e.others(list), "register it:\n"+e.register())
		return
	}
	if differs := differences(list[i], e.ActionType.Definition()); len(differs) > 0 {
		sheet.Fault(check, "it is registered, with another definition than this version's: "+strings.Join(differs, "; "),
			"a registered version does not change: set pipeline.actionType.version to one that is not taken, name that in the pipelines, and\n"+e.register())
		return
	}
	sheet.OK(check, "registered in "+e.Config.Region+" as this version defines it")
}

func (e Examination) register() string { return registerCommand(e.Config.Region, e.ConfigFile) }

// registerCommand goes by the AWS environment's Region, unless the configuration file
// has one. Without a file (empty) it registers the default action type.
func registerCommand(region, configFile string) string {
	command := "AWS_REGION=" + region + " ecr-gate action-type --register"
	if configFile != "" {
		command += " --config " + configFile
	}
	return command
}

// others names what is there of the same provider: likely what was meant.
func (e Examination) others(list []types.ActionType) string {
	var names []string
	for _, t := range list {
		if t.Id != nil && aws.ToString(t.Id.Provider) == e.ActionType.Provider {
			names = append(names, ActionType{string(t.Id.Category), e.ActionType.Provider, aws.ToString(t.Id.Version)}.String())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; " + strings.Join(names, ", ") + " is"
}

func (a ActionType) is(id *types.ActionTypeId) bool {
	return id != nil && string(id.Category) == a.Category && aws.ToString(id.Provider) == a.Provider && aws.ToString(id.Version) == a.Version
}

// differences are what a registered type lacks, or asks for, against the definition.
// Descriptions may differ, and AWS adds a property of its own that nobody has to set.
func differences(got types.ActionType, want *codepipeline.CreateCustomActionTypeInput) []string {
	var list []string
	have := map[string]types.ActionConfigurationProperty{}
	for _, p := range got.ActionConfigurationProperties {
		have[aws.ToString(p.Name)] = p
	}
	for _, p := range want.ConfigurationProperties {
		name := aws.ToString(p.Name)
		h, ok := have[name]
		delete(have, name)
		switch {
		case !ok:
			list = append(list, "property "+name+" is missing")
		case h.Required != p.Required || h.Secret != p.Secret || h.Queryable != p.Queryable || cmp.Or(h.Type, p.Type) != p.Type:
			list = append(list, "property "+name+" is defined otherwise")
		}
	}
	for name, p := range have {
		if p.Required || p.Queryable {
			list = append(list, "property "+name+" is asked for, which this version does not know")
		}
	}
	slices.Sort(list)
	return append(list, artifactCounts(got, want)...)
}

// artifactCounts: the type may allow more than this version asks for, but not less.
func artifactCounts(got types.ActionType, want *codepipeline.CreateCustomActionTypeInput) []string {
	var list []string
	for _, d := range []struct {
		name      string
		got, want *types.ArtifactDetails
	}{
		{"input", got.InputArtifactDetails, want.InputArtifactDetails},
		{"output", got.OutputArtifactDetails, want.OutputArtifactDetails},
	} {
		if d.got == nil || d.got.MinimumCount > d.want.MinimumCount || d.got.MaximumCount < d.want.MaximumCount {
			list = append(list, fmt.Sprintf("%s artifacts are not %d to %d", d.name, d.want.MinimumCount, d.want.MaximumCount))
		}
	}
	return list
}
