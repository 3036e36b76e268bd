package crash_test

import (
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/process"
)

const next, answered = "lambda.Next", "lambda.Response"

// functionTimeout is after what time awslocal gives an event to another process.
// Lambda itself notices at once that a process is gone.
const functionTimeout = 3 * time.Second

// Lambda tries an event again whose process was killed. So every job is recovered,
// and one that was reported before stays as it was reported.
func TestFunctionKilled(t *testing.T) {
	for _, l := range []life{
		{"succeeds", cleanImage, []string{next, head, get, manifest, findings, put, succeed, answered}},
		{"fails", deniedImage, []string{next, head, get, manifest, findings, put, fail, answered}},
	} {
		for _, call := range l.calls {
			if !everything() && l.image != deniedImage {
				continue
			}
			for _, after := range []bool{false, true} {
				name := map[bool]string{false: " before ", true: " after "}[after]
				t.Run(l.name+name+call, func(t *testing.T) {
					t.Parallel()
					crashFunction(t, l, around{call, after})
				})
			}
		}
	}
}

func crashFunction(t *testing.T, l life, where around) {
	s := openSite(t)
	f, err := s.AddFunction(awslocal.FunctionOptions{Timeout: functionTimeout, RetryPause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	// That there is a runtime API makes the binary the function, whatever its arguments.
	process := process.Options{Env: f.Environment()}
	job := s.job(l.image)
	job.Category, job.Provider = "Invoke", "Lambda"
	job.Configuration = map[string]string{"FunctionName": "ecr-gate"}
	id := s.AddJob(job)
	killed := s.kill(where, process)
	before, _ := s.JobState(id)
	s.start(process)
	s.ended(id)
	if !over(before) {
		note("function's job recovered, from the kill to its report (awslocal notices after 3 s)", time.Since(killed))
	}
	// However it went, Lambda is content in the end and tries no more.
	await(t, "an answer to the event", func() bool {
		all := f.Invocations()
		last := all[len(all)-1]
		return !last.Ended.IsZero() && last.ErrorType == ""
	})
	if all := f.Invocations(); len(all) > 2 {
		t.Errorf("%d attempts", len(all))
	}
	if now, _ := s.JobState(id); over(before) && before.Result.Summary != now.Result.Summary {
		t.Errorf("reported %+v, and then %+v", before.Result, now.Result)
	}
	for _, j := range s.Jobs() {
		if wrong := s.wrong(j); wrong != "" {
			t.Errorf("%s: %+v", wrong, j.Result)
		}
	}
}
