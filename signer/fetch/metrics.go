package fetch

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_fetch_requests_total",
			Help: "Pieces of evidence asked for, by kind and result; cached ones came from memory.",
		}, []string{"kind", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "qaqpa_fetch_seconds",
			Help:    "Time that a fetch of evidence over the network took.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2.5, 9),
		}, []string{"kind"}),
	}
	if reg == nil {
		return m, nil
	}
	for _, col := range []prometheus.Collector{m.requests, m.seconds} {
		if err := reg.Register(col); err != nil {
			return nil, fmt.Errorf("couldn't register the metrics of fetch: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) count(k Kind, result string) { m.requests.WithLabelValues(string(k), result).Inc() }

func (m *metrics) observe(k Kind, d time.Duration, f *Failure) {
	result := "ok"
	if f != nil {
		result = string(f.Kind)
	}
	m.count(k, result)
	m.seconds.WithLabelValues(string(k)).Observe(d.Seconds())
}
