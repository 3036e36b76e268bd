package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
)

func newDemo(io streams) *cobra.Command {
	var keep bool
	var via string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work on this machine, with no AWS account and no cluster",
		Long: `Start a small AWS on this machine, with a company's registry and pipelines. The
real job worker, or the real Lambda function, judges what the pipelines build; then
the real webhook judges, over TLS, the pods that would run it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			scan, ok := map[string]scanStage{"worker": byWorker{}, "lambda": byLambda{}}[via]
			if !ok {
				return fmt.Errorf("--via %s: write worker or lambda", via)
			}
			return demo(cmd.Context(), io, scan, keep)
		},
	}
	cmd.Flags().StringVar(&via, "via", "worker", "how the pipelines ask: by a job worker (worker) or a Lambda function (lambda)")
	cmd.Flags().BoolVar(&keep, "serve", false, "keep AWS and the pipelines' gate running, and print how to reach them")
	return cmd
}

// demoLimit is far more than the demo takes.
const demoLimit = time.Minute

func demo(ctx context.Context, io streams, scan scanStage, keep bool) error {
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		return failed{err}
	}
	defer aws.Close()
	if err := perform(ctx, io, aws, scan, keep); err != nil {
		return failed{err}
	}
	return nil
}

func perform(ctx context.Context, io streams, aws *awslocal.Server, scan scanStage, keep bool) error {
	files := companyFiles(time.Now())
	judge, err := companyGate(aws, files)
	if err != nil {
		return err
	}
	stop, err := scan.open(ctx, aws, judge, files)
	if err != nil {
		return err
	}
	defer stop()
	products := company(time.Now())
	s := newStage(io.out, products, colourful(io.out))
	s.introduce(aws, scan)
	ended, err := s.perform(ctx, aws, scan, products)
	if err != nil {
		return err
	}
	if err := s.admit(ctx, aws, judge, products, ended); err != nil {
		return err
	}
	if keep {
		s.keep(ctx, aws)
	}
	return nil
}

// companyGate is the one decision behind both doors.
func companyGate(aws *awslocal.Server, files map[string][]byte) (*gate.Gate, error) {
	dir, err := os.MkdirTemp("", "ecr-gate-demo-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing of worth is in it
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	c, err := config.Load(filepath.Join(dir, "ecr-gate.yaml"), time.Now())
	if err != nil {
		return nil, err
	}
	return gateOf(c, ecr.NewSource(aws.AWSConfig(), nil)), nil
}

// stage shows the pipelines as they move.
type stage struct {
	out    io.Writer
	colour bool
	width  int
	start  time.Time

	mu   sync.Mutex
	seen map[string]string // pipeline -> what was shown last
}

func newStage(out io.Writer, products []product, colour bool) *stage {
	s := &stage{out: out, colour: colour, start: time.Now(), seen: map[string]string{}}
	for _, p := range products {
		s.width = max(s.width, len(p.name))
	}
	return s
}

func (s *stage) say(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format+"\n", args...) }

func (s *stage) paint(colour, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (s *stage) introduce(aws *awslocal.Server, scan scanStage) {
	s.say("%s", s.paint("1", "ecr-gate demo: an AWS on this machine, a company's registry, its pipelines"))
	s.say("registry %s, policy shop: no CRITICAL, no HIGH, at most 20 MEDIUM", aws.RegistryHost())
	s.say("stage Scan: %s\n", scan.about())
}

// perform runs every product's pipeline and shows how each ends.
func (s *stage) perform(ctx context.Context, aws *awslocal.Server, scan scanStage, products []product) ([]awslocal.Execution, error) {
	ctx, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	aws.OnChange(s.moved)
	executions := make([]string, len(products))
	for i, p := range products {
		executions[i] = aws.StartPipeline(p.build(aws, scan.action()))
	}
	ended := make([]awslocal.Execution, len(products))
	for i, id := range executions {
		execution, err := aws.WaitExecution(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("pipeline %s: %w", products[i].name, err)
		}
		ended[i] = execution
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say("\n%s\n", s.paint("1", "What the person in the console reads"))
	for i, p := range products {
		s.curtain(p, ended[i])
	}
	return ended, nil
}

// build pushes the product's image, as its build stage would, and describes its
// pipeline with the given action after it.
func (p product) build(aws *awslocal.Server, scan awslocal.Action) awslocal.Pipeline {
	image := p.image
	image.Repository, image.Tags = "shop/"+p.name, []string{"1.4"}
	digest := aws.PutImage(image)
	uri := aws.RegistryHost() + "/" + image.Repository + ":1.4"
	return awslocal.Pipeline{Name: p.name, Stages: []awslocal.Stage{
		{Name: "Source"},
		{Name: "Build", Action: awslocal.Action{Namespace: "Build", Variables: map[string]string{"ImageURI": uri, "Digest": digest}}},
		{Name: "Scan", Action: scan},
		{Name: "Deploy"},
	}}
}

// moved shows one line whenever a pipeline's picture changes, from the moment
// that its image is built.
func (s *stage) moved(e awslocal.Execution) {
	if e.Stage("Scan").Status == awslocal.NotStarted {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	line := s.picture(e)
	if scan := e.Stage("Scan"); scan.Status == awslocal.InProgress && scan.Summary != "" {
		line += "  " + firstLine(scan.Summary)
	}
	if s.seen[e.Pipeline] == line {
		return
	}
	s.seen[e.Pipeline] = line
	s.say("%5.1fs  %s", time.Since(s.start).Seconds(), line)
}

// marks show how a stage stands, with and without colour.
var marks = map[string]struct{ mark, colour string }{
	awslocal.NotStarted: {"·", "2"},
	awslocal.InProgress: {"…", "33"},
	awslocal.Succeeded:  {"✓", "32"},
	awslocal.Failed:     {"✗", "31"},
	awslocal.Stopped:    {"■", "31"},
}

func (s *stage) picture(e awslocal.Execution) string {
	parts := make([]string, len(e.Stages))
	for i, stage := range e.Stages {
		m := marks[stage.Status]
		parts[i] = s.paint(m.colour, m.mark+" "+stage.Name)
	}
	return fmt.Sprintf("%-*s  %s", s.width, e.Pipeline, strings.Join(parts, "  "))
}

// curtain is how a pipeline ended, in the words of its Scan stage.
func (s *stage) curtain(p product, e awslocal.Execution) {
	scan := e.Stage("Scan")
	text, end := scan.Summary, s.paint("32", "deployed")
	if e.Status != awslocal.Succeeded {
		text, end = scan.FailureMessage, s.paint("31", "stopped at Scan: "+scan.FailureType)
	}
	s.say("%s  %s (%s)", s.paint("1", fmt.Sprintf("%-*s", s.width, p.name)), end, p.about)
	for _, line := range strings.Split(text, "\n") {
		s.say("%*s  %s", s.width, "", line)
	}
	s.say("")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// keep prints the environment and waits for the person to be done.
func (s *stage) keep(ctx context.Context, aws *awslocal.Server) {
	s.say("%s", s.paint("1", "AWS and the worker keep running (the webhook has ended); Ctrl-C ends them. In another terminal:"))
	for _, variable := range aws.Environment() {
		s.say("export %s", variable)
	}
	s.say("\ngo run ./cmd/ecr-gate check %s/shop/web:1.4", aws.RegistryHost())
	s.say("\n(without a configuration file check judges by the built-in policy, and knows no exceptions)")
	<-ctx.Done()
}
