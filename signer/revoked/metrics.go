package revoked

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	refreshes  *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	entries    *prometheus.GaugeVec
	octets     *prometheus.GaugeVec
	thisUpdate *prometheus.GaugeVec
	nextUpdate *prometheus.GaugeVec
	checked    *prometheus.GaugeVec
	learnt     prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"point"})
	}
	m := &metrics{
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_revoked_requests_total",
			Help: "Requests for lists of revoked certificates, by point and result; what is refused was not taken and the old list stays.",
		}, []string{"point", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "qaqpa_revoked_request_seconds",
			Help:    "Time from the request for a list to its use, or to its end.",
			Buckets: prometheus.ExponentialBuckets(0.01, 3, 11),
		}, []string{"result"}),
		entries:    gauge("qaqpa_revoked_entries", "Entries of the current list."),
		octets:     gauge("qaqpa_revoked_memory_bytes", "Memory of the current list with its indexes."),
		thisUpdate: gauge("qaqpa_revoked_this_update_timestamp_seconds", "When the current list was made."),
		nextUpdate: gauge("qaqpa_revoked_next_update_timestamp_seconds", "By when the next list is promised; a value in the past means that the current one is out of date."),
		checked:    gauge("qaqpa_revoked_checked_timestamp_seconds", "When the authority last confirmed or replaced the current list."),
		learnt:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "qaqpa_revoked_learnt_points", Help: "Points learnt from certificates."}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.refreshes, m.seconds, m.entries, m.octets, m.thisUpdate, m.nextUpdate, m.checked, m.learnt} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("couldn't register the metrics of lists: %w", err)
		}
	}
	return m, nil
}

// label keeps learnt points together.
func (p *point) label() string {
	if p.learnt {
		return learntLabel
	}
	return p.Name
}

func (m *metrics) requested(p *point, result string, d time.Duration) {
	m.refreshes.WithLabelValues(p.label(), result).Inc()
	m.seconds.WithLabelValues(result).Observe(d.Seconds())
}

// describe shows the current list of a configured point.
func (m *metrics) describe(p *point) {
	if p.learnt || p.list == nil {
		return
	}
	octets, indexes := p.list.Memory()
	m.entries.WithLabelValues(p.Name).Set(float64(p.list.Len()))
	m.octets.WithLabelValues(p.Name).Set(float64(octets + indexes))
	m.thisUpdate.WithLabelValues(p.Name).Set(float64(p.list.ThisUpdate().Unix()))
	if next := p.list.NextUpdate(); !next.IsZero() {
		m.nextUpdate.WithLabelValues(p.Name).Set(float64(next.Unix()))
	}
	m.checked.WithLabelValues(p.Name).Set(float64(p.checked.Unix()))
}
