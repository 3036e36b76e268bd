package pipeline_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
)

// A job with a finished scan costs four calls, whatever the number of jobs: to
// acknowledge it, to resolve its image, to read the scan and to report. Polls come on
// top, one for all slots that are free.
func TestCallsPerJob(t *testing.T) {
	for _, jobs := range []int{1, 30} {
		var reported sync.WaitGroup
		reported.Add(jobs)
		s := open(t, func(w *pipeline.Worker) {
			w.Counts = func(pipeline.Result) { reported.Done() }
		})
		for i := range jobs {
			uri, _ := s.push(fmt.Sprintf("shop/web-%d", i), scanned("LOW"))
			s.AddJob(awslocal.Job{Configuration: map[string]string{"Image": uri}})
		}
		reported.Wait()
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
