package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ecr-gate/ecr-gate/test/process"
)

// settings say how long and how hard.
type settings struct {
	length  time.Duration // of the whole, but for building
	seed    uint64
	clients int           // who send reviews at the same time
	pace    time.Duration // between two reviews of one of them
	quiet   time.Duration // how long a quiet point is looked at
	overlay string        // for go build: the program in another version
	binary  string        // built already; empty: it is built
}

// soak is one run.
type soak struct {
	settings
	progress *progress
	tally    *tally
	jobs     *jobs
	world    *world
	process  *process.Process
	start    func(ctx context.Context, dir string) (*process.Process, error)

	first, last        quiet
	calls              map[string]int // to AWS
	began, warm, ended time.Time
	main               int // reviews between the two quiet moments
}

// errWrong says that something was not as it has to be; the report says what.
var errWrong = errors.New("the soak found violations")

// run soaks, and prints what came of it.
func run(ctx context.Context, out io.Writer, p *progress, o settings) error {
	s, err := soaked(ctx, p, o)
	p.end()
	if err != nil {
		if s != nil {
			s.report(out, "before it was broken off")
		}
		return err
	}
	s.enough()
	s.report(out, "judged")
	if s.tally.wrong > 0 {
		return errWrong
	}
	return nil
}

// soaked is a whole soak: warm up, measure, load, measure, end, and what the end left.
// With an error comes what there was until then, if anything.
func soaked(ctx context.Context, p *progress, o settings) (*soak, error) {
	dir, err := os.MkdirTemp("", "ecr-gate-soak-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing in it is kept
	s := &soak{settings: o, progress: p, tally: newTally(), jobs: newJobs()}
	if s.binary == "" {
		if _, err := moduleRoot(ctx); err != nil {
			return nil, err
		}
		p.phase("building")
		build := process.Build{Tags: []string{"faults"}, Overlay: o.overlay}
		if s.binary, err = build.Make(ctx, dir); err != nil {
			return nil, err
		}
	}
	defer s.close()
	if err := s.open(ctx, dir); err != nil {
		return nil, err
	}
	err = s.run(ctx)
	s.ended = time.Now()
	if s.calls == nil {
		s.calls = s.world.aws.Calls()
	}
	if err == nil {
		err = ctx.Err()
	}
	return s, err
}

// open starts AWS and the gate.
func (s *soak) open(ctx context.Context, dir string) error {
	clock, err := newClock(filepath.Join(dir, "clock"))
	if err != nil {
		return err
	}
	if s.world, err = newWorld(clock); err != nil {
		return err
	}
	s.world.populate()
	register := exec.CommandContext(ctx, s.binary, "action-type", "--register") //nolint:gosec // a binary of our own
	register.Env = s.world.aws.Environment()
	if text, err := register.CombinedOutput(); err != nil {
		return fmt.Errorf("ecr-gate action-type --register: %w: %s", err, text)
	}
	s.watchReports()
	options := process.Options{
		Binary: s.binary, Config: policies(20, 0), Files: map[string]string{"exceptions.yaml": exceptions(nil)},
		// The heap stays near what is alive, so that growth is seen; and near it the
		// gate collects as often as it takes.
		Env: append(s.world.aws.Environment(), "ECR_GATE_FAULT_CLOCK="+clock.file, "GOGC=50"),
	}
	s.start = func(ctx context.Context, dir string) (*process.Process, error) {
		again := options
		again.Dir = dir
		if dir != "" {
			again.Files = nil
		}
		return process.Start(ctx, again)
	}
	if s.process, err = s.start(context.WithoutCancel(ctx), ""); err != nil {
		return err
	}
	s.world.files = s.process
	ready, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return s.process.Ready(ready)
}

func (s *soak) close() {
	if s.process != nil {
		_ = s.process.Close() // it has ended, or nobody needs it any more
	}
	if s.world != nil {
		s.world.aws.Close()
	}
}

// run leads through the phases.
func (s *soak) run(ctx context.Context) error {
	s.began = time.Now()
	warm := min(20*time.Second, s.length/5)
	if err := s.load(ctx, "warming up", warm); err != nil {
		return err
	}
	s.warm = time.Now()
	var err error
	if s.first, err = s.quieten(ctx); err != nil {
		return err
	}
	before := s.tally.asked()
	// However long the last reviews before took: one that hangs must not eat this up.
	if err := s.load(ctx, "soaking", s.length-warm-2*s.quiet); err != nil {
		return err
	}
	s.main = s.tally.asked() - before
	if s.last, err = s.quieten(ctx); err != nil {
		return err
	}
	s.compare()
	s.calls = s.world.aws.Calls()
	if err := s.finish(ctx); err != nil {
		return err
	}
	s.reportedOnce()
	return nil
}

// load has everything go on at once for so long.
func (s *soak) load(ctx context.Context, what string, length time.Duration) error {
	s.progress.phase(fmt.Sprintf("%s for %s", what, length.Round(time.Second)))
	phase, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	stop := s.world.aws.Misbehave(s.seed, misbehaviour(), s.struck)
	defer stop()
	group, phase := errgroup.WithContext(phase)
	stream := uint64(len(what))
	begin := func(do func(context.Context, *rand.Rand) error) {
		stream++
		random := rand.New(rand.NewPCG(s.seed, stream)) //nolint:gosec // no secret
		group.Go(func() error { return do(phase, random) })
	}
	w := s.world
	for _, do := range []func(context.Context, *rand.Rand) error{w.moveTags, w.growScans, w.turnClock, w.editConfig, w.pushOn, s.submitOn} {
		begin(do)
	}
	for range s.clients {
		begin(s.reviewOn)
	}
	group.Go(func() error {
		for pause(phase, 500*time.Millisecond) {
			s.readLog(s.process)
			s.tally.mu.Lock()
			line := fmt.Sprintf("%s: %s, %d reviews, %d unanswered, %d violations", what, time.Since(s.began).Round(time.Second), s.tally.reviews, s.tally.unanswered, s.tally.wrong)
			s.tally.mu.Unlock()
			s.progress.say(line)
			select {
			case <-s.process.Ended():
				return errors.New("the gate ended by itself")
			default:
			}
		}
		return nil
	})
	return group.Wait()
}
