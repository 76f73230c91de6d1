package payment

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"qaqpa/payment/recon"
)

// reconMetrics are the metrics of reconciliation. Banks are few and registered, so they may be a label.
type reconMetrics struct {
	files      *prometheus.CounterVec
	lines      *prometheus.CounterVec
	matchRate  *prometheus.GaugeVec
	seconds    prometheus.Histogram
	open       *prometheus.GaugeVec
	atRisk     *prometheus.GaugeVec
	unexpected *prometheus.CounterVec
}

func newReconMetrics() reconMetrics {
	return reconMetrics{
		files: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_recon_files_total", Help: "Files of banks by what became of them: booked, repeated or refused.",
		}, []string{"result"}),
		lines: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_recon_lines_total", Help: "Lines of statements by the rule that matched them; none when no rule did.",
		}, []string{"bank", "rule"}),
		matchRate: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "qaqpa_recon_auto_match_ratio", Help: "Share of the lines of the last statement that rules matched.",
		}, []string{"bank"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "qaqpa_recon_file_seconds", Help: "Time to take in a file.", Buckets: prometheus.ExponentialBuckets(0.01, 4, 9),
		}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "qaqpa_recon_open_exceptions", Help: "Exceptions that are not resolved, by age in days.",
		}, []string{"bank", "age"}),
		atRisk: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "qaqpa_recon_money_at_risk_tiyn", Help: "Sum of the amounts of exceptions that are not resolved, without regard to direction.",
		}, []string{"bank"}),
		unexpected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_recon_exceptions_total", Help: "Exceptions that statements opened, by kind.",
		}, []string{"bank", "kind"}),
	}
}

func (m reconMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.files, m.lines, m.matchRate, m.seconds, m.open, m.atRisk, m.unexpected}
}

// observe counts a file that was taken in.
func (m reconMetrics) observe(r FileReport, repeated bool, took time.Duration) {
	if repeated {
		m.files.WithLabelValues("repeated").Inc()
		return
	}
	m.files.WithLabelValues("booked").Inc()
	m.seconds.Observe(took.Seconds())
	for _, s := range r.Statements {
		if s.State != statementBooked {
			continue
		}
		for _, rule := range s.Rules {
			m.lines.WithLabelValues(s.Bank, rule.Rule).Add(float64(rule.Lines))
		}
		m.lines.WithLabelValues(s.Bank, "none").Add(float64(max(s.Lines-s.Matched, 0)))
		m.matchRate.WithLabelValues(s.Bank).Set(float64(s.MatchRate()) / 1000)
		for _, k := range s.Exceptions {
			m.unexpected.WithLabelValues(s.Bank, string(k.Kind)).Add(float64(k.Count))
		}
	}
}

// workRecon turns new executions into expectations, lists what is past its term by the clock, and measures the queue.
func (s *Service) workRecon(ctx context.Context) error {
	if err := s.expect(ctx); err != nil {
		return err
	}
	if err := s.ageAll(ctx); err != nil {
		return err
	}
	return s.measureQueue(ctx)
}

// measureQueue sets the gauges of open exceptions.
func (s *Service) measureQueue(ctx context.Context) error {
	var rows []struct {
		Bank   string    `db:"bank_bic"`
		Opened time.Time `db:"opened_on"`
		Count  int64     `db:"count"`
		Amount int64     `db:"amount"`
	}
	err := all(ctx, s.db, &rows, `
		SELECT bank_bic, opened_on, count(*) AS count, sum(abs(amount))::bigint AS amount
		FROM recon_exceptions WHERE state NOT IN `+settledStates+` GROUP BY bank_bic, opened_on`)
	if err != nil {
		return err
	}
	now := s.now()
	s.metrics.recon.open.Reset()
	s.metrics.recon.atRisk.Reset()
	for _, r := range rows {
		s.metrics.recon.open.WithLabelValues(r.Bank, recon.AgeOf(recon.DaysOpen(r.Opened.UTC(), now)).String()).Add(float64(r.Count))
		s.metrics.recon.atRisk.WithLabelValues(r.Bank).Add(float64(r.Amount))
	}
	return nil
}
