package hsm

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of one token. Keys are few and named by the operator, so their labels are bounded.
type metrics struct {
	signatures *prometheus.CounterVec // key, mechanism, result
	seconds    prometheus.ObserverVec // key, mechanism
	connects   *prometheus.CounterVec // step, result
	inFlight   prometheus.Gauge
	up         prometheus.Gauge
	sessions   prometheus.Gauge
	wrong      prometheus.Counter
}

// newMetrics registers the metrics, or joins those that another token registered. Without a registerer they count for
// nobody.
func newMetrics(to prometheus.Registerer, token string) (*metrics, error) {
	signatures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "qaqpa_hsm_signatures_total", Help: "Signatures asked of a token, by outcome.",
	}, []string{"token", "key", "mechanism", "result"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "qaqpa_hsm_signature_seconds", Help: "Time of one signature, waiting and verification included.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
	}, []string{"token", "key", "mechanism"})
	connects := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "qaqpa_hsm_connects_total", Help: "Attempts to connect to a token: with a new session, or with the library initialised anew.",
	}, []string{"token", "step", "result"})
	inFlight := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "qaqpa_hsm_calls_in_flight", Help: "Calls of a token that are in the PKCS#11 library.",
	}, []string{"token"})
	up := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "qaqpa_hsm_up", Help: "Worker processes of a token that are connected, or 1 without workers; 0: it is lost.",
	}, []string{"token"})
	sessions := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "qaqpa_hsm_sessions", Help: "Calls that the worker processes of a token do at once, as set or as found to be fastest.",
	}, []string{"token"})
	wrong := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "qaqpa_hsm_wrong_signatures_total", Help: "Signatures that the public key did not verify and that were thrown away.",
	}, []string{"token"})
	err := errors.Join(join(to, &signatures), join(to, &seconds), join(to, &connects), join(to, &inFlight), join(to, &up), join(to, &sessions), join(to, &wrong))
	if err != nil {
		return nil, err
	}
	of := prometheus.Labels{"token": token}
	return &metrics{
		signatures: signatures.MustCurryWith(of), seconds: seconds.MustCurryWith(of), connects: connects.MustCurryWith(of),
		inFlight: inFlight.With(of), up: up.With(of), sessions: sessions.With(of), wrong: wrong.With(of),
	}, nil
}

// join registers a collector; the one that is registered under its name already takes its place.
func join[C prometheus.Collector](to prometheus.Registerer, c *C) error {
	if to == nil {
		return nil
	}
	err := to.Register(*c)
	if other, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, ok := other.ExistingCollector.(C); ok {
			*c = existing
			return nil
		}
	}
	return err
}

func (m *metrics) signed(key, mechanism string, took time.Duration, err error) {
	m.signatures.WithLabelValues(key, mechanism, result(err)).Inc()
	if err == nil {
		m.seconds.WithLabelValues(key, mechanism).Observe(took.Seconds())
	}
}

func (m *metrics) connected(step string, err error) {
	m.connects.WithLabelValues(step, result(err)).Inc()
}

// result is the label of an outcome: one of a few words.
func result(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, ErrBusy):
		return "busy"
	case errors.Is(err, ErrWrongSignature):
		return "wrong"
	case errors.Is(err, ErrWrongPIN), errors.Is(err, ErrPINLocked):
		return "pin"
	case errors.Is(err, ErrKeyNotFound), errors.Is(err, ErrKeyChanged), errors.Is(err, ErrKeyAmbiguous), errors.Is(err, ErrKeyAttributes):
		return "key"
	default:
		return "unavailable"
	}
}

// fleetMetrics are those of a fleet, beside the metrics of its tokens.
type fleetMetrics struct {
	restarts *prometheus.CounterVec // token, reason
	refused  *prometheus.CounterVec // key
	queue    *prometheus.GaugeVec   // key
}

func newFleetMetrics(to prometheus.Registerer) (*fleetMetrics, error) {
	m := &fleetMetrics{
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_hsm_worker_restarts_total", Help: "Worker processes that were killed and started anew, by reason.",
		}, []string{"token", "reason"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_hsm_refused_total", Help: "Calls that were refused because their key was overloaded or over its limit.",
		}, []string{"key"}),
		queue: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "qaqpa_hsm_waiting_calls", Help: "Calls of a key that wait for a token, seen when the last one came.",
		}, []string{"key"}),
	}
	return m, errors.Join(join(to, &m.restarts), join(to, &m.refused), join(to, &m.queue))
}
