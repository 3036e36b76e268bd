package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/process"
)

// finish ends the process in the midst of its work. Reviews in hand are answered,
// jobs are reported or handed back, and another process takes up what is left.
func (s *soak) finish(ctx context.Context) error {
	s.progress.phase("ending it in the midst of its work")
	// Calls take a while, so that work is in hand, and jobs longer than reviews.
	slow := s.world.aws.Inject(awslocal.Fault{Operation: "ecr.*", Latency: 700 * time.Millisecond})
	slower := s.world.aws.Inject(awslocal.Fault{Operation: "codepipeline.PutJob*", Latency: 6 * time.Second})
	var reviews sync.WaitGroup
	for range 20 {
		_, tag, _ := s.world.push("last", admit, awslocal.Image{Scans: []awslocal.Scan{s.world.scanned(longAgo)}})
		reviews.Go(func() { s.review(ctx, s.process, []*reference{tag}) })
		s.submit([]*reference{tag}, true)
	}
	if err := s.underWay(ctx); err != nil {
		return err
	}
	if err := s.process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	end, cancel := context.WithTimeout(ctx, 45*time.Second)
	defer cancel()
	switch code, err := s.process.Wait(end); {
	case ctx.Err() != nil:
		reviews.Wait()
		return ctx.Err()
	case err != nil:
		s.tally.violate("45 s after SIGTERM it has not ended")
	case code != 0:
		s.tally.violate("after SIGTERM it ended with exit %d", code)
	}
	reviews.Wait()
	slow()
	slower()
	s.readLog(s.process)
	for _, state := range s.world.aws.Jobs() {
		if state.Status == awslocal.InProgress {
			s.tally.violate("job %s is neither reported nor handed back after SIGTERM", state.ID)
		}
	}
	return s.takeUp(ctx)
}

// underWay waits until AWS is being asked about the last images.
func (s *soak) underWay(ctx context.Context) error {
	calls := func() int { return s.world.aws.Calls()["ecr.BatchGetImage"] }
	for before, end := calls(), time.Now().Add(10*time.Second); calls() < before+10; {
		if !pause(ctx, 10*time.Millisecond) {
			return ctx.Err()
		}
		if time.Now().After(end) {
			return errors.New("reviews of new images do not ask ECR")
		}
	}
	return nil
}

// takeUp starts another process in the place of the one that ended, which does what
// that one left. Jobs whose scan never comes end at their deadline, which is brought
// forward.
func (s *soak) takeUp(ctx context.Context) error {
	s.progress.phase("another process does what is left")
	next, err := s.start(context.WithoutCancel(ctx), s.process.Dir)
	if err != nil {
		return err
	}
	defer next.Close() //nolint:errcheck // it is killed, whatever it says
	end, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := next.Ready(end); err != nil {
		return err
	}
	if err := s.world.leap(ctx, 3*time.Hour); err != nil {
		return err
	}
	for open := s.followJobs(); open > 0 && pause(end, 100*time.Millisecond); open = s.followJobs() {
		s.progress.say(fmt.Sprintf("another process does what is left: %d jobs", open))
	}
	s.readLog(next)
	return ctx.Err()
}

func (s *soak) readLog(p *process.Process) {
	for _, line := range p.Lines() {
		s.readLine(line)
	}
}

// readLine wants every line to be a JSON object, and none to tell of a panic.
func (s *soak) readLine(line string) {
	var entry struct {
		Level string `json:"level"`
		Msg   string `json:"msg"`
	}
	if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level == "" || entry.Msg == "" {
		s.tally.violate("a line of the log is no JSON object with level and msg: %.300q", line)
		return
	}
	if strings.Contains(line, "panic") {
		s.tally.violate("a panic: %.500s", line)
	}
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	s.tally.lines[entry.Level]++
	if entry.Level == "ERROR" {
		s.tally.errors[entry.Msg]++
	}
}
