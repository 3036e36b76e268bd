package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// measured is what one side did in one round.
type measured struct {
	perSecond float64
	p50, p99  time.Duration
}

// throughput holds a cached image beside the floor, round by round in turn, so that
// a machine that grows slower does so for both.
func throughput(ctx context.Context, out io.Writer, s settings) error {
	floor, err := newFloor()
	if err != nil {
		return err
	}
	defer floor.close()
	shop, err := newShop()
	if err != nil {
		return err
	}
	defer shop.close()
	body := review(shop.put("web", 20))
	_, _ = fmt.Fprintf(out, "\n## A cached image of 20 findings, a review of %d bytes\n\n"+
		"| clients | floor/s | gate/s | ratio | floor p50 | gate p50 | floor p99 | gate p99 | ratio |\n|---|---|---|---|---|---|---|---|---|\n", len(body))
	for _, clients := range []int{1, 16, 64} {
		var floors, gates []measured
		var rates, tails []float64
		for round := range s.rounds + 1 {
			f, err := load(ctx, floor, body, clients, s.round)
			if err != nil {
				return err
			}
			g, err := load(ctx, shop.side, body, clients, s.round)
			if err != nil {
				return err
			}
			if round == 0 {
				continue // to warm up
			}
			floors, gates = append(floors, f), append(gates, g)
			rates = append(rates, g.perSecond/f.perSecond)
			tails = append(tails, float64(g.p99)/float64(f.p99))
		}
		rate := func(m measured) float64 { return m.perSecond }
		p50 := func(m measured) float64 { return float64(m.p50.Microseconds()) }
		p99 := func(m measured) float64 { return float64(m.p99.Microseconds()) }
		_, _ = fmt.Fprintf(out, "| %d | %.0f | %.0f | **%.2f** | %.0f µs | %.0f µs | %.0f µs | %.0f µs | **%.2f** |\n", clients,
			medianOf(floors, rate), medianOf(gates, rate), median(rates),
			medianOf(floors, p50), medianOf(gates, p50), medianOf(floors, p99), medianOf(gates, p99), median(tails))
	}
	_, _ = fmt.Fprintf(out, "\nRatios are medians of %d rounds, each pair side by side. Wanted: at least 0.85 of the floor's reviews, p99 at most 1.3 times.\n", s.rounds)
	return nil
}

// load asks with so many clients at once for so long.
func load(ctx context.Context, s *side, body []byte, clients int, duration time.Duration) (measured, error) {
	took := make([][]time.Duration, clients)
	start := time.Now()
	var group errgroup.Group
	for i := range clients {
		group.Go(func() error {
			for time.Since(start) < duration {
				before := time.Now()
				if err := s.ask(ctx, body); err != nil {
					return err
				}
				took[i] = append(took[i], time.Since(before))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return measured{}, err
	}
	elapsed := time.Since(start)
	all := slices.Concat(took...)
	slices.Sort(all)
	return measured{float64(len(all)) / elapsed.Seconds(), all[len(all)/2], all[len(all)*99/100]}, nil
}

func medianOf(list []measured, of func(measured) float64) float64 {
	values := make([]float64, len(list))
	for i, m := range list {
		values[i] = of(m)
	}
	return median(values)
}

func median(values []float64) float64 {
	values = slices.Clone(values)
	slices.Sort(values)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}
