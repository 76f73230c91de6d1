package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"qaqpa/payment/order"
)

// BenchmarkFront compares one POST through all gates (strict JSON, idempotency, limits, metrics, log) with a bare
// fasthttp handler that sends the same body back. The client shares the cores with the server.
//
//	go test -run=xxx -bench=Front ./api
func BenchmarkFront(b *testing.B) {
	body := []byte(`{"payer":"850101300019","debts":["dbt_3f01a2015a9d3c7cbf80196e24887a6497"],"bank":"TESTKZKA"}`)
	echo := order.Request{Payer: "850101300019", Debts: []string{"dbt_3f01a2015a9d3c7cbf80196e24887a6497"}, Bank: "TESTKZKA"}
	b.Run("bare", func(b *testing.B) {
		out, err := json.Marshal(echo)
		if err != nil {
			b.Fatal(err)
		}
		load(b, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
			ctx.SetContentType(typeJSON)
			ctx.SetBody(out)
		}}, body)
	})
	b.Run("gateway", func(b *testing.B) {
		s := bare(b)
		reg := prometheus.NewRegistry()
		m, err := newMetrics(reg)
		if err != nil {
			b.Fatal(err)
		}
		// Lines are written, as in operation; only the disk is left out.
		s.metrics, s.cfg.Log = m, slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // DiscardHandler would write none
		e, err := handle(func(_ context.Context, _ *request, in order.Request) (reply[order.Request], error) {
			return reply[order.Request]{Body: in}, nil
		})
		if err != nil {
			b.Fatal(err)
		}
		s.router = newRouter(s, []route{change("/v1/orders", "", 64<<10, e)}).Handler
		load(b, s.front, body)
	})
}

func load(b *testing.B, s *fasthttp.Server, body []byte) {
	b.Helper()
	ln, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	client := &fasthttp.HostClient{Addr: ln.Addr().String(), MaxConns: 64}
	b.SetParallelism(16)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		for pb.Next() {
			req.Header.SetMethod(http.MethodPost)
			req.SetRequestURI("http://" + client.Addr + "/v1/orders")
			req.Header.SetContentType(typeJSON)
			req.Header.Set("Idempotency-Key", "0190c5a1-7f3e-7b7a-9d5e-0123456789ab")
			req.SetBodyRaw(body)
			if err := client.Do(req, resp); err != nil || resp.StatusCode() != http.StatusOK {
				b.Errorf("got %d, %v: %s", resp.StatusCode(), err, resp.Body())
				return
			}
		}
	})
	b.StopTimer()
	client.CloseIdleConnections()
	if err := s.Shutdown(); err != nil {
		b.Fatal(err)
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
