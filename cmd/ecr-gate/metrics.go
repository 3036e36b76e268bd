package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/ecr"
	"github.com/ecr-gate/ecr-gate/gate/pipeline"
	"github.com/ecr-gate/ecr-gate/webhook"
)

// metrics are the numbers serve shows. No label holds an image, digest or pod:
// the set of series must stay small.
type metrics struct {
	registry   *prometheus.Registry
	verdicts   *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	reviews    prometheus.Histogram
	requests   *prometheus.CounterVec
	jobs       *prometheus.CounterVec
	refused    *prometheus.CounterVec
	exceptions atomic.Pointer[[]gate.Exception] // those in force
	regions    atomic.Pointer[[]string]         // the own one and those of the configuration
	reload     prometheus.Gauge
	cache      *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecr_gate_verdicts_total", Help: "Verdicts given.",
		}, []string{"door", "outcome", "policy"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ecr_gate_check_duration_seconds", Help: "Time one verdict took.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"door"}),
		// controller-runtime's own has nothing between 1 and 10 s, where the API server's
		// patience ends.
		reviews: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ecr_gate_review_duration_seconds", Help: "Time one review took, from its arrival to its answer.",
			Buckets: []float64{.005, .025, .1, .5, 1, 2.5, 5, 7.5, 10, 15, 30},
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecr_gate_aws_requests_total", Help: "Calls to AWS, retries not counted; code is OK or AWS's error code, region the own one, one of the configuration's, or other.",
		}, []string{"service", "operation", "region", "code"}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecr_gate_jobs_total", Help: "Deliveries of CodePipeline jobs, by what became of them.",
		}, []string{"result"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecr_gate_reviews_refused_total", Help: "Reviews refused without a verdict, and connections closed, by why.",
		}, []string{"reason"}),
		reload: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ecr_gate_config_reload_success", Help: "1 if the newest configuration file is the one in force.",
		}),
		cache: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecr_gate_scan_cache_total", Help: "Facts asked for, by where they came from: hit, miss, coalesced or stale.",
		}, []string{"result"}),
	}
	m.registry.MustRegister(m.verdicts, m.durations, m.reviews, m.requests, m.jobs, m.refused, m.reload, m.cache)
	m.registerExceptions()
	m.beginAtZero()
	return m
}

// beginAtZero shows the series that alerts watch before anything happened: a rate
// does not see the first step of one that was not there.
func (m *metrics) beginAtZero() {
	for _, result := range []gate.CacheResult{gate.CacheHit, gate.CacheMiss, gate.CacheCoalesced, gate.CacheStale} {
		m.cache.WithLabelValues(string(result))
	}
	for _, result := range pipeline.Results() {
		m.jobs.WithLabelValues(string(result))
	}
	for _, reason := range webhook.Refusals() {
		m.refused.WithLabelValues(string(reason))
	}
}

// handler shows them beside controller-runtime's, which count the process itself,
// the reviews and the calls to the API server.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(prometheus.Gatherers{m.registry, crmetrics.Registry}, promhttp.HandlerOpts{})
}

func (m *metrics) cached(result gate.CacheResult) { m.cache.WithLabelValues(string(result)).Inc() }

// certificate shows the end of the webhook's certificate, the one that is served.
func (m *metrics) certificate(expiry func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ecr_gate_certificate_expiry_timestamp_seconds", Help: "When the certificate that the webhook serves ends; 0: it serves none.",
	}, func() float64 {
		at := expiry()
		if at.IsZero() {
			return 0
		}
		return float64(at.Unix())
	}))
}

// registerExceptions counts exceptions whenever somebody looks: they lapse without
// any file changing.
func (m *metrics) registerExceptions() {
	for _, state := range []string{active, string(gate.ExceptionExpiring), string(gate.ExceptionExpired)} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ecr_gate_exceptions", Help: "Exceptions in force, soon expiring and expired.",
			ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 { return m.countExceptions(state, time.Now()) }))
	}
}

func (m *metrics) countExceptions(state string, now time.Time) float64 {
	list := m.exceptions.Load()
	if list == nil {
		return 0
	}
	n := 0.
	for _, e := range *list {
		if stateOf(e, now) == state {
			n++
		}
	}
	return n
}

// active is the state of an exception that nothing has to be said of.
const active = "active"

func stateOf(e gate.Exception, now time.Time) string {
	switch {
	case e.Lapsed(now):
		return string(gate.ExceptionExpired)
	case e.Lapsed(now.Add(gate.SoonExpiring)):
		return string(gate.ExceptionExpiring)
	default:
		return active
	}
}

func (m *metrics) job(result pipeline.Result) { m.jobs.WithLabelValues(string(result)).Inc() }

// verdict counts one that a gate gave, which has these policies. What else a request
// called a policy is one series: whoever labels a namespace or posts to the webhook
// could make any number.
func (m *metrics) verdict(door string, v gate.Verdict, policies []string) {
	policy := v.Policy
	if policy != "" && !slices.Contains(policies, policy) {
		policy = "unknown"
	}
	m.verdicts.WithLabelValues(door, v.Outcome.String(), policy).Inc()
}

func (m *metrics) took(door string, d time.Duration) {
	m.durations.WithLabelValues(door).Observe(d.Seconds())
}

// observe counts every AWS call made with the configuration returned.
func (m *metrics) observe(config aws.Config) aws.Config {
	config = config.Copy()
	config.APIOptions = append(config.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("CountRequests", m.count), middleware.After)
	})
	return config
}

func (m *metrics) count(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleInitialize(ctx, in)
	service, operation := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
	if s, o := ecr.InnermostOperation(err); s != "" { // a call for credentials may have failed in its place
		service, operation = s, o
	}
	m.requests.WithLabelValues(service, operation, m.knownRegion(awsmiddleware.GetRegion(ctx)), codeOf(err)).Inc()
	return out, metadata, err
}

// knownRegion is other for a Region that nobody configured: whoever names an image could
// make any number of them, of which most would not answer.
func (m *metrics) knownRegion(region string) string {
	if list := m.regions.Load(); region == "" || list != nil && slices.Contains(*list, region) {
		return region
	}
	return "other"
}

func codeOf(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return "OK"
	case errors.As(err, &api):
		return api.ErrorCode()
	case errors.Is(err, context.DeadlineExceeded):
		return "Timeout"
	case ecr.IsCredentialError(err):
		return "NoCredentials"
	default:
		return "Error"
	}
}
