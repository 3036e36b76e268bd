package main

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ecr-gate/ecr-gate/config"
	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// doors share one gate, which a new configuration replaces, and one cache of
// facts, which outlives it: what ECR said does not depend on a policy.
type doors struct {
	metrics  *metrics
	log      *slog.Logger
	env      aws.Config
	gate     atomic.Pointer[gate.Gate]
	settings atomic.Pointer[webhook.Settings]

	started, current *config.Config // of whoever calls use, one at a time

	mu         sync.Mutex // over what follows
	registries []ecr.Registry
	facts      *gate.Cache
}

// What metrics call the doors.
const (
	webhookDoor  = "webhook"
	pipelineDoor = "pipeline"
)

func newDoors(m *metrics, log *slog.Logger, env aws.Config) *doors {
	return &doors{metrics: m, log: log, env: env}
}

func (d *doors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.facts != nil {
		d.facts.Close()
	}
}

// use puts a configuration in force. What the doors themselves were started with
// (which of them, action type, Region, ports) stays until the next start.
func (d *doors) use(c *config.Config) {
	d.metrics.reload.Set(1)
	if reflect.DeepEqual(c, d.current) {
		return // the watcher begins with the one that serve began with; or a bad one was taken back
	}
	d.current = c
	source, retire := d.source(registries(c))
	g := gateOf(c, source)
	d.gate.Store(g)
	retire()
	if c.Webhook != nil {
		settings := webhookSettings(c.Webhook, g.PolicyNames())
		d.settings.Store(&settings)
	}
	if d.started == nil {
		d.started = c
	} else if list := readAtStart(d.started, c); len(list) > 0 {
		d.log.Warn("what is read when serve starts has changed; restart it to have that in force", "changed", list)
	}
	exceptions := c.GateExceptions()
	d.metrics.exceptions.Store(&exceptions)
	d.log.Info("configuration in force", "policies", len(c.Policies), "exceptions", len(exceptions))
	for _, w := range c.Warnings {
		d.log.Warn("configuration", "warning", w)
	}
}

// readAtStart lists what differs of that which a running process does not follow.
func readAtStart(started, now *config.Config) []string {
	var list []string
	add := func(differs bool, what string) {
		if differs {
			list = append(list, what)
		}
	}
	add((started.Webhook == nil) != (now.Webhook == nil), "webhook")
	add(started.Webhook != nil && now.Webhook != nil && started.Webhook.NamespaceLabels != now.Webhook.NamespaceLabels, "webhook.namespaceLabels")
	add(!reflect.DeepEqual(started.Pipeline, now.Pipeline), "pipeline")
	add(started.AWS.Region != now.AWS.Region, "aws.region")
	return list
}

// loadTimeout bounds the reading of one scan, of all its pages. Who waits for it
// leaves earlier; it goes on for the next.
const loadTimeout = time.Minute

// source is ECR behind the cache. Other registries or roles may mean other
// answers, so they begin with an empty one; the old one is to be retired once
// nobody asks it any more.
func (d *doors) source(registries []ecr.Registry) (source gate.Source, retire func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.facts
	if old != nil && reflect.DeepEqual(registries, d.registries) {
		return old, func() {}
	}
	d.registries = registries
	d.facts = gate.NewCache(ecr.NewSource(d.env, registries), gate.CacheOptions{Count: d.metrics.cached, LoadTimeout: loadTimeout})
	return d.facts, func() {
		if old != nil {
			old.Close()
		}
	}
}

// keep says that a new configuration was refused and the last good one holds.
func (d *doors) keep(err error) {
	d.metrics.reload.Set(0)
	d.log.Error("the new configuration is refused; the last good one stays in force", "error", err)
}

// through is one door's way to the gate: with the configuration of the moment, and
// counted. It implements pipeline.Checker and webhook.Checker.
type through struct {
	*doors
	door string
}

// Check counts every verdict but those of a dry run, of which nothing may be left,
// and those on images that the webhook is told to let pass without one.
func (t through) Check(ctx context.Context, req gate.Request) gate.Verdict {
	start := time.Now()
	v := t.gate.Load().Check(ctx, req)
	unasked := t.door == webhookDoor && v.Cause == gate.NotECR && t.settings.Load().NonECRImages != webhook.Deny
	if !req.DryRun && !unasked {
		t.metrics.verdict(t.door, v, time.Since(start).Seconds())
	}
	return v
}

func (d *doors) worker(c *config.Config) pipeline.Worker {
	return pipeline.Worker{
		Config: d.env, Gate: through{d, pipelineDoor}, ActionType: actionType(c), RegistryHost: ecr.RegistryHost, Reports: reports(),
		MaxWait: c.Pipeline.MaxWait, PollInterval: c.Pipeline.PollInterval, Concurrency: c.Pipeline.Concurrency,
		Log: d.log, Counts: d.metrics.job,
	}
}
