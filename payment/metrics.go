package payment

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the domain. Banks are few and registered, so they may be a label.
type metrics struct {
	outcomes       *prometheus.CounterVec
	contradictions *prometheus.CounterVec
	inquiries      *prometheus.CounterVec
	deliveries     *prometheus.CounterVec
	receipts       prometheus.Counter
	checkpoints    prometheus.Counter
	checkpointSize prometheus.Gauge
	checkpointTime prometheus.Histogram
	retries        prometheus.Counter
	failures       *prometheus.CounterVec
	recon          reconMetrics
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_payment_bank_outcomes_total", Help: "What banks said about attempts; no_reply is an outcome not yet known.",
		}, []string{"bank", "outcome"}),
		contradictions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_payment_bank_contradictions_total", Help: "Signed messages of banks that contradict what is stored; a person decides.",
		}, []string{"bank"}),
		inquiries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_payment_register_answers_total", Help: "Questions to registers of agencies by result: answered, or what went wrong.",
		}, []string{"agency", "result"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_payment_webhook_deliveries_total", Help: "Tries to deliver webhooks by result.",
		}, []string{"result"}),
		receipts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "qaqpa_payment_receipts_total", Help: "Receipts made.",
		}),
		checkpoints: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "qaqpa_payment_checkpoints_total", Help: "Checkpoints signed.",
		}),
		checkpointSize: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "qaqpa_payment_checkpoint_leaves", Help: "Leaves of the journal under the newest checkpoint of this process.",
		}),
		checkpointTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "qaqpa_payment_checkpoint_seconds", Help: "Time to make a checkpoint.", Buckets: prometheus.ExponentialBuckets(0.001, 3, 9),
		}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "qaqpa_payment_transaction_retries_total", Help: "Transactions repeated after a serialisation failure or deadlock.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_payment_worker_failures_total", Help: "Runs of workers that ended with an error.",
		}, []string{"worker"}),
	}
	m.recon = newReconMetrics()
	if registerer == nil {
		return m, nil
	}
	for _, c := range append(m.recon.collectors(), []prometheus.Collector{
		m.outcomes, m.contradictions, m.inquiries, m.deliveries, m.receipts, m.checkpoints, m.checkpointSize, m.checkpointTime, m.retries, m.failures,
	}...) {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
