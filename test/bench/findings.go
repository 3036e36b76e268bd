package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/report"
)

// budget is how long one cost is measured.
func (s settings) budget() time.Duration { return s.round / 2 }

// findings measures what a scan costs by its length: to read it from ECR's answers,
// to judge it, to judge it once it is cached, and to report on it.
func findings(ctx context.Context, r *figures, s settings) error {
	read, judged, cached, told := curve{name: "read"}, curve{name: "evaluate"}, curve{name: "cached check"}, curve{name: "reports"}
	var rows []string
	for _, n := range []int{100, 500, 1_000, 5_000, 10_000} {
		l, err := newLength(ctx, n)
		if err != nil {
			return err
		}
		row := fmt.Sprintf("| %d | %d |", n, l.scan.Pages)
		for _, m := range []struct {
			*curve
			do func() error
		}{
			{&read, func() error { return l.read(ctx) }},
			{&judged, l.judge},
			{&cached, func() error { return l.check(ctx) }},
			{&told, l.report},
		} {
			c, err := costOf(s.budget(), m.do)
			if err != nil {
				return err
			}
			m.add(n, float64(c.time.Nanoseconds()))
			row += fmt.Sprintf(" %.2f | %.2f |", inMilliseconds(c.time), inMilliseconds(c.time)*1_000/float64(n))
		}
		rows = append(rows, row)
		l.close()
	}
	r.printf("\n## One image by its findings, in ms of processor time\n\n" +
		"| findings | pages | read | per 1,000 | evaluate | per 1,000 | cached check | per 1,000 | all reports | per 1,000 | |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for i, row := range rows {
		r.printf("%s %s |\n", row, marks(i, read, judged, cached, told))
	}
	r.printf("\nReading is the SDK's decoding and ours, from answers kept in memory: no network. A cached check is all of a review but the HTTP and the pod. The reports are %v.\n", report.Formats())
	r.relative(read, judged, cached, told)
	return nil
}

func inMilliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// length is an image of so many findings, read once.
type length struct {
	aws    *awslocal.Server
	source *ecr.Source
	facts  *gate.Cache
	gate   *gate.Gate
	image  gate.Image
	scan   gate.Scan
}

func newLength(ctx context.Context, n int) (*length, error) {
	aws := awslocal.New(awslocal.Options{})
	if _, err := aws.Start(); err != nil {
		return nil, err
	}
	digest := aws.PutImage(awslocal.Image{Repository: "shop/web", Tags: []string{"1"}, Scans: enhancedScan(n)})
	config := aws.AWSConfig()
	config.HTTPClient = &replay{next: config.HTTPClient, answers: map[string]answered{}}
	source := ecr.NewSource(config, nil)
	l := &length{
		aws: aws, source: source, facts: gate.NewCache(source, gate.CacheOptions{}),
		image: gate.Image{Written: aws.RegistryHost() + "/shop/web:1", Registry: aws.RegistryHost(), Repository: "shop/web", Tag: "1", Digest: digest},
	}
	l.gate = &gate.Gate{Source: l.facts, Policies: []gate.Policy{tolerant}}
	var err error
	l.scan, err = source.Scan(ctx, l.image, gate.Manifest{Digest: digest})
	return l, err
}

func (l *length) close() {
	l.facts.Close()
	l.aws.Close()
}

func (l *length) read(ctx context.Context) error {
	_, err := l.source.Scan(ctx, l.image, gate.Manifest{Digest: l.image.Digest})
	return err
}

func (l *length) verdict() gate.Verdict {
	return gate.Evaluate(tolerant, nil, l.image, []gate.Scan{l.scan}, time.Now())
}

func (l *length) judge() error { return allowed(l.verdict()) }

func (l *length) check(ctx context.Context) error {
	return allowed(l.gate.Check(ctx, gate.Request{Image: l.image.Written, Digest: l.image.Digest}))
}

func (l *length) report() error {
	verdicts := []gate.Verdict{l.verdict()}
	for _, name := range report.Formats() {
		format, _ := report.Named(name, report.Options{})
		if err := format(io.Discard, verdicts); err != nil {
			return err
		}
	}
	return nil
}

func allowed(v gate.Verdict) error {
	if v.Outcome != gate.Allowed {
		return fmt.Errorf("not allowed: %s", v.Reason)
	}
	return nil
}

// replay gives each answer it got once, from then on by itself.
type replay struct {
	next interface {
		Do(*http.Request) (*http.Response, error)
	}
	mu      sync.Mutex
	answers map[string]answered
}

type answered struct {
	header http.Header
	body   []byte
}

// Do implements the SDK's HTTP client.
func (p *replay) Do(r *http.Request) (*http.Response, error) {
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a, known := p.answers[string(asked)]
	if !known {
		r.Body = io.NopCloser(bytes.NewReader(asked))
		response, err := p.next.Do(r)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close() //nolint:errcheck // read only
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("HTTP %d: %s (%w)", response.StatusCode, body, err)
		}
		a = answered{response.Header, body}
		p.answers[string(asked)] = a
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: a.header.Clone(), ContentLength: int64(len(a.body)), Body: io.NopCloser(bytes.NewReader(a.body)),
	}, nil
}
