package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// measured is what one side did in one round.
type measured struct {
	reviews   int
	perSecond float64
	p50, p99  time.Duration
	processor time.Duration // per review, the client's with it
}

// bodies gives a client its next review; nil: there are no more.
type bodies func(client int) []byte

// pattern is which images the reviews name.
type pattern struct {
	name  string
	round func(s *shop, round int) (bodies, error) // made anew for each round
}

const (
	zipfImages   = 500
	coldInSecond = 4_000 // more new images than anybody gets through
)

// hot is one image over and over.
func hot(s *shop, _ int) (bodies, error) {
	body := review(s.put("hot", 20))
	return func(int) []byte { return body }, nil
}

// zipf is a cluster's day in short: few images are started often, many rarely.
func zipf(s *shop, round int) (bodies, error) {
	list := make([][]byte, zipfImages)
	for i := range list {
		list[i] = review(s.put(fmt.Sprintf("zipf-%d", i), 20))
	}
	var picks [64]*rand.Zipf
	for client := range picks {
		seed := rand.NewPCG(uint64(round), uint64(client))                 //nolint:gosec // neither is negative
		picks[client] = rand.NewZipf(rand.New(seed), 1.1, 1, zipfImages-1) //nolint:gosec // the same pods each time
	}
	return func(client int) []byte { return list[picks[client].Uint64()] }, nil
}

// cold is an image that nobody has asked for yet, each time.
func cold(duration time.Duration) func(*shop, int) (bodies, error) {
	return func(s *shop, round int) (bodies, error) {
		list := make([][]byte, int(duration.Seconds()*coldInSecond)+64)
		for i := range list {
			list[i] = review(s.put(fmt.Sprintf("cold-%d-%d-%d", s.pushed, round, i), 20))
		}
		s.pushed++
		var taken atomic.Int64
		return func(int) []byte {
			if i := int(taken.Add(1)) - 1; i < len(list) {
				return list[i]
			}
			return nil
		}, nil
	}
}

// throughput holds the webhook beside the floor, round by round in turn, so that a
// machine that grows slower does so for both.
func throughput(ctx context.Context, r *figures, s settings) error {
	floor, err := newFloor()
	if err != nil {
		return err
	}
	defer floor.close()
	r.printf("\n## The webhook beside a server that allows everything\n\n" +
		"| images | clients | floor/s | gate/s | ratio | floor p50 | gate p50 | floor p99 | gate p99 | ratio | floor CPU | gate CPU | ratio | ECR calls per review |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	rates := panel{title: "Reviews a second, gate (solid) and floor (dashed)", x: "clients", y: "reviews/s"}
	for _, p := range []pattern{{"hot", hot}, {"Zipf", zipf}, {"cold", cold(s.round)}} {
		shop, err := newShop()
		if err != nil {
			return err
		}
		gate, beneath := curve{name: p.name}, curve{name: p.name + ", floor"}
		for _, clients := range []int{1, 4, 16, 64} {
			c, err := compare(ctx, shop, floor, p, clients, s)
			if err != nil {
				return err
			}
			r.printf("| %s | %d | %s |\n", p.name, clients, c)
			gate.add(clients, medianOf(c.gates, rate))
			beneath.add(clients, medianOf(c.floors, rate))
		}
		rates.curves, rates.dashed = append(rates.curves, gate), append(rates.dashed, beneath)
		shop.close()
	}
	r.panels = append(r.panels, rates)
	r.printf("\nRatios are medians of %d rounds, each pair side by side. CPU is the processor time of client and server for one review: of all columns the one that a busy machine disturbs least. Every review has %d bytes, every image 20 findings. Zipf (s = 1.1) picks from %d images.\n"+
		"Wanted of hot images: at least 0.85 of the floor's reviews, p99 at most 1.3 times. Of a cold review the time is that of its calls; here a call takes no time but what both ends compute.\n",
		s.rounds, len(review("111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/hot:1")), zipfImages)
	return nil
}

// compared are the rounds of both sides.
type compared struct {
	floors, gates []measured
	rates, tails  []float64
	loads         []float64 // processor time
	calls         float64   // to ECR, per review
}

func compare(ctx context.Context, shop *shop, floor *side, p pattern, clients int, s settings) (compared, error) {
	var c compared
	reviews, calls := 0, 0
	for round := range s.rounds + 1 {
		next, err := p.round(shop, round)
		if err != nil {
			return c, err
		}
		shop.aws.ResetCalls()
		g, err := load(ctx, shop.side, next, clients, s.round)
		if err != nil {
			return c, err
		}
		called := shop.calls()
		if next, err = p.round(shop, round); err != nil {
			return c, err
		}
		f, err := load(ctx, floor, next, clients, s.round)
		if err != nil {
			return c, err
		}
		if round == 0 {
			continue // to warm up
		}
		reviews, calls = reviews+g.reviews, calls+called
		c.floors, c.gates = append(c.floors, f), append(c.gates, g)
		c.rates = append(c.rates, g.perSecond/f.perSecond)
		c.tails = append(c.tails, float64(g.p99)/float64(f.p99))
		c.loads = append(c.loads, float64(g.processor)/float64(f.processor))
	}
	c.calls = float64(calls) / float64(reviews)
	return c, nil
}

func rate(m measured) float64 { return m.perSecond }
func p50(m measured) float64  { return float64(m.p50.Microseconds()) }
func p99(m measured) float64  { return float64(m.p99.Microseconds()) }
func cpu(m measured) float64  { return float64(m.processor.Microseconds()) }

// String is the columns of the table.
func (c compared) String() string {
	return fmt.Sprintf("%.0f | %.0f | **%.2f** | %.0f µs | %.0f µs | %.0f µs | %.0f µs | **%.2f** | %.0f µs | %.0f µs | **%.2f** | %.3f",
		medianOf(c.floors, rate), medianOf(c.gates, rate), median(c.rates),
		medianOf(c.floors, p50), medianOf(c.gates, p50), medianOf(c.floors, p99), medianOf(c.gates, p99), median(c.tails),
		medianOf(c.floors, cpu), medianOf(c.gates, cpu), median(c.loads), c.calls)
}

// load asks with so many clients at once for so long, or until there are no more
// reviews.
func load(ctx context.Context, s *side, next bodies, clients int, duration time.Duration) (measured, error) {
	took := make([][]time.Duration, clients)
	start, used := time.Now(), processorTime()
	var group errgroup.Group
	for i := range clients {
		group.Go(func() error {
			for len(took[i]) == 0 || time.Since(start) < duration {
				body := next(i)
				if body == nil {
					return nil
				}
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
	elapsed, spent := time.Since(start), processorTime()-used
	all := slices.Concat(took...)
	slices.Sort(all)
	return measured{len(all), float64(len(all)) / elapsed.Seconds(), all[len(all)/2], all[len(all)*99/100], spent / time.Duration(len(all))}, nil
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
