// Package image makes container images without a container engine or a registry:
// that of ecr-gate from its Dockerfile, and small ones around a single program.
package image

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Build carries out a Dockerfile of two stages: one that compiles, and one from
// scratch that copies from it. What it does as a container engine does: the build
// context is filtered by .dockerignore, commands, copies, labels, user and entry
// point are the file's own, each COPY becomes a layer. What it does not: the first
// stage's base image is this machine, its Go and its certificates. An instruction
// that it does not know is an error, so that the Dockerfile cannot outgrow it.
type Build struct {
	Context string            // the folder with Dockerfile and .dockerignore
	Scratch string            // an empty folder to work in
	Args    map[string]string // as in --build-arg
}

// stage is a stage being built: its environment, and for the first one where on this
// machine its files are.
type stage struct {
	build   Build
	args    map[string]string
	workdir string
	image   v1.Image
}

// Image is the last stage's image.
func (b Build) Image(ctx context.Context) (v1.Image, error) {
	file, err := os.Open(filepath.Join(b.Context, "Dockerfile"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	parsed, err := parser.Parse(file)
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, err
	}
	if len(stages) != 2 || stages[1].BaseName != "scratch" {
		return nil, fmt.Errorf("the Dockerfile has other stages than one to compile and one from scratch: teach test/e2e/image about them")
	}
	if err := copyContext(b.Context, b.source()); err != nil {
		return nil, err
	}
	compiling := stage{build: b, args: b.platform()}
	for _, command := range stages[0].Commands {
		if err := compiling.compile(ctx, command); err != nil {
			return nil, fmt.Errorf("%s: %w", command.Name(), err)
		}
	}
	final := stage{build: b, args: b.platform(), workdir: compiling.workdir, image: empty.Image}
	for _, command := range stages[1].Commands {
		if err := final.assemble(command); err != nil {
			return nil, fmt.Errorf("%s: %w", command, err)
		}
	}
	return withPlatform(final.image)
}

func (b Build) source() string { return filepath.Join(b.Scratch, "src") }
func (b Build) out() string    { return filepath.Join(b.Scratch, "out") }

// platform are the arguments that a container engine sets by itself.
func (b Build) platform() map[string]string {
	return map[string]string{"TARGETOS": runtime.GOOS, "TARGETARCH": runtime.GOARCH}
}

// compile carries out an instruction of the first stage, on this machine.
func (s *stage) compile(ctx context.Context, command instructions.Command) error {
	switch c := command.(type) {
	case *instructions.WorkdirCommand:
		s.workdir = c.Path
	case *instructions.ArgCommand:
		s.declare(c)
	case *instructions.CopyCommand:
		// The whole context is there already.
	case *instructions.RunCommand:
		return s.run(ctx, strings.Join(c.CmdLine, " "))
	default:
		return fmt.Errorf("unknown in the first stage: teach test/e2e/image about it")
	}
	return nil
}

// run runs a command of the first stage, with its output folder moved to ours.
func (s *stage) run(ctx context.Context, line string) error {
	line = strings.ReplaceAll(line, " /out/", " "+s.build.out()+"/")
	command := exec.CommandContext(ctx, "sh", "-c", line) //nolint:gosec // the Dockerfile's own command
	command.Dir = s.build.source()
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	for name, value := range s.args {
		command.Env = append(command.Env, name+"="+value)
	}
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", line, err, output)
	}
	return nil
}

// assemble carries out an instruction of the last stage.
func (s *stage) assemble(command instructions.Command) (err error) {
	switch c := command.(type) {
	case *instructions.ArgCommand:
		s.declare(c)
		return nil
	case *instructions.LabelCommand:
		return s.label(c)
	case *instructions.CopyCommand:
		return s.copy(c)
	case *instructions.UserCommand:
		return s.configure(func(config *v1.Config) { config.User = c.User })
	case *instructions.EntrypointCommand:
		return s.configure(func(config *v1.Config) { config.Entrypoint = slices.Clone(c.CmdLine) })
	}
	return fmt.Errorf("unknown in the last stage: teach test/e2e/image about it")
}

// declare takes an ARG: what --build-arg says, else what is set, else its default.
func (s *stage) declare(c *instructions.ArgCommand) {
	for _, arg := range c.Args {
		if value, given := s.build.Args[arg.Key]; given {
			s.args[arg.Key] = value
		} else if _, set := s.args[arg.Key]; !set && arg.Value != nil {
			s.args[arg.Key] = *arg.Value
		}
	}
}

func (s *stage) label(c *instructions.LabelCommand) error {
	words := shell.NewLex('\\')
	labels := map[string]string{}
	for _, label := range c.Labels {
		value, _, err := words.ProcessWord(label.Value, shell.EnvsFromSlice(s.environment()))
		if err != nil {
			return err
		}
		labels[label.Key] = value
	}
	return s.configure(func(config *v1.Config) {
		if config.Labels == nil {
			config.Labels = map[string]string{}
		}
		for key, value := range labels {
			config.Labels[key] = value
		}
	})
}

func (s *stage) environment() []string {
	var pairs []string
	for name, value := range s.args {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

func (s *stage) configure(change func(*v1.Config)) error {
	file, err := s.image.ConfigFile()
	if err != nil {
		return err
	}
	config := file.DeepCopy().Config
	change(&config)
	s.image, err = mutate.Config(s.image, config)
	return err
}

// copy adds a layer with the files of a COPY --from.
func (s *stage) copy(c *instructions.CopyCommand) error {
	if c.From == "" {
		return fmt.Errorf("the last stage copies from the build context: teach test/e2e/image about it")
	}
	for _, source := range c.SourcePaths {
		target := c.DestPath
		if strings.HasSuffix(target, "/") {
			target = path.Join(target, path.Base(source))
		}
		layer, err := fileLayer(s.onThisMachine(source), target)
		if err != nil {
			return err
		}
		if s.image, err = mutate.AppendLayers(s.image, layer); err != nil {
			return err
		}
	}
	return nil
}

// onThisMachine is where a file of the first stage is. What is neither source nor
// output comes from its base image, for which this machine stands in.
func (s *stage) onThisMachine(file string) string {
	if rest, below := strings.CutPrefix(file, s.workdir+"/"); below {
		return filepath.Join(s.build.source(), rest)
	}
	if rest, below := strings.CutPrefix(file, "/out/"); below {
		return filepath.Join(s.build.out(), rest)
	}
	return file
}
