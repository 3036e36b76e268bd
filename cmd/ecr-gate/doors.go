package main

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
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
	now      func() time.Time
	room     *gate.Room
	gate     atomic.Pointer[gate.Gate]
	settings atomic.Pointer[webhook.Settings]

	// Of whoever calls use, one at a time.
	started, current *config.Config
	refused          bool            // the newest one was
	webhook          *config.Webhook // the last there was

	mu         sync.Mutex // over what follows
	registries []ecr.Registry
	facts      *gate.Cache
	retired    []func() // close earlier caches
}

// What metrics call the doors.
const (
	webhookDoor  = "webhook"
	pipelineDoor = "pipeline"
)

func newDoors(m *metrics, log *slog.Logger, env aws.Config, now func() time.Time) *doors {
	return &doors{metrics: m, log: log, env: env, now: now, room: gate.NewRoom()}
}

func (d *doors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.facts != nil {
		d.facts.Close()
	}
	for _, retire := range d.retired {
		retire()
	}
}

// use puts a configuration in force. What the doors themselves were started with
// (which of them, action type, Region, ports) stays until the next start. One that
// leaves a door without its policy is refused.
func (d *doors) use(c *config.Config) {
	if err := d.policyGone(c); err != nil {
		d.keep(err)
		return
	}
	d.metrics.reload.Set(1)
	if reflect.DeepEqual(c, d.current) { // the watcher begins with the one that serve began with
		if d.refused {
			d.log.Info("the refused configuration was taken back; the one in force is the file's again")
		}
		d.refused = false
		return
	}
	d.refused = false
	d.current = c
	regions := regionsOf(d.env.Region, registries(c))
	d.metrics.regions.Store(&regions)
	g := gateOf(c, d.source(registries(c)))
	g.Room = d.room
	g.Now = d.now
	d.gate.Store(g)
	if c.Webhook != nil {
		d.webhook = c.Webhook
	}
	if d.webhook != nil { // without its block the door stays open until the next start, with the new policies
		settings := webhookSettings(d.webhook, g.PolicyNames())
		settings.Gate = through{doors: d, door: webhookDoor, gate: func() *gate.Gate { return g }}
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

// policyGone says that the webhook's last block, which holds on where the new
// configuration has none, names a policy that the new one lacks: every pod would be
// refused. Where serve was started without a webhook there is none to refuse them.
func (d *doors) policyGone(c *config.Config) error {
	kept := d.webhook
	if kept == nil || c.Webhook != nil || d.started == nil || d.started.Webhook == nil {
		return nil
	}
	for _, mode := range []struct{ key, value string }{{"enforce", kept.Enforce}, {"warn", kept.Warn}, {"audit", kept.Audit}} {
		known := func(p config.Policy) bool { return p.Name == mode.value }
		if mode.value != config.Auto && mode.value != config.None && !slices.ContainsFunc(c.Policies, known) {
			return fmt.Errorf("the webhook stays open until serve is restarted, and its %s names policy %s, which is gone; put the policy back, and take it out after the restart",
				mode.key, mode.value)
		}
	}
	return nil
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
// answers, so they begin with an empty one; the old one is closed once nobody can be
// waiting for it any more.
func (d *doors) source(registries []ecr.Registry) gate.Source {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.facts
	if old != nil && reflect.DeepEqual(registries, d.registries) {
		return old
	}
	d.registries = registries
	d.facts = gate.NewCache(ecr.NewSource(d.env, registries), gate.CacheOptions{
		MaxBytes: cacheBytes(), Count: d.metrics.cached, LoadTimeout: loadTimeout, Near: inRegions(regionsOf(d.env.Region, registries)), Now: d.now,
	})
	if old != nil {
		retire := sync.OnceFunc(old.Close)
		d.retired = append(d.retired, retire)
		time.AfterFunc(2*loadTimeout, retire)
	}
	return d.facts
}

// regionsOf are the own Region and those that the configuration lists.
func regionsOf(own string, registries []ecr.Registry) []string {
	regions := []string{own}
	for _, r := range registries {
		regions = append(regions, r.Regions...)
	}
	return regions
}

// inRegions tells the registries of these.
func inRegions(regions []string) func(registry string) bool {
	return func(registry string) bool {
		return slices.ContainsFunc(regions, func(region string) bool { return strings.Contains(registry, "."+region+".") })
	}
}

// keep says that a new configuration was refused and the last good one holds.
func (d *doors) keep(err error) {
	d.refused = true
	d.metrics.reload.Set(0)
	d.log.Error("the new configuration is refused; the last good one stays in force", "error", err)
}

// through is one door's way to a gate, where verdicts are counted. It implements
// pipeline.Checker and webhook.Checker.
type through struct {
	*doors
	door string
	gate func() *gate.Gate // the one of the moment, or one version's
}

// Check counts every verdict of the webhook but those of a dry run, of which nothing may be
// left, and those on images that it is told to let pass without one. Of the pipeline it
// counts how long a look takes; countFinal does the rest.
func (t through) Check(ctx context.Context, req gate.Request) gate.Verdict {
	start, g := time.Now(), t.gate()
	v := g.Check(ctx, req)
	unasked := t.door == webhookDoor && v.Cause == gate.NotECR && t.settings.Load().NonECRImages != webhook.Deny
	if req.DryRun || unasked {
		return v
	}
	t.metrics.took(t.door, time.Since(start))
	if t.door == webhookDoor {
		t.metrics.verdict(t.door, v, g.PolicyNames())
	}
	return v
}

// countFinal counts a job's verdicts when they are its last: one that waits is looked at
// every few seconds, and would count for more than all others.
func (d *doors) countFinal(verdicts []gate.Verdict) {
	policies := d.gate.Load().PolicyNames()
	for _, v := range verdicts {
		d.metrics.verdict(pipelineDoor, v, policies)
	}
}

// worker is the pipelines' door; the file is named in what its log says to do.
func (d *doors) worker(c *config.Config, file string) pipeline.Worker {
	return pipeline.Worker{
		Config: d.env, Gate: through{d, pipelineDoor, d.gate.Load}, ActionType: actionType(c), RegistryHost: ecr.RegistryHost, Files: artifactFiles(maxReported),
		MaxWait: c.Pipeline.MaxWait, PollInterval: c.Pipeline.PollInterval, Concurrency: c.Pipeline.Concurrency,
		ConfigFile: file, Now: d.now, Log: d.log, Counts: d.metrics.job, Verdicts: d.countFinal,
	}
}
