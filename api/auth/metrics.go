package auth

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	total *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (metrics, error) {
	m := metrics{total: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "qaqpa_auth_total",
		Help: "API keys that were shown, by what came of it.",
	}, []string{"result"})}
	if reg == nil {
		return m, nil
	}
	if err := reg.Register(m.total); err != nil {
		return m, fmt.Errorf("couldn't register the metrics of auth: %w", err)
	}
	return m, nil
}

func (m metrics) count(err error) {
	result := "error"
	switch {
	case err == nil:
		result = "ok"
	case errors.Is(err, ErrReplay):
		result = "replay"
	case errors.Is(err, ErrUnknownKey):
		result = "unknown"
	case errors.Is(err, ErrRevoked):
		result = "revoked"
	case errors.Is(err, ErrExpired):
		result = "expired"
	case errors.Is(err, ErrBusy):
		result = "busy"
	}
	m.total.WithLabelValues(result).Inc()
}
