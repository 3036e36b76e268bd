package pipeline_test

import (
	"fmt"
	"testing"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// A job with a finished scan costs four calls, whatever the number of jobs: to
// acknowledge it, to resolve its image, to read the scan and to report. Polls come on
// top, one for all slots that are free.
func TestCallsPerJob(t *testing.T) {
	for _, jobs := range []int{1, 30} {
		results := make(chan pipeline.Result, 1000)
		s := open(t, counted(results))
		for i := range jobs {
			uri, _ := s.push(fmt.Sprintf("shop/web-%d", i), scanned("LOW"))
			s.AddJob(awslocal.Job{Configuration: map[string]string{"Image": uri}})
		}
		for range jobs {
			if got := <-results; got != pipeline.Succeeded {
				t.Fatalf("%d jobs: result %s", jobs, got)
			}
		}
		s.stop()
		for operation, n := range s.Calls() {
			switch operation {
			case "codepipeline.AcknowledgeJob", "codepipeline.PutJobSuccessResult", "ecr.BatchGetImage", "ecr.DescribeImageScanFindings":
				if n != jobs {
					t.Errorf("%d jobs: %d calls of %s", jobs, n, operation)
				}
			case "codepipeline.PollForJobs", "codepipeline.CreateCustomActionType":
			default:
				t.Errorf("%d jobs: %d calls of %s, which none needs", jobs, n, operation)
			}
		}
	}
}
