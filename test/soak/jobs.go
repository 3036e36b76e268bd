package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// jobs follows every job from its submission to its report.
type jobs struct {
	mu      sync.Mutex // over what follows
	open    []*submitted
	reports map[string]int // sent, by the job's id
	lost    map[string]int // of those, the ones of which AWS's answer never came
}

// submitted is one action of a pipeline: a job, and those that go on with it.
type submitted struct {
	id   string // of the job that goes on with it by now
	refs []*reference
	from time.Time
}

func newJobs() *jobs { return &jobs{reports: map[string]int{}, lost: map[string]int{}} }

// submitOn submits jobs, and looks what became of those before.
func (s *soak) submitOn(ctx context.Context, random *rand.Rand) error {
	for pause(ctx, between(random, 50*time.Millisecond, 300*time.Millisecond)) {
		s.submit(s.world.choose(random), random.IntN(3) == 0)
		s.followJobs()
	}
	return nil
}

// submit has a job queued for images, named in its artifact.
func (s *soak) submit(refs []*reference, output bool) {
	j := awslocal.Job{Deliveries: 3, Configuration: map[string]string{"Image": refs[0].name}}
	if len(refs) > 1 {
		list := make([]map[string]string, len(refs))
		for i, ref := range refs {
			list[i] = map[string]string{"name": "c", "imageUri": ref.name}
		}
		text, err := json.Marshal(list)
		if err != nil {
			panic(err) // texts cannot fail
		}
		j.Configuration = nil
		j.InputArtifacts = []awslocal.Artifact{{Name: "build", Files: map[string][]byte{"imagedefinitions.json": text}}}
	}
	if output {
		j.OutputArtifacts = []awslocal.Artifact{{Name: "verdicts"}}
	}
	from := s.world.settled()
	id := s.world.aws.AddJob(j)
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	s.jobs.open = append(s.jobs.open, &submitted{id: id, refs: refs, from: from})
}

// followJobs rules on the jobs that were reported, and returns how many are open.
func (s *soak) followJobs() (open int) {
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	still := s.jobs.open[:0]
	for _, j := range s.jobs.open {
		if !s.follow(j) {
			still = append(still, j)
		}
	}
	clear(s.jobs.open[len(still):])
	s.jobs.open = still
	return len(still)
}

// handedBack is said of a job that is to go on as another one.
const handedBack = "handed back"

// follow reports whether the job is over.
func (s *soak) follow(j *submitted) bool {
	for {
		state, ok := s.world.aws.JobState(j.id)
		switch {
		case !ok:
			s.tally.violate("job %s is not known any more", j.id)
			return true
		case state.Successor != "":
			s.tally.reported(handedBack)
			j.id = state.Successor
			continue
		case state.Status == awslocal.Succeeded:
			s.rule(j, "", state.Result.Summary)
			return true
		case state.Status == awslocal.Failed:
			s.rule(j, state.Result.FailureType, state.Result.FailureMessage)
			return true
		}
		return false
	}
}

func (s *soak) rule(j *submitted, failure, text string) {
	r := job(s.world.clock, j.refs, j.from, s.world.now(), failure, text)
	switch {
	case r.violation != "":
		s.tally.violate("%s", r.violation)
	case r.silence != "":
		s.tally.reported("failed for lack of an answer")
	case failure == "":
		s.tally.reported("succeeded")
	default:
		s.tally.reported("failed: " + failure)
	}
}

// reportedOnce wants one report of each job, not counting those that AWS lost.
func (s *soak) reportedOnce() {
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	for id, sent := range s.jobs.reports {
		if n := sent - s.jobs.lost[id]; n > 1 {
			s.tally.violate("job %s was reported %d times", id, n)
		}
	}
	for _, j := range s.jobs.open {
		state, _ := s.world.aws.JobState(j.id)
		s.tally.violate("job %s of %s was never reported: it is %s", j.id, strings.Join(names(j.refs), ", "), state.Status)
	}
}

// watchReports counts the reports that come in, and those that are struck by a fault.
func (s *soak) watchReports() {
	s.world.aws.Before("codepipeline.PutJob*Result", func(r awslocal.Request) bool {
		s.jobs.count(r, s.jobs.reports)
		return true
	})
}

func (j *jobs) count(r awslocal.Request, in map[string]int) {
	var body struct {
		JobID string `json:"jobId"`
	}
	if err := json.Unmarshal(r.Raw, &body); err != nil {
		return // AWS refuses it
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	in[body.JobID]++
}

// struck is told of each fault.
func (s *soak) struck(f awslocal.Fault, r awslocal.Request) {
	s.tally.struck(f)
	if json.Valid(f.Garbage) {
		s.world.lied(r)
	}
	if strings.HasPrefix(r.Operation, "codepipeline.PutJob") && f.Latency == 0 {
		s.jobs.count(r, s.jobs.lost)
	}
}
