package signer

import (
	"fmt"
	"time"

	"qaqpa/signer/report"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	validations *prometheus.CounterVec
	seconds     prometheus.Histogram
	seals       *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		validations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_signer_validations_total",
			Help: "Documents judged, by indication; error means that nothing could be decided.",
		}, []string{"indication"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "qaqpa_signer_validation_seconds",
			Help:    "Time that a validation took, the gathering and storing of evidence included.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12),
		}),
		seals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_signer_seals_total",
			Help: "Documents sealed, by result.",
		}, []string{"result"}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.validations, m.seconds, m.seals} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("couldn't register the metrics of the signer: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) validated(indication report.Indication, err error, d time.Duration) {
	label := string(indication)
	if err != nil {
		label = "error"
	}
	m.validations.WithLabelValues(label).Inc()
	m.seconds.Observe(d.Seconds())
}

func (m *metrics) sealed(err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.seals.WithLabelValues(result).Inc()
}
