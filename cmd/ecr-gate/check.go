package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

type checkFlags struct {
	config   string
	files    []string
	outputs  []string
	baseline string
	policy   string
	wait     time.Duration
	parallel int
}

func newCheck(io streams) *cobra.Command {
	var flags checkFlags
	cmd := &cobra.Command{
		Use:   "check IMAGE... | -f manifests.yaml",
		Short: "Judge images now",
		Long: `Judge images as the doors do, and say why.

An image that is in no private ECR registry could not be judged, whatever the
webhook's nonECRImages says.

Exit codes: 0 every image is allowed, 1 one is denied, 3 one could not be judged
or has no finished scan yet, 2 the command or the configuration is wrong.`,
		Example: `  ecr-gate check 111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4
  ecr-gate check --wait=10m -o json IMAGE
  ecr-gate check -o table -o sarif=scan.sarif -o html=scan.html IMAGE
  ecr-gate check --baseline :prod IMAGE
  helm template ./chart | ecr-gate check -f -`,
		RunE: func(cmd *cobra.Command, args []string) error { return check(cmd.Context(), io, flags, args) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.config, "config", "", "configuration file (default: the built-in policy)")
	f.StringArrayVarP(&flags.files, "filename", "f", nil, "Kubernetes manifests to take images from; - is standard input")
	f.StringArrayVarP(&flags.outputs, "output", "o", []string{"table"}, "FORMAT or FORMAT=FILE, several if wanted: "+strings.Join(report.Formats(), ", "))
	f.StringVar(&flags.baseline, "baseline", "", "say what is new since another image: a reference, or :tag or @digest of the same repository")
	f.StringVar(&flags.policy, "policy", "", "policy to judge by (default: the first that matches)")
	f.DurationVar(&flags.wait, "wait", 0, "how long to wait for scans that are not finished, such as 10m")
	f.IntVar(&flags.parallel, "parallel", 4, "images to judge at a time")
	return cmd
}

func check(ctx context.Context, io streams, flags checkFlags, args []string) error {
	outputs := outputsOf(flags.outputs, io)
	if len(outputs.list) == 0 {
		return errors.Join(outputs.faults...)
	}
	images, err := imagesToCheck(io, flags, args)
	if err != nil {
		return err
	}
	g, err := openGate(ctx, io, flags.config, flags.policy)
	if err != nil {
		return err
	}
	progress := newProgress(io.err, len(images))
	verdicts := checkAll(ctx, g, images, flags, progress)
	progress.done()
	outputs.write(io.out, verdicts)
	if len(outputs.faults) > 0 {
		return errors.Join(outputs.faults...)
	}
	return exitFor(verdicts)
}

// imagesToCheck are those named, each once, in order. Each must be a reference:
// one that is none is a usage error, found before AWS is asked.
func imagesToCheck(io streams, flags checkFlags, args []string) ([]string, error) {
	if flags.parallel < 1 {
		return nil, fmt.Errorf("--parallel %d: write 1 or more", flags.parallel)
	}
	if flags.wait < 0 {
		return nil, fmt.Errorf("--wait %s: write a positive time, such as 10m", flags.wait)
	}
	images := slices.Clone(args)
	for _, file := range flags.files {
		found, err := manifestImages(io.in, file)
		if err != nil {
			return nil, err
		}
		images = append(images, found...)
	}
	if b := flags.baseline; b != "" && !strings.HasPrefix(b, ":") && !strings.HasPrefix(b, "@") {
		if err := mustBeReference(b); err != nil {
			return nil, err
		}
	}
	var once []string
	for _, image := range images {
		if err := mustBeReference(image); err != nil {
			return nil, err
		}
		if !slices.Contains(once, image) {
			once = append(once, image)
		}
	}
	if len(once) == 0 {
		return nil, errors.New("no image to check: name one, or give manifests that do with -f")
	}
	return once, nil
}

func checkAll(ctx context.Context, g *gate.Gate, images []string, flags checkFlags, progress *progress) []gate.Verdict {
	verdicts := make([]gate.Verdict, len(images))
	deadline := time.Now().Add(flags.wait)
	var group errgroup.Group
	group.SetLimit(flags.parallel)
	for i, image := range images {
		group.Go(func() error {
			req := gate.Request{Image: image, Policy: flags.policy}
			verdicts[i] = checkUntil(ctx, g, req, deadline, progress)
			if flags.baseline != "" {
				req.Digest = verdicts[i].Digest // what was judged is compared
				comparison := g.Compare(ctx, req, flags.baseline)
				verdicts[i].Comparison = &comparison
			}
			progress.judged()
			return nil
		})
	}
	_ = group.Wait() // the goroutines return no errors
	return verdicts
}

// The pauses between looks at one image: short at first, since basic scans take
// seconds.
const (
	firstPause = time.Second
	lastPause  = 10 * time.Second
)

// checkUntil looks again until the verdict will not change or time is up.
func checkUntil(ctx context.Context, g *gate.Gate, req gate.Request, deadline time.Time, progress *progress) gate.Verdict {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		v := g.Check(ctx, req)
		left := time.Until(deadline)
		if v.Outcome == gate.Allowed || !v.Passing || left <= 0 {
			return v
		}
		// A tag is resolved once; what is waited for is that digest's scan.
		req.Digest, req.Readings = v.Digest, v.Readings()
		progress.waiting(v, left)
		timer := time.NewTimer(min(pause, left))
		select {
		case <-ctx.Done():
			timer.Stop()
			return v
		case <-timer.C:
		}
	}
}

func exitFor(verdicts []gate.Verdict) error {
	worst, ok := gate.Worst(verdicts)
	switch {
	case !ok:
		return exit(exitUsage)
	case worst.Outcome == gate.Allowed:
		return nil
	case worst.Outcome == gate.Denied:
		return exit(exitDenied)
	default:
		return exit(exitNoAnswer)
	}
}
