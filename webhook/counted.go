package webhook

import (
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// counted is a handler under controller-runtime's own metrics of webhooks, which
// dashboards know. They are not exported; registering them again finds them.
func counted(next http.Handler) http.Handler {
	path := prometheus.Labels{"webhook": Path}
	latency := existing(prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "controller_runtime_webhook_latency_seconds",
		Help: "Histogram of the latency of processing admission requests",
	}, []string{"webhook"}))
	total := existing(prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "controller_runtime_webhook_requests_total",
		Help: "Total number of admission requests by HTTP status code.",
	}, []string{"webhook", "code"}))
	inFlight := existing(prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "controller_runtime_webhook_requests_in_flight",
		Help: "Current number of admission requests being served.",
	}, []string{"webhook"}))
	total.MustCurryWith(path).WithLabelValues("200")
	return promhttp.InstrumentHandlerDuration(latency.MustCurryWith(path),
		promhttp.InstrumentHandlerCounter(total.MustCurryWith(path),
			promhttp.InstrumentHandlerInFlight(inFlight.With(path), next)))
}

// existing is the collector of that name that is registered already.
func existing[C prometheus.Collector](c C) C {
	var already prometheus.AlreadyRegisteredError
	if errors.As(metrics.Registry.Register(c), &already) {
		if registered, ok := already.ExistingCollector.(C); ok {
			return registered
		}
	}
	return c
}
