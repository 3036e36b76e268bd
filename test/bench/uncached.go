package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ecr-gate/ecr-gate/awslocal"
)

// perCall is how long each call to ECR takes where that matters.
const perCall = 20 * time.Millisecond

// slowShop is one whose ECR takes its time.
func slowShop() (*shop, error) {
	shop, err := newShop()
	if err == nil {
		shop.aws.Inject(awslocal.Fault{Operation: "*", Latency: perCall})
	}
	return shop, err
}

// bursts start many pods at once of one image that nobody has asked for yet.
func bursts(ctx context.Context, r *figures, _ settings) error {
	shop, err := slowShop()
	if err != nil {
		return err
	}
	defer shop.close()
	r.printf("\n## Pods of one new image at once, %v a call\n\n| pods at once | ECR calls | all answered after |\n|---|---|---|\n", perCall)
	for _, pods := range []int{1, 10, 100, 300} {
		body := review(shop.put(fmt.Sprintf("burst-%d", pods), 20))
		shop.aws.ResetCalls()
		start := time.Now()
		var group errgroup.Group
		for range pods {
			group.Go(func() error { return shop.ask(ctx, body) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		r.printf("| %d | **%d** | %d ms |\n", pods, shop.calls(), time.Since(start).Milliseconds())
	}
	r.printf("\nWanted: at most 2 calls. The time has the TLS connections in it, one for each pod.\n")
	return nil
}

// manyImages holds pods of several new images beside one of one.
func manyImages(ctx context.Context, r *figures, s settings) error {
	shop, err := slowShop()
	if err != nil {
		return err
	}
	defer shop.close()
	if err := shop.ask(ctx, review(shop.put("first", 20))); err != nil { // connections
		return err
	}
	sizes := []int{1, 2, 5, 10, 20}
	took, calls := make([][]float64, len(sizes)), make([]int, len(sizes))
	for round := range s.rounds {
		for i, n := range sizes {
			images := make([]string, n)
			for j := range images {
				images[j] = shop.put(fmt.Sprintf("new-%d-%d-%d", round, n, j), 20)
			}
			shop.aws.ResetCalls()
			start := time.Now()
			if err := shop.ask(ctx, review(images...)); err != nil {
				return err
			}
			took[i], calls[i] = append(took[i], milliseconds(start)), shop.calls()
		}
	}
	r.printf("\n## New images in one pod, %v a call\n\n| images | answered after | to one image | ECR calls | per image |\n|---|---|---|---|---|\n", perCall)
	for i, n := range sizes {
		r.printf("| %d | %.1f ms | **%.2f** | %d | %.1f |\n", n, median(took[i]), median(took[i])/median(took[0]), calls[i], float64(calls[i])/float64(n))
	}
	r.printf("\nWanted of 5 images: at most 1.3 times.\n")
	return nil
}

func milliseconds(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }
