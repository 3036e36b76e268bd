package pipeline

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

func TestLikelyMore(t *testing.T) {
	again := types.Job{Data: &types.JobData{ContinuationToken: aws.String("t")}}
	once := types.Job{Data: &types.JobData{}}
	for name, c := range map[string]struct {
		jobs []types.Job
		want bool
	}{
		"none":               {nil, false},
		"a slot is free":     {[]types.Job{once}, false},
		"all are fresh":      {[]types.Job{once, {}}, true},
		"one is, the first":  {[]types.Job{once, again}, true},
		"one is, the last":   {[]types.Job{again, once}, true},
		"all were looked at": {[]types.Job{again, again}, false},
	} {
		if got := likelyMore(c.jobs, 2); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
