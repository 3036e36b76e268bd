package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// perCall is how long each call to ECR takes where that matters.
const perCall = 20 * time.Millisecond

// burst starts 300 pods of one image that nobody has asked for yet.
func burst(ctx context.Context, out io.Writer, _ settings) error {
	const pods = 300
	shop, err := newShop()
	if err != nil {
		return err
	}
	defer shop.close()
	shop.aws.Inject(awslocal.Fault{Operation: "*", Latency: perCall})
	body := review(shop.put("burst", 20))
	start := time.Now()
	var group errgroup.Group
	for range pods {
		group.Go(func() error { return shop.ask(ctx, body) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "\n## %d pods of one uncached image at once, %v a call\n\n| ECR calls | all answered after |\n|---|---|\n| **%d** | %d ms |\n\nWanted: at most 2 calls.\n",
		pods, perCall, shop.calls(), time.Since(start).Milliseconds())
	return nil
}

// manyImages holds a pod of five uncached images beside one of one.
func manyImages(ctx context.Context, out io.Writer, s settings) error {
	shop, err := newShop()
	if err != nil {
		return err
	}
	defer shop.close()
	shop.aws.Inject(awslocal.Fault{Operation: "*", Latency: perCall})
	if err := shop.ask(ctx, review(shop.put("first", 20))); err != nil { // connections
		return err
	}
	var one, five, ratios []float64
	for round := range s.rounds {
		single, err := shop.timed(ctx, shop.putAll(fmt.Sprintf("one%d", round), 1))
		if err != nil {
			return err
		}
		several, err := shop.timed(ctx, shop.putAll(fmt.Sprintf("five%d", round), 5))
		if err != nil {
			return err
		}
		one, five, ratios = append(one, single), append(five, several), append(ratios, several/single)
	}
	_, _ = fmt.Fprintf(out, "\n## Uncached images in one pod, %v a call\n\n| 1 image | 5 images | ratio |\n|---|---|---|\n| %.1f ms | %.1f ms | **%.2f** |\n\nWanted: at most 1.3.\n",
		perCall, median(one), median(five), median(ratios))
	return nil
}

func (s *shop) putAll(name string, n int) []string {
	images := make([]string, n)
	for i := range images {
		images[i] = s.put(fmt.Sprintf("%s-%d", name, i), 20)
	}
	return images
}

// timed is how many milliseconds one review takes.
func (s *shop) timed(ctx context.Context, images []string) (float64, error) {
	body := review(images...)
	start := time.Now()
	err := s.ask(ctx, body)
	return float64(time.Since(start).Microseconds()) / 1000, err
}

// zipf is a cluster's day in short: few images are started often, many rarely.
func zipf(ctx context.Context, out io.Writer, _ settings) error {
	const images, reviews, clients = 500, 10_000, 16
	shop, err := newShop()
	if err != nil {
		return err
	}
	defer shop.close()
	bodies := make([][]byte, images)
	for i := range bodies {
		bodies[i] = review(shop.put(fmt.Sprintf("zipf-%d", i), 20))
	}
	shop.aws.ResetCalls()
	start := time.Now()
	var group errgroup.Group
	for c := range clients {
		group.Go(func() error {
			pick := rand.NewZipf(rand.New(rand.NewPCG(1, uint64(c))), 1.1, 1, images-1) //nolint:gosec // the same pods each time
			for range reviews / clients {
				if err := shop.ask(ctx, bodies[pick.Uint64()]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	elapsed := time.Since(start)
	asked, calls := 2*reviews, shop.calls() // each review asks for a tag and for a scan
	_, _ = fmt.Fprintf(out, "\n## %d images, Zipf (s = 1.1), %d reviews, %d clients, from an empty cache\n\n| reviews/s | hit rate | ECR calls per review |\n|---|---|---|\n| %.0f | %.1f %% | %.3f |\n",
		images, reviews, clients, reviews/elapsed.Seconds(), 100*(1-float64(calls)/float64(asked)), float64(calls)/reviews)
	return nil
}
