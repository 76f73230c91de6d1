package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the public listener. Labels are bounded: route templates, known methods, status classes and codes of ours.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	problems *prometheus.CounterVec
	inFlight prometheus.Gauge
	panics   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (metrics, error) {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_http_requests_total", Help: "Requests answered, by operation and status.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "qaqpa_http_request_seconds", Help: "Time from the head of a request to its answer, by operation.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "method"}),
		problems: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_http_problems_total", Help: "Refusals and failures, by operation and code.",
		}, []string{"route", "code"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "qaqpa_http_in_flight_requests", Help: "Requests being answered.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "qaqpa_http_panics_total", Help: "Defects that were caught at the edge; each is a bug.",
		}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.problems, m.inFlight, m.panics} {
		if err := reg.Register(c); err != nil {
			return m, fmt.Errorf("couldn't register the metrics of api: %w", err)
		}
	}
	return m, nil
}

// line is what is known of an answered request.
type line struct {
	id, actor, method, route string
	status                   int
	seconds                  float64
	sent                     int
	response                 *response
}

// observe counts and logs a request. The line has no path, query, address or body: those are, or lead to, personal data.
func (s *Server) observe(l line) {
	s.metrics.requests.WithLabelValues(l.route, l.method, statusLabel(l.status)).Inc()
	s.metrics.seconds.WithLabelValues(l.route, l.method).Observe(l.seconds)
	s.times.Observe(classOf(l.route), time.Duration(l.seconds*float64(time.Second)))
	attrs := []slog.Attr{
		slog.String("request_id", l.id), slog.String("method", l.method), slog.String("route", l.route),
		slog.Int("status", l.status), slog.Float64("seconds", l.seconds), slog.Int("sent_bytes", l.sent),
	}
	if l.actor != "" {
		attrs = append(attrs, slog.String("actor", l.actor))
	}
	level := slog.LevelInfo
	if l.response != nil && l.response.code != "" {
		s.metrics.problems.WithLabelValues(l.route, string(l.response.code)).Inc()
		attrs = append(attrs, slog.String("code", string(l.response.code)))
		if l.status >= http.StatusInternalServerError {
			level = slog.LevelError
			attrs = append(attrs, slog.Any("error", l.response.err))
		}
	}
	s.cfg.Log.LogAttrs(s.base, level, "request", attrs...)
}

func (s *Server) logPanic(id string, v any) {
	s.metrics.panics.Inc()
	s.cfg.Log.LogAttrs(s.base, slog.LevelError, "panic", slog.String("request_id", id), slog.Any("value", v),
		slog.String("stack", string(debug.Stack())))
}

// methodLabel keeps the label bounded, whatever clients send.
func methodLabel(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

func statusLabel(status int) string { return strconv.Itoa(status) }
