package api

import (
	"os"
	"runtime"
	"testing"
)

const (
	// benchFew is the payments of a round, of which five take turns. Before the middle one 2,400 are stored in the database with little in it.
	benchFew, benchTurns = 1000, 5
	// benchHistory makes what is stored in the other one 100 times that.
	benchHistory = 240_000
)

// TestBenchPayHistory measures what a payment costs where 100 times more is stored: two gateways over two databases that differ in nothing
// else confirm payments by turns, so that what else the machine and its disk do hurts both. It runs when QAQPA_BENCH is set.
func TestBenchPayHistory(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: set QAQPA_BENCH=1 to run it")
	}
	defer runtime.KeepAlive(make([]byte, heapFloorMiB<<20)) // as the program itself does
	few, many := startPayBench(t), startPayBench(t)
	many.history(benchHistory)
	rates := map[*payBench][]float64{}
	for range benchTurns {
		for _, w := range []*payBench{few, many} {
			list := w.take(benchFew, 1, true)
			w.checkpoint()
			before := w.processorTime()
			rate, _ := w.overHTTP(list)
			rates[w] = append(rates[w], rate)
			var stored int
			if err := w.db.GetContext(t.Context(), &stored, `SELECT count(*) FROM orders WHERE state = 'executed'`); err != nil {
				t.Fatal(err)
			}
			t.Logf("%7d stored afterwards: %6.0f payments/s, %5d µs of processor time each", stored, rate, (w.processorTime()-before).Microseconds()/benchFew)
		}
	}
	few.tell([]benchLine{{
		Path: "payment: with 100 times more stored", Value: medianOf(rates[many]), Against: "some 2,400 stored", AgainstValue: medianOf(rates[few]), Goal: 0.9,
	}})
}
